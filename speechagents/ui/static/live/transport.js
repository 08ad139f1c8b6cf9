// Sound and events between a page and the live stage: microphone → socket → loudspeaker.
//
// Owns the audio graph, what is sent and what is heard of what arrives. Does not know the page: a benchmark runs it
// against an echo as it is.

import { LiveSocket } from "./socket.js";

const RATE_HZ = 24000;
const MOST_UNSENT_BYTES = Math.ceil((RATE_HZ * 2 * 0.5 * 4) / 3); // half a second, as base64
const FRAMES_PER_NOTICE = 10; // a fifth of a second: a syllable
const REPORT_MS = 200;
const PING_MS = 5000;
const MOST_UNANSWERED = 3; // then the connection is dead, whatever the browser thinks
const MOST_REMEMBERED = 512;

const MICROPHONE = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } };

/** Why there is no sound; `reason` is insecure, denied, missing, busy or unsupported. */
export class SoundError extends Error {
  constructor(reason, cause) {
    super(`no sound: ${reason}`, { cause });
    this.reason = reason;
  }
}

export class LiveTransport {
  /**
   * @param {object} options
   * @param {() => Promise<{url: string, token: string}>} options.address of the socket, asked for each connection
   * @param {(event: object) => void} options.onevent every event of the server once, sound included
   * @param {(state: string) => void} options.onstate see `LiveSocket`
   * @param {(what: {microphone?: number, speaker?: number, item?: string}) => void} options.onlevel 0 to 1
   * @param {(what: string) => void} options.onnotice frames_dropped, microphone_ended
   * @param {object | null} options.resume what `snapshot` gave before the page was reloaded
   */
  constructor({ address, onevent, onstate, onlevel = () => {}, onnotice = () => {}, resume = null }) {
    this._onevent = onevent;
    this._onlevel = onlevel;
    this._onnotice = onnotice;
    this._onstate = onstate;
    this._socket = new LiveSocket({
      address,
      onevent: (event, fresh) => this._receive(event, fresh),
      onstate: (state) => this._changed(state),
      resume,
    });
    this._context = null;
    this._stream = null;
    this._source = null;
    this._capture = null;
    this._playback = null;
    this._output = null;
    this._muted = false;
    this._silenced = new Set(); // responses and items that must not be heard any more
    this._items = new Map(); // item → its response
    this._unheard = []; // sound that has arrived and not been played, in order
    this._offsets = new Map(Object.entries(resume ? resume.offsets : {}));
    this._ends = new Map(); // item → where its sound that has arrived ends, in milliseconds
    this._reportedAt = 0;
    this._pinged = new Map();
    this._pinging = null;
    this._pings = 0;
    this._counters = { sentFrames: 0, droppedFrames: 0, receivedDeltas: 0, refusedDeltas: 0, roundTripMs: 0 };
    this._heard = { playedFrames: 0, lateFrames: 0, gaps: 0, playedItems: 0, clearedItems: 0, refusedSamples: 0 };
    this._prebufferMs = 0;
  }

  /** What happened so far: a copy, plain numbers. */
  get counters() {
    return Object.freeze({ ...this._counters, ...this._heard, prebufferMs: this._prebufferMs });
  }

  /** The audio graph, for whoever measures it: the microphone's node and the last node before the loudspeaker. */
  get graph() {
    return Object.freeze({ context: this._context, source: this._source, output: this._output });
  }

  get state() {
    return this._socket.state;
  }

  get sessionId() {
    return this._socket.sessionId;
  }

  get hasMicrophone() {
    return this._capture !== null;
  }

  /**
   * Open the loudspeaker. Call it inside a click: browsers keep pages silent otherwise.
   * @throws {SoundError}
   */
  async openLoudspeaker() {
    if (!globalThis.AudioContext) throw new SoundError("unsupported");
    this._context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    if (!this._context.audioWorklet) {
      await this._closeSound();
      throw new SoundError(globalThis.isSecureContext ? "unsupported" : "insecure");
    }
    await this._buildOutput();
  }

  /**
   * Open the microphone; the browser asks the person.
   * @param {MediaStream | null} stream one that is there already
   * @throws {SoundError}
   */
  async openMicrophone(stream = null) {
    if (!stream && !navigator.mediaDevices?.getUserMedia) {
      throw new SoundError(globalThis.isSecureContext ? "unsupported" : "insecure");
    }
    try {
      this._stream = stream ?? (await navigator.mediaDevices.getUserMedia(MICROPHONE));
    } catch (error) {
      throw new SoundError(REASONS[error.name] ?? "unsupported", error);
    }
    try {
      this._source = this._context.createMediaStreamSource(this._stream);
    } catch {
      // Some browsers refuse a microphone in a context of another rate: then both worklets resample themselves.
      await this._context.close();
      this._context = new AudioContext({ latencyHint: "interactive" });
      await this._buildOutput();
      this._source = this._context.createMediaStreamSource(this._stream);
    }
    await this._context.audioWorklet.addModule(new URL("./capture-worklet.js", import.meta.url));
    const capture = new AudioWorkletNode(this._context, "speechagents-capture", { numberOfInputs: 1, numberOfOutputs: 1 });
    capture.port.onmessage = ({ data }) => this._captured(data);
    this._source.connect(capture);
    capture.connect(this._context.destination); // silent; a node that leads nowhere may never be asked for sound
    this._capture = capture;
    this.mute(this._muted);
    for (const track of this._stream.getAudioTracks()) track.onended = () => this._onnotice("microphone_ended");
  }

  /** Connect to the stage. */
  connect() {
    this._socket.open();
  }

  /** Send an event of the protocol. */
  send(event) {
    this._socket.send(event);
  }

  /** Whether the microphone is heard. */
  mute(muted) {
    this._muted = muted;
    this._capture?.port.postMessage({ type: "mute", muted });
  }

  get muted() {
    return this._muted;
  }

  /** What is needed to come back after a reload of the page; null before there is a session. */
  snapshot() {
    if (!this.sessionId) return null;
    const first = this._unheard[0];
    const offsets = {};
    for (const { item, from } of this._unheard) offsets[item] ??= from;
    return { sessionId: this.sessionId, seen: this._socket.seen, heard: first ? first.number - 1 : this._socket.seen, offsets };
  }

  /** Leave: microphone off, socket closed, nothing heard any more. */
  async stop() {
    this._socket.close();
    await this._closeSound();
  }

  async _closeSound() {
    clearInterval(this._pinging);
    for (const track of this._stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this._capture?.port.postMessage({ type: "stop" });
    this._playback?.port.postMessage({ type: "stop" });
    if (this._context && this._context.state !== "closed") await this._context.close();
    this._capture = this._playback = null;
  }

  async _buildOutput() {
    const context = this._context;
    await context.audioWorklet.addModule(new URL("./playback-worklet.js", import.meta.url));
    this._playback = new AudioWorkletNode(context, "speechagents-playback", {
      numberOfInputs: 0,
      numberOfOutputs: 1,
      outputChannelCount: [1],
    });
    this._playback.port.onmessage = ({ data }) => this._played(data);
    this._output = context.createGain();
    this._playback.connect(this._output).connect(context.destination);
    if (context.state !== "running") await context.resume();
  }

  _changed(state) {
    clearInterval(this._pinging);
    if (state === "open") {
      this._pinged.clear();
      this._ping();
      this._pinging = setInterval(() => this._ping(), PING_MS);
    }
    this._onstate(state);
  }

  _ping() {
    if (this._pinged.size >= MOST_UNANSWERED) {
      this._pinged.clear();
      this._socket.renew();
      return;
    }
    this._pings += 1;
    const id = `ping_${this._pings}`;
    this._pinged.set(id, performance.now());
    this._socket.sendNow(JSON.stringify({ type: "drama.ping", event_id: id }));
  }

  _captured(data) {
    if (data.type !== "frame") return;
    this._onlevel({ microphone: data.level });
    if (this._socket.state !== "open") return;
    if (this._socket.buffered > MOST_UNSENT_BYTES) {
      // The network is slower than speech: an old word is worth less than the next one.
      this._counters.droppedFrames += 1;
      if (this._counters.droppedFrames % FRAMES_PER_NOTICE === 0) this._onnotice("frames_dropped");
      return;
    }
    const frame = `{"type":"input_audio_buffer.append","audio":"${toBase64(new Uint8Array(data.pcm.buffer))}"}`;
    if (this._socket.sendNow(frame)) this._counters.sentFrames += 1;
  }

  _receive(event, fresh) {
    switch (event.type) {
      case "response.output_audio.delta":
        this._sound(event);
        break;
      case "response.output_audio.done":
        this._playback?.port.postMessage({ type: "end", id: event.item_id });
        break;
      case "response.done":
        if (event.response?.status === "cancelled") this._silence(event.response.id);
        break;
      case "output_audio_buffer.cleared":
        this._silence(event.response_id);
        break;
      case "drama.duck":
        this._playback?.port.postMessage({ type: "duck", id: event.item_id, gain: Number(event.gain) });
        break;
      case "drama.scene.paused":
        this._playback?.port.postMessage({ type: "hold" });
        break;
      case "drama.scene.playing":
        this._playback?.port.postMessage({ type: "release" });
        break;
      case "drama.pong":
        this._ponged(event.client_event_id);
        return;
      default:
    }
    if (fresh) this._onevent(event);
  }

  _sound(event) {
    const { item_id: item, response_id: response } = event;
    this._counters.receivedDeltas += 1;
    if (!this._playback) return;
    if (this._silenced.has(item) || this._silenced.has(response)) {
      this._counters.refusedDeltas += 1;
      return;
    }
    let pcm;
    try {
      pcm = fromBase64(event.delta);
    } catch {
      this._counters.refusedDeltas += 1;
      return;
    }
    remember(this._items, item, response);
    const number = Number(/(\d+)$/.exec(event.event_id ?? "")?.[1] ?? 0);
    const from = this._unheard.findLast((one) => one.item === item)?.to ?? this._arrived(item);
    const to = from + (pcm.length * 1000) / RATE_HZ;
    this._unheard.push({ number, item, from, to });
    remember(this._ends, item, to);
    this._playback.port.postMessage({ type: "push", id: item, pcm }, [pcm.buffer]);
  }

  _arrived(item) {
    return this._ends.get(item) ?? this._offsets.get(item) ?? 0;
  }

  /** What belongs to a response is not heard any more, also what is still on its way. */
  _silence(response) {
    const items = [...this._items].filter(([, of]) => !response || of === response).map(([item]) => item);
    for (const id of response ? [response, ...items] : items) {
      this._silenced.add(id);
      if (this._silenced.size > MOST_REMEMBERED) this._silenced.delete(this._silenced.values().next().value);
    }
    for (const id of items) this._playback?.port.postMessage({ type: "clear", id });
    this._unheard = this._unheard.filter((one) => !items.includes(one.item));
  }

  _played(report) {
    this._heard = report.counters;
    this._prebufferMs = report.prebufferMs;
    const played = (this._offsets.get(report.id) ?? 0) + report.playedMs;
    this._unheard = this._unheard.filter((one) => one.item !== report.id || one.to > played + 1);
    const ending = report.type === "ended" || report.type === "cleared";
    const now = performance.now();
    const due = report.type !== "position" || now - this._reportedAt >= REPORT_MS;
    this._onlevel({ speaker: ending ? 0 : report.level, item: report.id });
    if (ending) this._items.delete(report.id);
    if (!due) return;
    this._reportedAt = now;
    // What is rendered is heard a little later; where nothing follows, all of it will have been.
    const late = report.type === "position" || report.type === "cleared" ? (this._context?.outputLatency || 0) * 1000 : 0;
    const heard = Math.max(0, Math.round(played - late));
    this._socket.sendNow(JSON.stringify({ type: "drama.playback", item_id: report.id, played_ms: heard }));
  }

  _ponged(id) {
    const at = this._pinged.get(id);
    if (at === undefined) return;
    this._pinged.clear(); // those before it are answered as well, or never will be
    this._counters.roundTripMs = Math.round((performance.now() - at) * 10) / 10;
  }
}

const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

function remember(map, key, value) {
  map.set(key, value);
  if (map.size > MOST_REMEMBERED) map.delete(map.keys().next().value);
}

function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length & ~1);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return new Int16Array(bytes.buffer); // little-endian, as on every machine that runs a browser
}
