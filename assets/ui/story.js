/* The Story tab: what is typed goes along with the next click, marks stay on their words, the book turns and reads. */
(() => {
  const voxtale = window.voxtale;
  if (voxtale.story) return;
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* private window */ } };

  // --- fields: changes are sent a moment later, or together with the click that comes first -----------------------
  const waiting = new Map();
  let timer = 0, pressing = false, send = null;
  const fieldsOf = (box) => Object.fromEntries([...box.querySelectorAll('[data-field]')]
    .filter((field) => field.type !== 'radio' || field.checked).map((field) => [field.dataset.field, field.value]));
  const gather = () => { clearTimeout(timer); const edits = [...waiting.values()]; waiting.clear(); return edits; };
  const flush = () => {
    if (!waiting.size) return;
    if (pressing) { timer = setTimeout(flush, 150); return; }
    send('click', { act: 'edit', edits: gather() });
  };
  document.addEventListener('pointerdown', () => { pressing = true; }, true);
  for (const name of ['pointerup', 'pointercancel']) document.addEventListener(name, () => { pressing = false; }, true);

  // --- what the page must not forget when Python draws a part of it anew -------------------------------------------
  const opened = new Set();
  const settle = (element) => {
    for (const details of element.querySelectorAll('details[data-keep]')) details.open = opened.has(details.dataset.keep);
    for (const radio of element.querySelectorAll('[data-sync] input[type="radio"]')) radio.checked = radio.hasAttribute('checked');
    for (const range of element.querySelectorAll('.vt-range input')) show(range);
    for (const paper of element.querySelectorAll('.vt-paper')) unroll(paper);
    for (const book of element.querySelectorAll('.vt-book')) lay(book);
    element.querySelectorAll('.vt-bookshelf').forEach(voxtale.reveal);
  };
  document.addEventListener('click', (event) => {
    for (const chip of document.querySelectorAll('.vt-mood[open]')) if (!chip.contains(event.target)) chip.open = false;
  });
  const show = (range) => { const said = range.closest('.vt-range').querySelector('output'); if (said) said.textContent = range.value; };

  // --- the story's text: uncertain words stay marked until somebody touches them ------------------------------------
  const papers = new WeakMap();
  const unroll = (paper) => {
    const area = paper.querySelector('textarea'), told = area.getAttribute('value') || '';
    const draft = `voxtale.draft.${area.dataset.draft}`;
    const now = papers.get(paper);
    if (!now || now.told !== told || now.id !== area.dataset.draft) {
      if (told && kept('voxtale.draft.new') === told && area.dataset.draft !== 'new') keep('voxtale.draft.new', '');
      if (kept(draft) === told) keep(draft, '');
      area.value = told;
      papers.set(paper, { told, id: area.dataset.draft, text: told, spans: JSON.parse(paper.dataset.spans || '[]') });
      const written = kept(draft);
      if (written) { area.value = written; touched(paper); }
    }
    mark(paper);
  };
  const touched = (paper) => {
    const state = papers.get(paper), text = paper.querySelector('textarea').value, old = state.text;
    let head = 0;
    while (head < Math.min(text.length, old.length) && text[head] === old[head]) head += 1;
    let tail = 0;
    while (tail < Math.min(text.length, old.length) - head && text[text.length - 1 - tail] === old[old.length - 1 - tail]) tail += 1;
    const end = old.length - tail, shift = text.length - old.length;
    state.spans = state.spans.flatMap(([from, to]) => (to <= head ? [[from, to]] : from >= end ? [[from + shift, to + shift]] : []));
    state.text = text;
  };
  const mark = (paper) => {
    const area = paper.querySelector('textarea'), marks = paper.querySelector('.vt-paper-marks'), state = papers.get(paper);
    let at = 0;
    const pieces = [];
    for (const [from, to] of state.spans) {
      pieces.push(document.createTextNode(area.value.slice(at, from)));
      const word = document.createElement('mark');
      word.textContent = area.value.slice(from, to);
      pieces.push(word);
      at = to;
    }
    pieces.push(document.createTextNode(`${area.value.slice(at)}\n`));
    marks.replaceChildren(...pieces);
    const count = paper.closest('.vt-tell')?.querySelector('[data-unsure]');
    if (count) {
      const left = state.spans.length;
      count.textContent = left ? count.dataset.unsure.replace('{count}', left) : count.dataset.sure;
      count.parentElement.querySelector('[data-next-unsure]').hidden = !left;
    }
  };
  const nextUnsure = (form) => {
    const paper = form.querySelector('.vt-paper'), area = paper.querySelector('textarea'), { spans } = papers.get(paper);
    const span = spans.find(([from]) => from >= area.selectionEnd) || spans[0];
    if (!span) return;
    area.focus();
    area.setSelectionRange(...span);
  };

  // --- a part of the tab ----------------------------------------------------------------------------------------------
  const story = (element, trigger, watch) => {
    element.addEventListener('click', (event) => {
      const fill = event.target.closest('[data-fill]'), unsure = event.target.closest('[data-next-unsure]');
      if (fill) {
        const area = fill.closest('[data-form]').querySelector('textarea');
        area.focus();
        area.select();
        document.execCommand('insertText', false, fill.dataset.fill); // so that undo brings back what was there
        return;
      }
      if (unsure) { nextUnsure(unsure.closest('[data-form]')); return; }
      const turn = event.target.closest('[data-book]');
      if (turn) { steer(turn); return; }
      const said = event.target.closest('.vt-said[data-from]');
      if (said && !String(getSelection())) { read(said.closest('.vt-book'), Number(said.dataset.from)); return; }
      const target = event.target.closest('[data-act]');
      if (!target || target.disabled) return;
      const form = target.closest('[data-form]');
      trigger('click', { ...target.dataset, fields: form ? fieldsOf(form) : {}, edits: gather() });
    });
    element.addEventListener('change', (event) => {
      const box = event.target.closest('[data-edit]');
      if (!box || !event.target.dataset.field) return;
      const about = [box.dataset.edit, box.dataset.scene, box.dataset.hero].join('/');
      waiting.set(about, { ...box.dataset, ...fieldsOf(box) });
      send = trigger;
      clearTimeout(timer);
      timer = setTimeout(flush, 300);
    });
    element.addEventListener('input', (event) => {
      if (event.target.closest('.vt-range')) show(event.target);
      const paper = event.target.closest('.vt-paper');
      if (!paper) return;
      touched(paper);
      keep(`voxtale.draft.${event.target.dataset.draft}`, event.target.value);
      mark(paper);
    });
    element.addEventListener('toggle', (event) => {
      const name = event.target.dataset?.keep;
      if (name) opened[event.target.open ? 'add' : 'delete'](name);
    }, true);
    element.addEventListener('keydown', keys);
    element.addEventListener('pointerdown', (event) => { finger = event.pointerType !== 'mouse' && event.target.closest('.vt-leaves') ? [event.clientX, event.clientY] : null; });
    element.addEventListener('pointerup', swipe);
    watch('value', () => settle(element));
    settle(element);
  };

  // --- the book ---------------------------------------------------------------------------------------------------------
  const places = new Map(); // story -> the leaf that lies open
  let reading = null, wait = 0, finger = null;
  const BREATH = 700; // milliseconds between the last word and the turning leaf
  const leavesOf = (book) => [...book.querySelectorAll('.vt-leaf')];
  const lay = (book, way = '') => {
    const leaves = leavesOf(book), at = Math.min(places.get(book.dataset.story) || 0, leaves.length - 1);
    leaves.forEach((leaf, index) => {
      leaf.classList.toggle('is-open', index === at);
      leaf.classList.remove('is-forward', 'is-back');
      leaf.inert = index !== at;
    });
    if (way) { void leaves[at].offsetWidth; leaves[at].classList.add(way); }
    [...book.querySelectorAll('.vt-frame')].forEach((frame, index) => frame[index === at ? 'setAttribute' : 'removeAttribute']('aria-current', 'page'));
    book.querySelector('[data-book="previous"]').disabled = at === 0;
    book.querySelector('[data-book="next"]').disabled = at === leaves.length - 1;
    book.querySelector('.vt-book-place').textContent = at ? `${at} / ${leaves.length - 1}` : leaves[0].dataset.name;
    const play = book.querySelector('.vt-book-play');
    if (!play) return;
    const on = reading === book.dataset.story;
    book.classList.toggle('is-reading', on);
    play.setAttribute('aria-pressed', String(on));
    play.querySelector('span').textContent = on ? play.dataset.pause : play.dataset.listen;
  };
  const turn = (book, to) => {
    const leaves = leavesOf(book), from = places.get(book.dataset.story) || 0, at = Math.max(0, Math.min(leaves.length - 1, to));
    if (at === from) return;
    places.set(book.dataset.story, at);
    lay(book, at > from ? 'is-forward' : 'is-back');
    const frame = book.querySelectorAll('.vt-frame')[at], film = frame.closest('.vt-film');
    film.scrollTo({ left: frame.offsetLeft - film.offsetLeft - film.clientWidth / 2 + frame.clientWidth / 2, behavior: 'smooth' });
    if (reading === book.dataset.story) read(book);
  };
  const hush = () => {
    clearTimeout(wait);
    reading = null;
    if (leafHeard()) voxtale.audio.pause();
    for (const lit of document.querySelectorAll('.vt-said.is-heard')) lit.classList.remove('is-heard');
    for (const book of document.querySelectorAll('.vt-book')) lay(book);
  };
  const leafHeard = () => [...document.querySelectorAll('.vt-leaf.is-open[data-sound]')].find((leaf) => leaf.dataset.sound === voxtale.heard());
  const onward = (book, leaf) => {
    const leaves = leavesOf(book), at = leaves.indexOf(leaf);
    if (at < leaves.length - 1 && book.querySelector('[data-book="auto"]').checked) turn(book, at + 1); else hush();
  };
  const read = (book, seconds = 0) => {
    clearTimeout(wait);
    reading = book.dataset.story;
    const leaf = book.querySelector('.vt-leaf.is-open');
    lay(book);
    if (!leaf.dataset.sound) { wait = setTimeout(() => onward(book, leaf), leaf.classList.contains('is-cover') ? 1200 : 3500); return; }
    voxtale.hear(leaf.dataset.sound, seconds).then(follow, hush);
  };
  const follow = () => {
    const leaf = leafHeard(), now = voxtale.audio.currentTime;
    if (!leaf || voxtale.audio.paused) return;
    for (const said of leaf.querySelectorAll('.vt-said[data-from]')) {
      const lit = now >= said.dataset.from && now < said.dataset.to;
      if (lit && !said.classList.contains('is-heard')) bring(said);
      said.classList.toggle('is-heard', lit);
    }
    requestAnimationFrame(follow);
  };
  const bring = (said) => {
    const text = said.closest('.vt-leaf-words'), place = said.getBoundingClientRect(), room = text.getBoundingClientRect();
    if (place.bottom > room.bottom || place.top < room.top) text.scrollBy({ top: place.top - room.top - 16, behavior: 'smooth' });
  };
  voxtale.audio.addEventListener('ended', () => {
    const leaf = leafHeard();
    if (!leaf || !reading) return;
    for (const lit of leaf.querySelectorAll('.is-heard')) lit.classList.remove('is-heard');
    wait = setTimeout(() => onward(leaf.closest('.vt-book'), leaf), BREATH);
  });
  voxtale.audio.addEventListener('pause', () => { if (reading && !voxtale.audio.ended) hush(); });
  voxtale.audio.addEventListener('play', () => { if (reading && !leafHeard()) hush(); });

  const steer = (button) => {
    const book = button.closest('.vt-book'), at = places.get(book.dataset.story) || 0;
    const does = button.dataset.book;
    if (does === 'previous') turn(book, at - 1);
    else if (does === 'next') turn(book, at + 1);
    else if (does === 'go') turn(book, [...book.querySelectorAll('.vt-frame')].indexOf(button));
    else if (does === 'play') {
      if (reading) { hush(); return; }
      const leaf = book.querySelector('.vt-leaf.is-open');
      const paused = voxtale.heard() === leaf.dataset.sound && !voxtale.audio.ended ? voxtale.audio.currentTime : 0;
      read(book, paused);
    }
  };
  const keys = (event) => {
    const book = event.target.closest('.vt-book');
    if (!book || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return;
    const at = places.get(book.dataset.story) || 0, last = leavesOf(book).length - 1;
    const moves = { ArrowRight: at + 1, PageDown: at + 1, ArrowLeft: at - 1, PageUp: at - 1, Home: 0, End: last };
    if (event.key in moves) { turn(book, moves[event.key]); event.preventDefault(); }
    else if (event.key === ' ' && event.target === book) { const play = book.querySelector('.vt-book-play'); if (play) { steer(play); event.preventDefault(); } }
    else if (event.key === 'Escape') hush();
  };
  const swipe = (event) => {
    if (!finger) return;
    const [x, y] = [event.clientX - finger[0], event.clientY - finger[1]];
    finger = null;
    const book = event.target.closest('.vt-book');
    if (book && Math.abs(x) > 45 && Math.abs(x) > 2 * Math.abs(y)) turn(book, (places.get(book.dataset.story) || 0) + (x < 0 ? 1 : -1));
  };

  // --- the way on: to the step that has just opened ------------------------------------------------------------------
  const goal = (element, watch) => watch('value', () => {
    const name = element.querySelector('[data-goal]')?.dataset.goal;
    if (!name) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    setTimeout(() => document.getElementById(name)?.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' }), 120);
  });

  Object.assign(voxtale, { story, goal });
})();
