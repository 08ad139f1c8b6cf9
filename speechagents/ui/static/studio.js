// What Gradio has no component for: the light of the page, one sound at a time, and the address of what is open.
(() => {
  "use strict";
  const KEY = "speechagents-light";
  const stored = (() => { try { return localStorage.getItem(KEY); } catch { return null; } })();

  const shine = (light) => {
    if (!document.body) return;
    document.body.classList.toggle("dark", light === "night");
    for (const button of document.querySelectorAll("[data-sa-light]")) {
      button.setAttribute("aria-pressed", String(light === "night"));
    }
  };
  const current = () => (document.body.classList.contains("dark") ? "night" : "day");

  document.addEventListener("click", (event) => {
    const light = event.target.closest?.("[data-sa-light]");
    if (light) {
      const next = current() === "night" ? "day" : "night";
      shine(next);
      try { localStorage.setItem(KEY, next); } catch { /* private window: it lasts until the page is left */ }
      return;
    }
    // A sample is heard at a press, without a row of players for every voice.
    const hear = event.target.closest?.("[data-sa-hear]");
    if (hear) {
      const same = window.speechagentsSample?.dataset.from === hear.dataset.saHear;
      window.speechagentsSample?.pause();
      document.querySelectorAll("[data-sa-hear][aria-pressed=true]").forEach((b) => b.setAttribute("aria-pressed", "false"));
      if (same) { window.speechagentsSample = null; return; }
      const sound = new Audio(hear.dataset.saHear);
      sound.dataset.from = hear.dataset.saHear;
      window.speechagentsSample = sound;
      hear.setAttribute("aria-pressed", "true");
      const end = () => { hear.setAttribute("aria-pressed", "false"); if (window.speechagentsSample === sound) window.speechagentsSample = null; };
      sound.addEventListener("ended", end);
      sound.addEventListener("error", end);
      sound.play().catch(end);
    }
  });

  // Starting one player stops the others.
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  const begin = () => {
    if (stored) {
      shine(stored);
      // Gradio sets the light of the system after this; ours is set once more when it has.
      const watch = new MutationObserver(() => { if ((stored === "night") !== document.body.classList.contains("dark") && !document.querySelector("[data-sa-light][data-used]")) shine(stored); });
      watch.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      setTimeout(() => watch.disconnect(), 3000);
    }
    document.documentElement.lang = "en";
  };
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
