// One session with the server over as many WebSockets as the network makes of it.
//
// Owns connecting, coming back with what was missed, and giving up. Does not know sound or pages: events go to a
// listener. Clock and WebSocket are handed in, so that tests need neither time nor network.

const WINDOW_MS = 30000; // so long the server keeps a session whose connection is gone
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const FIRST_TRIES = 3; // before there is a session, a server that is not there is reported soon
const LONGEST_OPENING_MS = 8000;
const MOST_KEPT = 32; // events that wait for the connection to come back; sound never waits

const ENDINGS = { 4001: "taken_over", 4004: "expired", 4008: "idle" };
const TRY_AGAIN_LATER = 1013;
const OPEN = 1; // of a WebSocket's readyState
const LEFT = 1000; // said by a client that will not come back

const OVER = ["lost", "unreachable", "taken_over", "full", "expired", "idle", "closed"];

export const realClock = {
  now: () => performance.now(),
  later: (call, ms) => setTimeout(call, ms),
  never: (timer) => clearTimeout(timer),
};

/**
 * States that `onstate` hears: connecting, open, reconnecting, and at the end one of lost, unreachable, taken_over,
 * full, expired, idle, closed.
 */
export class LiveSocket {
  /**
   * @param {object} options
   * @param {() => Promise<{url: string, token: string}>} options.address asked anew for each connection: tokens expire
   * @param {(event: object, fresh: boolean) => void} options.onevent not fresh: the event was seen before a reload
   * @param {(state: string) => void} options.onstate
   * @param {{sessionId: string, seen: number, heard: number} | null} options.resume a session to come back to
   */
  constructor({ address, onevent, onstate, resume = null, Socket = globalThis.WebSocket, clock = realClock }) {
    this._address = address;
    this._onevent = onevent;
    this._onstate = onstate;
    this._Socket = Socket;
    this._clock = clock;
    this._sessionId = resume ? resume.sessionId : "";
    this._seen = resume ? resume.seen : 0;
    this._after = resume ? resume.heard : 0;
    this._received = this._after;
    this._socket = null;
    this._kept = [];
    this._state = "new";
    this._tries = 0;
    this._lostAt = null;
    this._timer = null;
  }

  get state() {
    return this._state;
  }

  get sessionId() {
    return this._sessionId;
  }

  /** Number of the newest event that was handed on. */
  get seen() {
    return this._seen;
  }

  /** Bytes that the network has not taken yet. */
  get buffered() {
    return this._socket ? this._socket.bufferedAmount : 0;
  }

  open() {
    this._set("connecting");
    this._connect();
  }

  /** Send an event now, or when the connection is back. */
  send(event) {
    if (this._ready) this._socket.send(JSON.stringify(event));
    else if (!this._over && this._kept.length < MOST_KEPT) this._kept.push(event);
  }

  /** Send text that is worthless later; false if it was not sent. */
  sendNow(text) {
    if (!this._ready) return false;
    this._socket.send(text);
    return true;
  }

  close() {
    this._end("closed");
  }

  /** Give up a connection over which nothing comes any more, and make another. */
  renew() {
    const socket = this._socket;
    if (!socket || this._over) return;
    this._closed(socket, 1006);
    socket.close(); // may take its time: nobody listens to it any more
  }

  get _ready() {
    // A socket that is closing says so before its end is known.
    return this._state === "open" && this._socket?.readyState === OPEN;
  }

  get _over() {
    return OVER.includes(this._state);
  }

  _set(state) {
    if (this._state === state) return;
    this._state = state;
    this._onstate(state);
  }

  _end(state) {
    if (this._over) return;
    this._clock.never(this._timer);
    this._set(state);
    this._kept = [];
    if (this._socket) this._socket.close(LEFT);
  }

  async _connect() {
    this._tries += 1;
    let where;
    try {
      where = await this._address();
    } catch {
      this._closed(null, 1006);
      return;
    }
    if (this._over) return;
    // A browser cannot set headers on a socket: the token travels as the name of a subprotocol, as OpenAI has it.
    const socket = new this._Socket(this._url(where.url), ["realtime", `openai-insecure-api-key.${where.token}`]);
    this._socket = socket;
    socket.onopen = () => {
      if (!this._sessionId) this._opened(); // else the server says whether the session is still there
    };
    socket.onmessage = ({ data }) => {
      if (socket === this._socket && !this._over) this._receive(data);
    };
    socket.onclose = ({ code }) => this._closed(socket, code);
    this._clock.never(this._timer);
    this._timer = this._clock.later(() => this.renew(), LONGEST_OPENING_MS);
  }

  _url(url) {
    if (!this._sessionId) return url;
    const after = `event_${String(this._received).padStart(8, "0")}`;
    const query = new URLSearchParams({ session_id: this._sessionId, ...(this._received ? { after_event_id: after } : {}) });
    return `${url}${url.includes("?") ? "&" : "?"}${query}`;
  }

  _opened() {
    this._clock.never(this._timer);
    this._tries = 0;
    this._lostAt = null;
    this._set("open");
    const kept = this._kept;
    this._kept = [];
    for (const event of kept) this.send(event);
  }

  _receive(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (event === null || typeof event !== "object" || typeof event.type !== "string") return;
    const resuming = this._state !== "open";
    if (resuming && event.type === "session.created" && event.session?.id !== this._sessionId) return;
    if (event.type === "session.created") this._sessionId = String(event.session?.id ?? "");
    if (event.type === "drama.session.resumed") {
      // Its event id is the one that we named: it is news all the same.
      this._opened();
      return this._onevent(event, true);
    }
    if (event.type === "error") {
      if (event.error?.code === "session_limit_reached") return this._end("full");
      if (resuming) return this._end("expired");
    }
    const number = eventNumber(event);
    if (number && number <= this._received) return;
    if (number) this._received = number;
    const fresh = !number || number > this._seen;
    if (number) this._seen = Math.max(this._seen, number);
    this._onevent(event, fresh);
    return undefined;
  }

  _closed(socket, code) {
    if (socket !== null && socket !== this._socket) return;
    this._socket = null;
    if (this._over) return;
    if (ENDINGS[code]) return this._end(ENDINGS[code]);
    if (code === TRY_AGAIN_LATER && !this._sessionId) return this._end("full");
    if (!this._sessionId && this._tries >= FIRST_TRIES) return this._end("unreachable");
    this._lostAt ??= this._clock.now();
    const left = WINDOW_MS - (this._clock.now() - this._lostAt);
    if (left <= 0) return this._end(this._sessionId ? "lost" : "unreachable");
    const wait = Math.min(left, LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, this._tries - 1));
    if (this._sessionId) this._set("reconnecting");
    this._timer = this._clock.later(() => this._connect(), wait);
  }
}

/** The position of an event in its session; 0 for one that has none. */
export function eventNumber(event) {
  const digits = /^event_(\d{1,15})$/.exec(typeof event.event_id === "string" ? event.event_id : "");
  return digits ? Number(digits[1]) : 0;
}
