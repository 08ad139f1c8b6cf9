// The stage as it is seen: roles, captions, the microphone.
//
// Owns the elements and how they follow the state. Does not know events or sound: it is told the stage and levels, and
// says what the person wants.

import { el, icon, initials, roleColour, setText } from "./dom.js";
import { METRICS, median } from "./stage.js";

const BANNERS = {
  connecting: "Connecting …",
  reconnecting: "The connection broke. Coming back; nothing is lost …",
};

export class StageView {
  /**
   * @param {object} on what the person wants: say(text), mute(muted), pause(paused), leave(), answer()
   * @param {{microphone: boolean, pushToTalk: boolean}} options
   */
  constructor(on, options) {
    this._on = on;
    this._options = { ...options };
    this._muted = options.pushToTalk;
    this._held = false;
    this._faces = new Map();
    this._shown = new Map();
    this._title = el("h1", {}, "…");
    this._setting = el("p", { class: "lv-setting" });
    this._banner = el("div", { class: "lv-banner", role: "status" });
    this._queue = el("p", { class: "lv-queue", role: "status" });
    this._cast = el("ul", { class: "lv-cast", aria: { label: "On stage" } });
    this._log = el("ol", { class: "lv-log", role: "log", aria: { live: "polite", label: "What was said" } });
    this._now = el("ol", { class: "lv-now", aria: { hidden: "true" } }); // read aloud once it is final
    this._captions = el("section", { class: "lv-captions", tabIndex: 0, aria: { label: "Captions" } }, this._log, this._now);
    this._pauseLabel = el("span", {}, "Pause");
    this._pause = el("button", { type: "button", class: "sa-button lv-pause", onclick: () => this._togglePause() }, icon("pause"), this._pauseLabel);
    this._meter = el("i", {});
    this._micLabel = el("span", {});
    this._mic = this._microphone();
    this._ptt = el("input", { type: "checkbox", checked: options.pushToTalk, onchange: () => this._setPushToTalk(this._ptt.checked) });
    this._line = el("input", {
      type: "text",
      class: "lv-line",
      maxLength: 1000,
      autocomplete: "off",
      placeholder: options.microphone ? "Or type a line" : "Type your line",
      aria: { label: "Your line" },
    });
    this._metrics = new Map(METRICS.map(([name]) => [name, el("td", {}, "–")]));
    this._medians = new Map(METRICS.map(([name]) => [name, el("td", {}, "–")]));
    this._transport = { late: el("td", { colSpan: 2 }, "0"), round: el("td", { colSpan: 2 }, "–"), dropped: el("td", { colSpan: 2 }, "0") };
    this.element = this._build();
    this._keys = new AbortController();
    this._listenToKeys();
    this._showMic();
  }

  /** Take it off the page. */
  close() {
    this._keys.abort();
  }

  /** Show what is going on. */
  show(stage) {
    const { opened } = stage;
    if (!opened) return;
    setText(this._title, opened.title);
    setText(this._setting, opened.setting);
    this._showCast(stage);
    this._showQueue(stage);
    this._showLines(stage);
    this._showMetrics(stage);
    this._paused = stage.paused;
    setText(this._pauseLabel, stage.paused ? "Play" : "Pause");
    this._pause.querySelector("svg").replaceWith(icon(stage.paused ? "play" : "pause"));
    this._pause.disabled = Boolean(stage.over);
  }

  /** Say how the connection is; an empty text hides the banner. */
  banner(state, text = BANNERS[state] ?? "", ...actions) {
    this._banner.className = `lv-banner${text ? " lv-shown" : ""}${state === "notice" ? " lv-mild" : ""}`;
    this._banner.replaceChildren(...(text ? [el("span", {}, text), ...actions] : []));
  }

  /** How loud somebody is, 0 to 1. */
  level({ microphone, speaker, role }) {
    if (microphone !== undefined) this._meter.style.setProperty("--level", loudness(microphone).toFixed(3));
    if (speaker === undefined) return;
    for (const [name, face] of this._faces) {
      face.item.style.setProperty("--level", name === role ? loudness(speaker).toFixed(3) : "0");
    }
  }

  /** Figures of the transport. */
  counters({ lateFrames, playedFrames, droppedFrames, roundTripMs }) {
    const share = playedFrames ? ` of ${playedFrames} (${((100 * lateFrames) / (playedFrames + lateFrames)).toFixed(1)} %)` : "";
    setText(this._transport.late, `${lateFrames}${share}`);
    setText(this._transport.round, roundTripMs ? `${roundTripMs.toFixed(0)} ms` : "–");
    setText(this._transport.dropped, String(droppedFrames));
  }

  /** The microphone is gone, or was never there. */
  withoutMicrophone() {
    this._options.microphone = false;
    this._line.placeholder = "Type your line";
    this._showMic();
  }

  _build() {
    const form = el(
      "form",
      {
        class: "lv-form",
        onsubmit: (event) => {
          event.preventDefault();
          const text = this._line.value.trim();
          if (!text) return;
          this._line.value = "";
          this._on.say(text);
        },
      },
      this._line,
      el("button", { type: "submit", class: "sa-button lv-say", aria: { label: "Say this line" } }, icon("send")),
    );
    const row = (label, help, ...cells) => el("tr", {}, el("th", { scope: "row", title: help }, label), ...cells);
    const drawer = el(
      "details",
      { class: "lv-drawer" },
      el("summary", {}, "Metrics"),
      el(
        "table",
        { class: "sa-table" },
        el("thead", {}, el("tr", {}, el("th", {}, ""), el("th", { scope: "col" }, "Last answer"), el("th", { scope: "col" }, "Median"))),
        el(
          "tbody",
          {},
          ...METRICS.map(([name, label, help]) => row(label, help, this._metrics.get(name), this._medians.get(name))),
          row("Late frames", "20 ms of sound that were not there when they were due", this._transport.late),
          row("Dropped frames", "20 ms of your microphone that the network was too slow for", this._transport.dropped),
          row("Round trip", "from this page to the server and back", this._transport.round),
        ),
      ),
    );
    return el(
      "div",
      { class: "lv-stage" },
      el(
        "header",
        { class: "lv-top" },
        el("div", { class: "lv-titles" }, this._title, this._setting),
        el(
          "div",
          { class: "sa-row" },
          this._pause,
          el("button", { type: "button", class: "sa-button lv-leave", onclick: () => this._on.leave() }, icon("leave"), "Leave"),
        ),
      ),
      this._banner,
      this._queue,
      el("div", { class: "lv-house" }, this._cast, this._captions),
      el(
        "div",
        { class: "lv-dock" },
        el("div", { class: "lv-own-voice" }, this._mic, el("div", { class: "lv-own-state" }, this._micLabel, el("div", { class: "lv-meter", aria: { hidden: "true" } }, this._meter))),
        form,
        this._options.microphone ? el("label", { class: "lv-check lv-ptt" }, this._ptt, "Push to talk") : null,
      ),
      drawer,
    );
  }

  _microphone() {
    const button = el("button", {
      type: "button",
      class: "lv-mic",
      onclick: () => {
        if (!this._options.pushToTalk) this._setMuted(!this._muted);
      },
      onpointerdown: () => this._hold(true),
    });
    return button;
  }

  _listenToKeys() {
    const { signal } = this._keys;
    addEventListener("pointerup", () => this._hold(false), { signal });
    addEventListener("pointercancel", () => this._hold(false), { signal });
    addEventListener("blur", () => this._hold(false), { signal });
    addEventListener(
      "keydown",
      (event) => {
        const writes = event.target.closest?.("input[type=text], textarea, select, [contenteditable=true]");
        if (event.code !== "Space" || writes || !this._options.pushToTalk || !this.element.isConnected) return;
        event.preventDefault(); // no scrolling, no click on the button that has the focus
        this._hold(true);
      },
      { signal },
    );
    addEventListener("keyup", (event) => event.code === "Space" && this._hold(false), { signal });
  }

  _hold(held) {
    if (!this._options.pushToTalk || !this._options.microphone || this._held === held) return;
    this._held = held;
    this._setMuted(!held);
  }

  _setPushToTalk(on) {
    this._options.pushToTalk = on;
    this._held = false;
    this._setMuted(on);
  }

  _setMuted(muted) {
    if (!this._options.microphone) return;
    this._muted = muted;
    this._on.mute(muted);
    this._showMic();
  }

  _showMic() {
    const { microphone, pushToTalk } = this._options;
    const open = microphone && !this._muted;
    this._mic.replaceChildren(icon(open ? "microphone" : "muted"));
    this._mic.classList.toggle("lv-open", open);
    this._mic.disabled = !microphone;
    const does = pushToTalk ? "Hold to talk" : open ? "Mute the microphone" : "Unmute the microphone";
    this._mic.setAttribute("aria-label", microphone ? does : "No microphone");
    this._mic.setAttribute("aria-pressed", String(open));
    setText(this._micLabel, microphone ? (open ? "You are heard" : pushToTalk ? "Hold space to talk" : "Muted") : "No microphone");
  }

  _togglePause() {
    this._on.pause(!this._paused);
  }

  _showCast(stage) {
    const { roles } = stage.opened;
    if (this._faces.size !== roles.length) this._buildCast(roles);
    for (const role of roles) {
      const { item, state } = this._faces.get(role.name);
      const turn = stage.turnOf(role.name);
      const speaks = stage.speaking === role.name || (role.person && stage.listening);
      item.classList.toggle("lv-speaks", speaks);
      item.classList.toggle("lv-next", stage.next === role.name && !speaks);
      item.classList.toggle("lv-addressed", stage.addressed.includes(role.name));
      if (!speaks) item.style.setProperty("--level", "0");
      let words = "";
      if (speaks) words = turn && turn.style && turn.style !== "default" ? turn.style : "speaking";
      else if (role.person && stage.waitsForPerson) words = "your turn";
      else if (stage.next === role.name) words = "next";
      else if (stage.addressed.includes(role.name)) words = "addressed";
      setText(state, words);
    }
  }

  _buildCast(roles) {
    this._faces.clear();
    this._cast.replaceChildren(
      ...roles.map((role, place) => {
        const state = el("span", { class: "lv-state" });
        const item = el(
          "li",
          { class: `lv-player${role.person ? " lv-you" : ""}`, colour: roleColour(place), title: role.profile },
          el("span", { class: "lv-face", aria: { hidden: "true" } }, initials(role.name)),
          el("span", { class: "lv-name" }, el("b", {}, role.name), state),
        );
        this._faces.set(role.name, { item, state });
        return item;
      }),
    );
    this._cast.classList.toggle("lv-crowd", roles.length > 8);
  }

  _showQueue(stage) {
    let text = "The agents are thinking …";
    if (stage.over) text = `The scene is over: ${stage.over}`;
    else if (stage.paused) text = "Paused";
    else if (stage.listening) text = "Listening to you …";
    else if (stage.speaking) text = stage.next ? `${stage.speaking} speaks, then ${stage.next === stage.person ? "you" : stage.next}` : `${stage.speaking} speaks`;
    else if (stage.waitsForPerson) text = "Your turn";
    else if (stage.next) text = stage.next === stage.person ? "Your turn is next" : `${stage.next} is about to speak`;
    setText(this._queue, text);
    this._queue.classList.toggle("lv-your-turn", stage.waitsForPerson && !stage.over && !stage.paused);
  }

  _showLines(stage) {
    const follow = this._captions.scrollHeight - this._captions.scrollTop - this._captions.clientHeight < 80;
    let changed = false;
    for (const line of stage.lines) {
      if (this._shown.has(line.key)) continue;
      const node = caption(line, stage);
      this._shown.set(line.key, node);
      this._log.append(node);
      changed = true;
    }
    const kept = new Set(stage.lines.map((line) => line.key));
    for (const [key, node] of this._shown) {
      if (kept.has(key)) continue;
      node.remove();
      this._shown.delete(key);
    }
    const now = stage.now.filter((line) => line.text);
    this._now.replaceChildren(...now.map((line) => caption(line, stage)));
    this._captions.classList.toggle("lv-quiet", stage.lines.length + now.length === 0);
    if (follow && (changed || now.length)) this._captions.scrollTop = this._captions.scrollHeight;
  }

  _showMetrics(stage) {
    const last = stage.metrics.at(-1);
    for (const [name] of METRICS) {
      setText(this._metrics.get(name), milliseconds(last ? last[name] : null));
      setText(this._medians.get(name), milliseconds(median(stage.metrics, name)));
    }
  }
}

/** A line as text on the page. */
export function caption(line, stage) {
  const to = line.addresses.map((name) => (name === stage.person ? "you" : name)).join(", ");
  const style = line.style && line.style !== "default" ? line.style : "";
  const notes = [style, to ? `to ${to}` : "", line.private ? "in private" : ""].filter(Boolean).join(" · ");
  const acts = line.deed === "act" || line.deed === "leave";
  return el(
    "li",
    {
      class: `lv-caption${line.own ? " lv-mine" : ""}${line.id < 0 ? " lv-partial" : ""}${acts ? " lv-acts" : ""}`,
      colour: roleColour(stage.place(line.role)),
    },
    el("span", { class: "lv-who" }, el("b", {}, line.role), notes ? el("span", { class: "lv-notes" }, notes) : null),
    el("span", { class: "lv-words" }, line.text, line.cut ? el("span", { class: "lv-cut" }, " (cut off)") : null),
  );
}

function milliseconds(value) {
  return value === null || value === undefined ? "–" : `${Math.round(value)} ms`;
}

/** Loudness as an ear judges it: -50 dB is nothing, -10 dB is all. */
function loudness(level) {
  if (!(level > 0)) return 0;
  return Math.max(0, Math.min(1, (20 * Math.log10(level) + 50) / 40));
}
