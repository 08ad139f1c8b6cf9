// The transcript of a scene: hear one message, or listen along as they come; keep place and focus while it grows.
(() => {
  "use strict";
  const state = { along: false, heard: 0, base: 0, from: 0, timer: 0, sounds: new Map(), place: null, held: null };
  const list = () => document.querySelector("[data-sa-transcript]");
  const rows = () => [...document.querySelectorAll("[data-sa-transcript] [data-message]")];
  const idOf = (row) => Number(row.dataset.message);
  const takeOf = (row) => row.querySelector("[data-take]");

  // Only what changes is written: every change calls the observer below.
  const press = (button, on) => {
    if (button && button.getAttribute("aria-pressed") !== String(on)) button.setAttribute("aria-pressed", String(on));
  };
  const mark = () => {
    for (const row of rows()) {
      const on = state.sounds.has(idOf(row));
      if (row.classList.contains("sa-sounding") !== on) row.classList.toggle("sa-sounding", on);
      press(takeOf(row), on);
    }
    for (const button of document.querySelectorAll("[data-sa-along]")) press(button, state.along);
  };

  const silence = () => {
    clearTimeout(state.timer);
    state.timer = 0;
    for (const sound of state.sounds.values()) sound.pause();
    state.sounds.clear();
  };

  const play = (row) => {
    const id = idOf(row);
    const sound = new Audio(takeOf(row).dataset.take);
    state.sounds.set(id, sound);
    const end = () => { if (state.sounds.get(id) === sound) state.sounds.delete(id); mark(); follow(); };
    sound.addEventListener("ended", end);
    sound.addEventListener("error", end);
    sound.play().catch(end);
    mark();
    const stage = list();
    if (stage && state.along) stage.scrollTo({ top: row.offsetTop - stage.offsetTop - 80 });
  };

  // The next message begins as long after the one before it as it did in the scene, murmurs and barge-ins included.
  const follow = () => {
    if (!state.along || state.timer) return;
    const next = rows().find((row) => idOf(row) > state.heard && takeOf(row));
    if (!next) return;
    const start = Number(next.dataset.start);
    let wait = state.base + (start - state.from) * 1000 - performance.now();
    if (wait < -150 && state.sounds.size) return; // it came late: not over whoever is speaking
    wait = Math.min(Math.max(wait, 0), 8000);
    state.timer = setTimeout(() => {
      state.timer = 0;
      const row = document.getElementById(next.id);
      if (!state.along || !row || !takeOf(row)) return;
      state.heard = idOf(row);
      state.base = performance.now();
      state.from = start;
      play(row);
      follow();
    }, wait);
  };

  document.addEventListener("click", (event) => {
    const take = event.target.closest?.("[data-take]");
    if (take) {
      const row = take.closest("[data-message]");
      const again = state.sounds.has(idOf(row));
      state.along = false;
      silence();
      state.heard = idOf(row);
      if (!again) play(row);
      mark();
      return;
    }
    // Where the columns stand below each other, what was asked for would appear out of sight.
    if (event.target.closest?.("[data-look]") && innerWidth < 900) {
      setTimeout(() => document.querySelector(".sa-inspector, #sa-inspector")?.scrollIntoView({ block: "start" }), 700);
    }
    const along = event.target.closest?.("[data-sa-along]");
    if (along) {
      state.along = !state.along;
      silence();
      const last = rows().at(-1);
      if (last && state.heard >= idOf(last)) state.heard = 0; // all was heard: from the first one again
      const first = rows().find((row) => idOf(row) > state.heard && takeOf(row));
      state.base = performance.now();
      state.from = first ? Number(first.dataset.start) : 0;
      mark();
      follow();
    }
  });

  // The fragment is drawn anew when somebody has spoken: place and focus stay where they were.
  document.addEventListener("scroll", (event) => {
    if (event.target.matches?.("[data-sa-transcript]")) {
      const at = event.target;
      state.place = { top: at.scrollTop, end: at.scrollHeight - at.scrollTop - at.clientHeight < 60 };
    }
  }, true);
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("[data-message]");
    state.held = row ? [row.id, event.target.matches("[data-take]") ? "[data-take]" : "[data-look]"] : null;
  });
  let drawn = { scene: "", last: "" }; // Gradio mends the fragment in place or draws it anew, as it likes
  const settle = () => {
    const stage = list();
    const scene = stage?.dataset.saTranscript ?? "";
    const last = `${stage?.childElementCount} ${stage?.lastElementChild?.id}`;
    if (scene === drawn.scene && last === drawn.last && stage === drawn.stage) { if (stage) mark(); return; }
    if (scene !== drawn.scene) { state.heard = 0; state.place = null; silence(); }
    if (scene && scene !== drawn.scene && document.querySelector(".sa-improvise")) {
      // The address leads back to this scene, also after a reload.
      const here = new URL(location.href);
      here.searchParams.set("production", scene);
      history.replaceState(history.state, "", here);
    }
    drawn = { scene, last, stage };
    if (!stage) return;
    stage.scrollTop = !state.place || state.place.end ? stage.scrollHeight : state.place.top;
    if (state.held && document.activeElement === document.body) {
      document.querySelector(`#${state.held[0]} ${state.held[1]}`)?.focus({ preventScroll: true });
    }
    mark();
    follow();
  };
  const begin = () => new MutationObserver(settle).observe(document.body, { childList: true, subtree: true });
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
