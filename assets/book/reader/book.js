(() => {
  "use strict";
  const root = document.documentElement;
  const book = document.querySelector(".book");
  const leaves = [...book.querySelectorAll(".leaf")];
  const sounds = new Map([...document.querySelectorAll("audio")].map((sound) => [Number(sound.dataset.page), sound]));
  const say = JSON.parse(document.getElementById("wording").textContent);
  const button = (name) => document.querySelector(`.bar .${name}`);
  const [previous, next, play, light] = ["previous", "next", "play", "light"].map(button);
  const dots = document.querySelector(".dots");
  const BREATH = 700; // milliseconds between the last word and the turning page
  let at = 0, playing = false, timer = 0, frame = 0, turned = 0;

  const names = leaves.map((leaf) => leaf.getAttribute("aria-label"));
  const sound = () => sounds.get(Number(leaves[at].dataset.page ?? -1));

  function show(to, from) {
    const old = leaves[from], fresh = leaves[to];
    for (const leaf of leaves) leaf.classList.remove("on", "away", "back");
    fresh.classList.add("on");
    if (from !== to && old) {
      const [mover, way] = to > from ? [old, "away"] : [fresh, "back"];
      old.classList.add("on");
      mover.classList.add(way);
      const mine = ++turned;
      const done = () => {
        if (mine !== turned) return;
        old.classList.remove("on", "away");
        fresh.classList.remove("back");
      };
      mover.addEventListener("animationend", done, { once: true });
      setTimeout(done, 1200);
    }
    for (const leaf of leaves) leaf.inert = leaf !== fresh;
    previous.disabled = to === 0;
    next.disabled = to === leaves.length - 1;
    [...dots.querySelectorAll("button")].forEach((dot, i) => i === to ? dot.setAttribute("aria-current", "page") : dot.removeAttribute("aria-current"));
    if (dots.classList.contains("many")) dots.textContent = `${to + 1} / ${leaves.length}`;
    document.querySelector(".quiet").textContent = names[to];
    try { history.replaceState(null, "", `#${to}`); } catch { /* some viewers forbid it */ }
  }

  function silence() {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    for (const each of sounds.values()) each.pause();
    for (const lit of book.querySelectorAll(".now")) lit.classList.remove("now");
  }

  function go(to, seconds = 0) {
    to = Math.max(0, Math.min(leaves.length - 1, to));
    const from = at;
    silence();
    at = to;
    if (from !== to) show(to, from);
    if (playing) read(seconds, from !== to ? 650 : 0);
  }

  function patience() {
    const text = leaves[at].textContent.trim();
    const han = (text.match(/[\u3400-\u9fff]/g) || []).length;
    return Math.min(30000, 2500 + han * 250 + text.split(/\s+/).length * 330);
  }

  function read(seconds, wait) {
    const voice = sound();
    if (at === leaves.length - 1) { setPlaying(false); return; }
    if (!voice) { timer = setTimeout(() => go(at + 1), at === 0 ? 1400 : patience()); return; }
    timer = setTimeout(() => {
      voice.currentTime = seconds;
      voice.play().then(follow, () => setPlaying(false));
    }, wait);
  }

  function follow() {
    const voice = sound();
    if (!voice || voice.paused) return;
    const now = voice.currentTime;
    for (const part of leaves[at].querySelectorAll(".s, .w")) {
      const lit = now >= part.dataset.a && now < part.dataset.b;
      if (lit && !part.classList.contains("now") && part.classList.contains("s")) bring(part);
      part.classList.toggle("now", lit);
    }
    frame = requestAnimationFrame(follow);
  }

  function bring(part) {
    const text = part.closest(".text"), place = part.getBoundingClientRect(), room = text.getBoundingClientRect();
    if (place.bottom > room.bottom || place.top < room.top) scroll(text, place.top - room.top - 12);
  }

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const scroll = (room, top) => room.scrollBy({ top, behavior: still.matches ? "auto" : "smooth" });

  /** A text longer than its leaf is read to its end before these keys turn the page. */
  function reads(key) {
    const room = leaves[at].querySelector(".text") ?? leaves[at].querySelector(".words"), far = room.clientHeight * 0.9;
    const step = { ArrowDown: 60, ArrowUp: -60, PageDown: far, PageUp: -far }[key] ?? 0;
    const left = step < 0 ? room.scrollTop : room.scrollHeight - room.clientHeight - room.scrollTop;
    if (!step || left <= 1) return false;
    scroll(room, step);
    return true;
  }

  function setPlaying(on) {
    playing = on;
    root.classList.toggle("playing", on);
    play.querySelector("span").textContent = on ? say.pause : say.listen;
    play.setAttribute("aria-label", on ? say.pause : say.listen);
    if (!on) silence();
  }

  function toggle() {
    if (!sounds.size) return;
    if (playing) {
      const voice = sound(), place = voice && !voice.ended ? voice.currentTime : 0;
      setPlaying(false);
      leaves[at].dataset.paused = place;
      return;
    }
    const place = Number(leaves[at].dataset.paused || 0);
    delete leaves[at].dataset.paused;
    setPlaying(true);
    if (at === leaves.length - 1) go(0); else read(place, 0);
  }

  for (const [page, voice] of sounds) {
    voice.addEventListener("ended", () => {
      if (playing && Number(leaves[at].dataset.page) === page) timer = setTimeout(() => go(at + 1), BREATH);
    });
  }

  if (leaves.length <= 16) {
    leaves.forEach((_, i) => {
      const item = document.createElement("li"), dot = document.createElement("button");
      dot.type = "button";
      dot.title = names[i];
      dot.setAttribute("aria-label", names[i]);
      dot.addEventListener("click", () => go(i));
      item.append(dot);
      dots.append(item);
    });
  } else dots.classList.add("many");

  previous.addEventListener("click", () => go(at - 1));
  next.addEventListener("click", () => go(at + 1));
  play.addEventListener("click", toggle);
  book.querySelector(".again").addEventListener("click", () => go(0));
  book.addEventListener("click", (event) => {
    const part = event.target.closest(".s");
    if (part && sounds.size && !String(getSelection())) {
      setPlaying(true);
      go(at, Number(part.dataset.a));
    }
  });
  light.addEventListener("click", () => {
    const dark = root.dataset.light ? root.dataset.light === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.light = dark ? "light" : "dark";
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowRight: at + 1, ArrowDown: at + 1, PageDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, PageUp: at - 1, Home: 0, End: leaves.length - 1 };
    if (reads(event.key)) event.preventDefault();
    else if (event.key in moves) { go(moves[event.key]); event.preventDefault(); }
    else if (event.key === " " && !event.target.closest("button")) { toggle(); event.preventDefault(); }
    else if (event.key === "Escape") setPlaying(false);
  });
  let touch = null;
  book.addEventListener("pointerdown", (event) => { touch = event.pointerType === "mouse" ? null : [event.clientX, event.clientY]; });
  book.addEventListener("pointerup", (event) => {
    if (!touch) return;
    const [x, y] = [event.clientX - touch[0], event.clientY - touch[1]];
    if (Math.abs(x) > 45 && Math.abs(x) > 2 * Math.abs(y)) go(at + (x < 0 ? 1 : -1));
    touch = null;
  });
  book.style.touchAction = "pan-y pinch-zoom";

  root.classList.add("ready");
  at = Math.max(0, Math.min(leaves.length - 1, Number.parseInt(location.hash.slice(1), 10) || 0));
  show(at, at);
})();
