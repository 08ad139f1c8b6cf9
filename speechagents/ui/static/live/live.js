// The live page: lobby, stage, and what comes after.
//
// Owns which of them is shown, the session that this tab holds, and coming back to it after a reload. The page's own
// server functions are handed in: `scenes()`, `read({yaml})`, `address()`, `production({id})`.

import { el } from "./dom.js";
import { Lobby } from "./lobby.js";
import { Stage } from "./stage.js";
import { LiveTransport, SoundError } from "./transport.js";
import { StageView, caption } from "./view.js";

const KEPT = "speechagents.live";
const KEEP_MS = 1000;
const SHOW_MS = 500;
const RESUMABLE_MS = 30000;

const NO_SOUND = {
  denied: "The browser does not let this page use the microphone. Allow it in the address bar, then step on stage again; or take part in writing.",
  missing: "No microphone was found. Plug one in, then step on stage again; or take part in writing.",
  busy: "The microphone is in use by another program, or did not start. Close that program, then step on stage again; or take part in writing.",
  insecure: "Browsers give sound to a page over https, or on localhost, only. Open this page there; here you can take part in writing and read along.",
  unsupported: "This browser cannot play live sound. Take part in writing and read along, or use a current browser.",
};

const ENDED = {
  lost: "The connection did not come back within half a minute, so the scene has ended. What was said is kept.",
  unreachable: "The stage does not answer. Reload the page; if that does not help, the server is not running.",
  taken_over: "The scene goes on in another window.",
  full: "All places on stage are taken. Try again in a few minutes.",
  expired: "The scene has ended in the meantime. What was said is kept.",
  idle: "Nothing happened for a long time, so the scene has ended. What was said is kept.",
};

let page = null; // there is one microphone and one stage in a tab

/** Show the live page inside an element; called again for a new element it moves there and goes on. */
export function mount(container, server) {
  addStyle();
  page ??= new LivePage(server);
  page.server = server;
  container.replaceChildren(page.element);
  return page;
}

class LivePage {
  constructor(server) {
    this.server = server;
    this.element = el("div", { class: "lv", id: "lv" });
    this._transport = null;
    this._stage = null;
    this._view = null;
    this._timers = [];
    this._left = false;
    this._opening = null;
    this._microphone = false;
    this._pushToTalk = false;
    this._drawing = false;
    addEventListener("pagehide", () => this._keep());
    // Read-only: for the tests in a browser and for benchmarks.
    globalThis.speechagents = Object.assign(globalThis.speechagents ?? {}, { live: watched(this) });
    const kept = takeKept();
    this._showLobby();
    if (kept) this._offerReturn(kept);
  }

  async _showLobby(notice = "", tone = "note", ...actions) {
    this._close();
    this._lobby = new Lobby({
      server: {
        scenes: () => asked(this.server.scenes()),
        read: (what) => asked(this.server.read(what)),
      },
      onstep: (choice) => this._step(choice),
    });
    this.element.replaceChildren(this._lobby.element);
    this._lobby.notice(notice, tone, ...actions);
    await this._lobby.load();
  }

  _offerReturn(kept) {
    const back = el(
      "button",
      {
        type: "button",
        class: "sa-button sa-main lv-return",
        onclick: () => this._step({ open: null, microphone: kept.microphone, pushToTalk: kept.pushToTalk, kept }),
      },
      "Return to the stage",
    );
    this._lobby.notice(`You were on stage in “${kept.stage.opened.title}”. Your place is kept for half a minute.`, "note", back);
  }

  async _step(choice) {
    const { open, microphone, pushToTalk, kept = null } = choice;
    this._lobby.notice("");
    this._lobby.busy(true);
    const transport = new LiveTransport({
      address: async () => {
        const answer = await asked(this.server.address());
        if (answer.error) throw new Error(answer.error);
        return { url: socketUrl(answer.path), token: answer.token };
      },
      onevent: (event) => this._take(event),
      onstate: (state) => this._changed(state),
      onlevel: (level) => this._level(level),
      onnotice: (what) => this._noticed(what),
      resume: kept ? kept.transport : null,
    });
    let hasMicrophone = false;
    try {
      await transport.openLoudspeaker();
      if (microphone) await transport.openMicrophone();
      hasMicrophone = microphone;
    } catch (error) {
      if (!(error instanceof SoundError)) throw error;
      if (microphone || error.reason !== "insecure") {
        await transport.stop();
        this._lobby.busy(false);
        this._lobby.notice(NO_SOUND[error.reason], "bad");
        return;
      }
    }
    this._left = false;
    this._transport = transport;
    this._opening = open;
    this._microphone = hasMicrophone;
    this._pushToTalk = pushToTalk;
    this._stage = new Stage(kept ? kept.stage : null);
    transport.mute(pushToTalk);
    transport.connect();
    if (open) transport.send(open);
    if (kept) this._raise();
    else this._lobby.notice("Opening the scene …");
  }

  /** The curtain: from the lobby to the stage. */
  _raise() {
    if (this._view) return;
    this._view = new StageView(
      {
        say: (text) => {
          this._stage.typed(text);
          this._transport.send(typed(text));
          this._show();
        },
        mute: (muted) => this._transport.mute(muted),
        pause: (paused) => this._transport.send({ type: paused ? "drama.scene.pause" : "drama.scene.play" }),
        leave: () => this._leave(),
      },
      { microphone: this._microphone, pushToTalk: this._pushToTalk },
    );
    this.element.replaceChildren(this._view.element);
    if (this.element.getBoundingClientRect().top < 0) this.element.scrollIntoView({ block: "start" });
    this._timers = [
      setInterval(() => this._keep(), KEEP_MS),
      setInterval(() => this._view?.counters(this._transport.counters), SHOW_MS),
    ];
    this._show();
  }

  _take(event) {
    if (!this._stage) return;
    this._stage.take(event);
    if (event.type === "error") this._failed(this._stage.error);
    if (event.type === "drama.scene.opened") this._raise();
    if (event.type === "drama.session.resumed" && this._stage.missed) {
      this._view?.banner("notice", "Some of what happened meanwhile could not be sent again.", dismiss(this._view));
    }
    if (event.type === "response.output_audio.delta" || this._drawing) return;
    this._drawing = true;
    requestAnimationFrame(() => {
      this._drawing = false;
      this._show();
    });
  }

  _show() {
    if (!this._view || !this._stage) return;
    this._view.show(this._stage);
    if (this._stage.over && !this._left) {
      this._view.banner("notice", `The scene is over: ${this._stage.over}.`, button("See what was made", () => this._leave()));
    }
  }

  _failed(message) {
    if (this._view) {
      this._view.banner("notice", message, dismiss(this._view));
      return;
    }
    // The scene could not be opened: back to the choice, with the reason.
    if (this._transport.state === "open") this._showLobby(message, "bad");
  }

  _changed(state) {
    if (ENDED[state]) {
      this._end(state);
      return;
    }
    if (!this._view) return;
    if (state === "open") this._view.banner("open", "");
    else if (state === "connecting" || state === "reconnecting") this._view.banner(state);
  }

  _end(state) {
    const production = this._stage?.opened?.production ?? "";
    const again = state === "full" && this._opening ? [button("Try again", () => this._again())] : [];
    if (production && state !== "taken_over") this._showAfter(ENDED[state]);
    else this._showLobby(ENDED[state], state === "taken_over" ? "note" : "bad", ...again);
  }

  _again() {
    this._step({ open: this._opening, microphone: this._microphone, pushToTalk: this._pushToTalk });
  }

  _level({ microphone, speaker, item }) {
    if (!this._view) return;
    if (microphone !== undefined) this._view.level({ microphone });
    else this._view.level({ speaker, role: this._stage.now.find((line) => line.key === item)?.role ?? this._stage.speaking });
  }

  _noticed(what) {
    if (!this._view) return;
    if (what === "microphone_ended") {
      this._view.withoutMicrophone();
      this._view.banner("notice", "The microphone is gone. Type your lines, or leave and step on stage again.", dismiss(this._view));
    } else if (what === "frames_dropped") {
      this._view.banner("notice", "Your connection is too slow for your voice: parts of it are lost.", dismiss(this._view));
    }
  }

  async _leave() {
    this._left = true;
    await this._showAfter("");
  }

  async _showAfter(reason) {
    const { opened, lines } = this._stage;
    const record = el("ol", { class: "lv-record", aria: { label: "What was said" } }, ...lines.map((line) => caption(line, this._stage)));
    this._close();
    const exports = el("div", { class: "lv-exports", aria: { live: "polite" } }, el("p", { class: "sa-hint" }, "Mixing what was played …"));
    this.element.replaceChildren(
      el(
        "div",
        { class: "lv-after" },
        el("p", { class: "sa-kicker" }, "After the scene"),
        el("h1", {}, opened.title),
        reason ? el("p", { class: "sa-note" }, reason) : null,
        el("p", { class: "sa-lead" }, `You played ${opened.role}. ${lines.length === 1 ? "One message is" : `${lines.length} messages are`} in the record.`),
        exports,
        el("div", { class: "sa-row" }, button("Play another scene", () => this._showLobby(), "sa-main")),
        lines.length ? record : null,
      ),
    );
    await this._showExports(exports, opened.production);
  }

  /** The server mixes and encodes after the scene: ask until the files are there. */
  async _showExports(place, id) {
    for (let wait = 500; place.isConnected; wait = Math.min(4000, wait * 1.5)) {
      const made = await asked(this.server.production({ id }));
      if (made.error) {
        place.replaceChildren(el("p", { class: "sa-error" }, made.error));
        return;
      }
      const shelf = el("a", { href: "productions", class: "sa-button" }, "All productions");
      if (made.ready) {
        const files = (made.files ?? []).map(({ name, url }) => el("a", { href: url, class: "sa-button", download: "" }, name));
        const sound = made.listen ? [el("audio", { controls: true, preload: "none", src: made.listen })] : [];
        place.replaceChildren(...sound, el("div", { class: "sa-row" }, ...files, shelf));
        return;
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  _close() {
    for (const timer of this._timers) clearInterval(timer);
    this._timers = [];
    this._view?.close();
    this._view = null;
    this._drawing = false;
    const transport = this._transport;
    this._transport = null;
    this._stage = null;
    forget();
    transport?.stop();
  }

  /** What a reload of this page needs; other tabs do not see it. */
  _keep() {
    const transport = this._transport?.snapshot();
    if (!transport || !this._view || this._stage.over) return;
    const { _microphone: microphone, _pushToTalk: pushToTalk } = this;
    const kept = { at: Date.now(), transport, stage: this._stage.kept, microphone, pushToTalk };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // Storage is off or full: a reload then starts anew.
    }
  }
}

function watched(live) {
  return Object.freeze({
    get counters() {
      return live._transport?.counters ?? null;
    },
    get graph() {
      return live._transport?.graph ?? null;
    },
    get state() {
      return live._transport?.state ?? "lobby";
    },
    get sessionId() {
      return live._transport?.sessionId ?? "";
    },
    get lines() {
      return structuredClone(live._stage?.lines ?? []);
    },
    get metrics() {
      return structuredClone(live._stage?.metrics ?? []);
    },
  });
}

function takeKept() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    forget();
    return kept && Date.now() - kept.at < RESUMABLE_MS && kept.stage?.opened ? kept : null;
  } catch {
    return null;
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Storage is off: nothing was kept.
  }
}

/** An answer of the server; Gradio gives nothing at all when the server failed or is gone. */
async function asked(answer) {
  const got = await answer;
  return got && typeof got === "object" ? got : { error: "The server does not answer. Reload the page." };
}

function typed(text) {
  return {
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
  };
}

function socketUrl(path) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function button(label, onclick, more = "") {
  return el("button", { type: "button", class: `sa-button ${more}`, onclick }, label);
}

function dismiss(view) {
  return button("Close", () => view.banner("open", ""));
}

function addStyle() {
  const href = new URL("./live.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(el("link", { rel: "stylesheet", href }));
}
