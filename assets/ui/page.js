/* VoxTale's page: language and light, players, dropping and recording. No dependency, no network but this studio. */
(() => {
  if (window.voxtale) return;

  // --- language and light ---------------------------------------------------------------------------------------
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };

  const language = () => kept('voxtale.language') || navigator.language || 'en';
  const isDark = () => {
    const asked = new URLSearchParams(location.search).get('__theme') || kept('voxtale.light');
    if (asked === 'dark' || asked === 'light') return asked === 'dark';
    return matchMedia('(prefers-color-scheme: dark)').matches;
  };
  const applyLight = () => document.body && document.body.classList.toggle('dark', isDark());
  const wish = () => {
    applyLight();
    return JSON.stringify({ language: language(), dark: isDark(), tab: kept('voxtale.tab') });
  };
  const ready = () => {
    document.body.dataset.vtReady = '1';
    document.documentElement.lang = language().toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
    document.title = document.documentElement.lang === 'en' ? 'VoxTale' : 'VoxTale 声绘';
  };

  const header = (element, trigger) => element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act]');
    if (!button) return;
    if (button.dataset.act === 'language') {
      keep('voxtale.language', button.dataset.language);
    } else {
      const dark = !document.body.classList.contains('dark');
      keep('voxtale.light', dark ? 'dark' : 'light');
      const address = new URL(location.href);
      address.searchParams.delete('__theme');
      history.replaceState(null, '', address);
      document.body.classList.toggle('dark', dark);
    }
    trigger('click', { wish: wish() });
    ready();
  });

  const tabNames = ['voice', 'train', 'speak', 'story', 'models'];
  document.addEventListener('click', (event) => {
    const go = event.target.closest('[data-act="go"]');
    const button = event.target.closest('#tabs > .tab-wrapper button[role="tab"]');
    if (go) keep('voxtale.tab', go.dataset.tab);
    else if (button) keep('voxtale.tab', tabNames[[...button.parentElement.children].indexOf(button)]);
  });

  // --- a shelf longer than its room shows what is chosen, wherever it stands -----------------------------------------
  const reveal = (row) => {
    const card = row.querySelector('[aria-checked="true"]');
    if (!card) return;
    const place = card.getBoundingClientRect(), room = row.getBoundingClientRect();
    if (place.left < room.left || place.right > room.right) row.scrollLeft += place.left - room.left - 4;
    if (place.top < room.top || place.bottom > room.bottom) row.scrollTop += place.top - room.top - 4;
  };
  const shelf = (element, watch) => {
    const show = () => element.querySelectorAll('.vt-shelf').forEach(reveal);
    watch('value', show);
    show();
  };

  // --- a text that nobody read yet: it outlasts a reload ----------------------------------------------------------
  const typed = () => kept('voxtale.text') || '';
  document.addEventListener('input', (event) => {
    if (event.target.closest('#speak-text')) keep('voxtale.text', event.target.value);
  });
  document.addEventListener('click', (event) => {
    if (event.target.closest('#history [data-act="open"]')) keep('voxtale.text', ''); // another takes its place
  });

  // --- players: one voice at a time -----------------------------------------------------------------------------
  const audio = new Audio();
  audio.preload = 'auto';
  let playing = null;
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

  const paint = () => {
    for (const box of document.querySelectorAll('.vt-player')) {
      const own = box.dataset.src === playing;
      const total = Number(box.dataset.seconds) || audio.duration || 1;
      const share = own ? Math.min(1, audio.currentTime / total) : 0;
      box.classList.toggle('is-playing', own && !audio.paused);
      box.style.setProperty('--heard', `${(share * 100).toFixed(2)}%`);
      const seek = box.querySelector('.vt-seek');
      if (seek && document.activeElement !== seek) seek.value = Math.round(share * 1000);
      box.querySelector('.vt-time').textContent = own && audio.currentTime > 0 ? clock(audio.currentTime) : clock(Math.max(1, Math.round(total)));
      const scope = box.closest('[data-karaoke]');
      if (scope) {
        for (const word of scope.querySelectorAll('.vt-word')) {
          const now = own && !audio.paused && audio.currentTime >= word.dataset.from && audio.currentTime < word.dataset.to;
          word.classList.toggle('is-spoken', now);
        }
      }
    }
  };
  const animate = () => { paint(); if (!audio.paused) requestAnimationFrame(animate); };
  for (const name of ['play', 'pause', 'ended', 'seeked', 'error']) audio.addEventListener(name, animate);

  const load = (box) => {
    if (playing === box.dataset.src) return;
    playing = box.dataset.src;
    audio.src = playing;
  };
  document.addEventListener('click', (event) => {
    const button = event.target.closest('.vt-play');
    if (!button) return;
    const box = button.closest('.vt-player');
    if (playing === box.dataset.src && !audio.paused) { audio.pause(); return; }
    load(box);
    audio.play().catch(() => { playing = null; paint(); });
  });
  /** Play any sound of the studio in the one player; what was playing stops. */
  const hear = (source, seconds = 0) => {
    if (playing !== source) { playing = source; audio.src = source; }
    if (Math.abs(audio.currentTime - seconds) > 0.05) audio.currentTime = seconds;
    return audio.play();
  };
  const heard = () => playing;
  document.addEventListener('input', (event) => {
    if (!event.target.classList.contains('vt-seek')) return;
    const box = event.target.closest('.vt-player');
    load(box);
    audio.currentTime = (event.target.value / 1000) * Number(box.dataset.seconds);
    paint();
  });

  // --- listening along: a reading is heard sentence by sentence, as the sentences come ---------------------------------
  let along = null; // {speech, next, source}: which reading, the sentence that is due, what is heard
  const reading = () => document.querySelector('#sentences .vt-sentences');
  const stopAlong = () => { along = null; markAlong(); };
  const markAlong = () => {
    for (const button of document.querySelectorAll('.vt-along')) {
      const pressed = String(Boolean(along));
      if (button.getAttribute('aria-pressed') !== pressed) button.setAttribute('aria-pressed', pressed);
    }
  };
  const goOn = () => {
    if (!along || along.source) return;
    const list = reading();
    const row = list && list.dataset.speech === along.speech ? list.children[along.next] : null;
    const box = row && row.querySelector('.vt-player');
    if (!box) {
      if (!row || !document.querySelector('.vt-take.is-working')) stopAlong();
      return; // it is on its way
    }
    along.next += 1;
    along.source = box.dataset.src;
    hear(along.source).catch(stopAlong);
  };
  document.addEventListener('click', (event) => {
    if (event.target.closest('.vt-play')) stopAlong();
    if (!event.target.closest('.vt-along')) return;
    if (along) { audio.pause(); stopAlong(); return; }
    along = { speech: reading().dataset.speech, next: 0, source: null };
    goOn();
    markAlong();
  }, true);
  audio.addEventListener('ended', () => {
    if (!along) return;
    if (heard() !== along.source) { stopAlong(); return; }
    along.source = null;
    setTimeout(goOn, 250);
  });
  new MutationObserver(() => { if (along) { goOn(); markAlong(); } }).observe(document, { childList: true, subtree: true });

  // --- recording: lossless, at the microphone's own rate ----------------------------------------------------------
  const wav = (blocks, rate) => {
    const frames = blocks.reduce((sum, block) => sum + block.length, 0);
    const view = new DataView(new ArrayBuffer(44 + frames * 2));
    const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
    text(0, 'RIFF'); view.setUint32(4, 36 + frames * 2, true); text(8, 'WAVEfmt ');
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, rate, true); view.setUint32(28, rate * 2, true); view.setUint16(32, 2, true);
    view.setUint16(34, 16, true); text(36, 'data'); view.setUint32(40, frames * 2, true);
    let at = 44;
    for (const block of blocks) for (const sample of block) {
      view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
      at += 2;
    }
    return new Blob([view], { type: 'audio/wav' });
  };
  const listener = `registerProcessor('vt-listener', class extends AudioWorkletProcessor {
    process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; } });`;

  const record = async (onLevel) => {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const context = new AudioContext();
    const module = URL.createObjectURL(new Blob([listener], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(module);
    URL.revokeObjectURL(module);
    const node = new AudioWorkletNode(context, 'vt-listener');
    const blocks = [];
    let frames = 0;
    node.port.onmessage = ({ data }) => {
      blocks.push(data);
      frames += data.length;
      onLevel(Math.max(...data.map(Math.abs)), frames / context.sampleRate);
    };
    context.createMediaStreamSource(stream).connect(node);
    return async () => {
      stream.getTracks().forEach((track) => track.stop());
      const rate = context.sampleRate;
      await context.close();
      return wav(blocks, rate);
    };
  };

  /** The same file under a name of its own: the studio keeps an upload by content and name until it is taken in, and
      whoever brings the same file at the same moment must not have it taken away. */
  const uniquely = (file) => {
    const [end] = file.name.match(/\.\w+$/) || [''];
    return new File([file], `${Date.now()}-${Math.random().toString(36).slice(2)}${end}`, { type: file.type });
  };

  // --- the intake: drop, choose or record --------------------------------------------------------------------------
  const tapes = new Set(); // what is being recorded just now
  addEventListener('beforeunload', (event) => { if (tapes.size) event.preventDefault(); });

  const intake = (element, trigger, upload, watch) => {
    const find = (selector) => element.querySelector(selector);
    const words = () => ({ ...find('.vt-intake').dataset }); // as they are now: drawing anew changes them in their place
    const say = (text, wrong = false) => {
      const status = find('.vt-intake-status');
      if (!status) return; // whoever brought something has gone on
      status.textContent = text || '';
      status.classList.toggle('is-wrong', wrong);
    };
    const waiting = []; // files that came while others were on their way or something was being recorded
    let sending = false;
    const send = async (files, said = words()) => {
      waiting.push(...files);
      if (!waiting.length || sending) return;
      if (tape) { say(said.waits); return; }
      sending = true;
      const sent = [];
      const refused = [];
      for (let index = 1; waiting.length; index += 1) {
        const file = waiting.shift();
        if (file.size > Number(said.maxBytes)) { refused.push(said.tooBig.replace('{name}', file.name)); continue; }
        say(said.uploading.replace('{name}', file.name).replace('{index}', index).replace('{count}', index + waiting.length));
        try {
          const { path } = await upload(uniquely(file));
          sent.push({ path, name: file.name });
        } catch {
          refused.push(said.failed.replace('{name}', file.name));
        }
      }
      sending = false;
      say(refused.join(' '), refused.length > 0);
      if (sent.length) trigger('upload', { files: sent, voice: said.voice });
    };

    element.addEventListener('change', (event) => {
      if (event.target.type !== 'file') return;
      send([...event.target.files]);
      event.target.value = '';
    });
    const over = (event, on) => {
      if (!event.dataTransfer || !find('.vt-drop')) return;
      event.preventDefault();
      find('.vt-drop').classList.toggle('is-over', on);
    };
    element.addEventListener('dragover', (event) => over(event, true));
    element.addEventListener('dragleave', (event) => over(event, false));
    element.addEventListener('drop', (event) => { over(event, false); send([...event.dataTransfer.files]); });

    let tape = null; // {said, end}: the words of the place it is recorded for; no end while the microphone is asked for
    const show = () => {
      const button = find('[data-record]'), on = Boolean(tape && tape.end);
      if (!button) return;
      find('.vt-recorder').classList.toggle('is-recording', on);
      button.querySelector('span').textContent = on ? words().stop : words().start;
      button.setAttribute('aria-pressed', String(on));
      if (!on) find('.vt-meter').style.setProperty('--level', 0);
    };
    const begin = async () => {
      if (!navigator.mediaDevices) { say(words().noMicrophone, true); return; }
      tape = { said: words() };
      say('');
      try {
        tape.end = await record((level, seconds) => {
          if (!find('.vt-recorder')) return;
          find('.vt-meter').style.setProperty('--level', Math.min(1, Math.sqrt(level)).toFixed(3));
          find('.vt-recorder .vt-time').textContent = clock(seconds);
        });
        tapes.add(tape);
      } catch {
        tape = null;
        say(words().noMicrophone, true);
      }
      show();
    };
    const finish = async () => {
      const { said, end } = tape;
      tapes.delete(tape);
      tape = null;
      show();
      const moment = new Date();
      const stamp = [moment.getHours(), moment.getMinutes(), moment.getSeconds()]
        .map((part) => String(part).padStart(2, '0')).join('-');
      await send([new File([await end()], `${said.recording} ${stamp}.wav`, { type: 'audio/wav' })], said);
    };
    watch('value', () => { // drawn anew, in another language or for another voice: what was recorded stays with its own
      if (!tape || !tape.end) return;
      if (find('[data-record]') && words().voice === tape.said.voice) show(); else finish();
    });
    element.addEventListener('click', (event) => {
      const script = event.target.closest('[data-script]');
      if (script) {
        for (const tab of element.querySelectorAll('[data-script]')) {
          tab.setAttribute('aria-selected', String(tab === script));
        }
        for (const page of element.querySelectorAll('[data-script-page]')) {
          page.hidden = page.dataset.scriptPage !== script.dataset.script;
        }
        return;
      }
      if (!event.target.closest('[data-record]')) return;
      if (!tape) begin(); else if (tape.end) finish();
    });
  };

  // --- downloads: the server hands over an address, the browser saves it --------------------------------------------
  const courier = (element, watch) => watch('value', () => {
    const link = element.querySelector('a[download]');
    if (link) link.click();
  });

  window.voxtale = { wish, typed, ready, header, shelf, reveal, intake, courier, audio, hear, heard };
  if (document.body) applyLight(); else document.addEventListener('DOMContentLoaded', applyLight);
})();
