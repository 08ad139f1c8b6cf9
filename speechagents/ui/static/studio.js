// What Gradio has no component for: the light of the page, samples at a press, one sound at a time, and the timeline.
(() => {
  "use strict";
  const KEY = "speechagents-light";
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* private window: the system decides */ }

  // ---- light ----
  const shine = () => {
    if (chosen && document.body) document.body.classList.toggle("dark", chosen === "night");
    const night = document.body?.classList.contains("dark") ?? false;
    for (const button of document.querySelectorAll("[data-sa-light]")) button.setAttribute("aria-pressed", String(night));
  };
  const begin = () => {
    shine();
    // Gradio sets the light of the system when it starts; what the visitor chose outlasts that.
    new MutationObserver(() => {
      if (chosen && (chosen === "night") !== document.body.classList.contains("dark")) shine();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  };
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);

  // ---- samples ----
  let sample = null;
  let sampleButton = null;
  const silence = () => {
    sample?.pause();
    sampleButton?.setAttribute("aria-pressed", "false");
    sample = sampleButton = null;
  };
  const hear = (button) => {
    const again = sampleButton === button;
    silence();
    if (again) return;
    for (const other of document.querySelectorAll("audio")) other.pause();
    const sound = new Audio(button.dataset.saHear);
    [sample, sampleButton] = [sound, button];
    button.setAttribute("aria-pressed", "true");
    const end = () => { if (sample === sound) silence(); };
    sound.addEventListener("ended", end);
    sound.addEventListener("error", end);
    sound.play().catch(end);
  };

  // ---- player and timeline ----
  const player = () => document.querySelector("audio[data-sa-player]");
  const seek = (seconds) => {
    const sound = player();
    if (!sound) return;
    sound.currentTime = seconds;
    sound.play().catch(() => { /* the browser wants a press on the player first */ });
  };
  const move = (sound) => {
    const picture = document.querySelector("svg[data-sa-length]");
    const head = picture?.querySelector("[data-sa-head]");
    if (!head) return;
    const x = (sound.currentTime / Number(picture.dataset.saLength)) * picture.viewBox.baseVal.width;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    const box = picture.parentElement;
    if (!sound.paused && (x < box.scrollLeft || x > box.scrollLeft + box.clientWidth - 40)) box.scrollLeft = x - 60;
  };
  // Who listens while it is made goes on listening to the finished file, from where they are.
  let live = null;
  document.addEventListener("timeupdate", (event) => {
    if (event.target.matches?.("[data-sa-player]")) move(event.target);
    if (event.target.matches?.("[data-sa-listen]")) {
      live = { seconds: event.target.currentTime, playing: !event.target.paused, when: performance.now() };
    }
  }, true);
  document.addEventListener("loadedmetadata", (event) => {
    if (!event.target.matches?.("[data-sa-player]") || !live) return;
    if (live.playing && performance.now() - live.when < 5000) seek(live.seconds);
    live = null;
  }, true);
  document.addEventListener("pause", (event) => { if (event.target.matches?.("[data-sa-listen]") && event.target.isConnected) live = null; }, true);
  document.addEventListener("play", (event) => {
    silence();
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at("[data-sa-light]")) {
      chosen = document.body.classList.contains("dark") ? "day" : "night";
      shine();
      try { localStorage.setItem(KEY, chosen); } catch { /* private window: it lasts until the page is left */ }
    } else if (at("[data-sa-hear]")) {
      hear(at("[data-sa-hear]"));
    } else if (at("[data-sa-at]")) {
      seek(Number(at("[data-sa-at]").dataset.saAt));
    }
  });
})();
