// What is to be heard, in order, and how much of it was.
//
// Owns order, prebuffer, ducking, dropping and the counting of late frames. Does not know Web Audio: the playback
// worklet pulls from it, tests pull from it without a sound card. Bounded: it refuses what nobody could play in time.

import { Resampler, fromPcm16 } from "./resampler.js";

export const RATE_HZ = 24000;
const LEAST_PREBUFFER_MS = 40;
const MOST_PREBUFFER_MS = 200;
const PREBUFFER_STEP_MS = 20;
const CALM_MS = 10000; // so long without a gap, and the prebuffer shrinks by a step
const MOST_WAITING_MS = 300000; // of sound in memory: 14 MB
const RAMP_MS = 15; // of ducking
const FRAME_MS = 20; // what is counted as one frame
const BLOCK = 480; // source samples that are resampled at a time
const ENDED_KEPT = 64; // items whose late sound is still refused after their end

/** Items of sound that follow each other; each is named by the id that the server gave it. */
export class PlaybackQueue {
  /**
   * @param {number} rateHz of the sound card
   * @param {(report: object) => void} report hears `{type: "started" | "dry" | "ended" | "cleared", id, playedMs}`
   */
  constructor(rateHz, report = () => {}) {
    this._rateHz = rateHz;
    this._report = report;
    this._items = [];
    this._closed = [];
    this._resampler = new Resampler(RATE_HZ, rateHz);
    this._ready = new Float32Array(0);
    this._readyAt = 0;
    this._gain = 1;
    this._target = 1;
    this._playing = false;
    this._held = false;
    this._fading = null;
    this._prebufferMs = LEAST_PREBUFFER_MS;
    this._calm = 0;
    this._gap = 0;
    this._counters = { lateFrames: 0, gaps: 0, playedItems: 0, clearedItems: 0, refusedSamples: 0 };
    this._rendered = 0;
    this.level = 0;
  }

  /** What happened so far, as plain numbers. */
  get counters() {
    return { ...this._counters, playedFrames: Math.floor(this._rendered / this._samples(FRAME_MS)) };
  }

  /** How much must have arrived before an item starts. */
  get prebufferMs() {
    return this._prebufferMs;
  }

  /** Id of the item that is being heard or waited for; empty for none. */
  get current() {
    return this._items.length ? this._items[0].id : "";
  }

  /** Milliseconds of an item that were rendered; 0 for one that is not in the queue. */
  playedMs(id) {
    const item = this._items.find((one) => one.id === id);
    return item ? this._playedMs(item) : 0;
  }

  /** Milliseconds that wait to be heard, of all items. */
  get waitingMs() {
    return (this._items.reduce((sum, item) => sum + item.waiting, 0) * 1000) / RATE_HZ;
  }

  /**
   * @param {string} id
   * @param {Int16Array} pcm at 24 kHz
   */
  push(id, pcm) {
    if (this._closed.includes(id)) return;
    const room = Math.floor((MOST_WAITING_MS * RATE_HZ) / 1000) - this._items.reduce((sum, one) => sum + one.waiting, 0);
    if (pcm.length > room) {
      this._counters.refusedSamples += pcm.length - Math.max(0, room);
      pcm = pcm.subarray(0, Math.max(0, room));
    }
    if (!pcm.length) return;
    let item = this._items.find((one) => one.id === id);
    if (!item) {
      item = { id, chunks: [], waiting: 0, offset: 0, ended: false, started: false, rendered: 0 };
      this._items.push(item);
    }
    item.chunks.push(pcm);
    item.waiting += pcm.length;
  }

  /** Nothing more of an item comes; what waits is still played. */
  end(id) {
    const item = this._items.find((one) => one.id === id);
    if (item) item.ended = true;
    else this._close(id);
  }

  /** Drop an item, or all, whatever is left of it: it is silent after the next render quantum. */
  clear(id = null) {
    const dropped = this._items.filter((item) => id === null || item.id === id);
    for (const item of dropped) {
      if (item === this._items[0] && this._playing) {
        this._fadeOut(item);
        this._stop();
      }
      this._counters.clearedItems += item.started ? 1 : 0;
      this._close(item.id);
      this._report({ type: "cleared", id: item.id, playedMs: this._playedMs(item) });
    }
    this._items = this._items.filter((item) => !dropped.includes(item));
    if (id !== null) this._close(id);
  }

  /** Stand still, with all that waits, until `release`. */
  hold() {
    if (this._held) return;
    this._held = true;
    if (this._playing) this._fadeOut(this._items[0]);
  }

  /** Go on after `hold`. */
  release() {
    this._held = false;
    this._fading = null;
  }

  /** Play an item more quietly, or as before; the ramp takes 15 ms. */
  duck(id, gain) {
    if (this.current === id) this._target = Math.max(0, Math.min(1, gain));
  }

  /** Render the next samples into an array that comes zeroed or not. */
  pull(output) {
    output.fill(0);
    let power = 0;
    let at = this._fade(output);
    while (at < output.length && !this._held) {
      const item = this._items[0];
      if (!item) break;
      if (item.dry && item.ended && !item.waiting) {
        this._finish(item);
        continue;
      }
      if (!this._playing && !this._start(item)) {
        this._wait(item, output.length - at);
        break;
      }
      if (this._readyAt >= this._ready.length && !this._fill(item)) {
        if (item.ended) this._finish(item);
        else this._runDry(item);
        continue;
      }
      const count = Math.min(output.length - at, this._ready.length - this._readyAt);
      for (let i = 0; i < count; i += 1) {
        this._ramp();
        output[at + i] = this._ready[this._readyAt + i] * this._gain;
        power += output[at + i] ** 2;
      }
      this._readyAt += count;
      item.rendered += count;
      this._rendered += count;
      at += count;
      this._grownCalm(count);
    }
    this.level = Math.sqrt(power / Math.max(1, output.length));
  }

  _samples(ms) {
    return Math.round((ms * this._rateHz) / 1000);
  }

  _playedMs(item) {
    return (item.rendered * 1000) / this._rateHz;
  }

  _close(id) {
    if (this._closed.includes(id)) return;
    this._closed.push(id);
    if (this._closed.length > ENDED_KEPT) this._closed.shift();
  }

  _start(item) {
    const enough = (item.waiting * 1000) / RATE_HZ >= this._prebufferMs;
    if (!enough && !item.ended) return false;
    this._playing = true;
    if (item.dry) this._late();
    item.dry = false;
    if (!item.started) {
      item.started = true;
      this._gain = this._target = 1;
      this._resampler.reset();
      this._report({ type: "started", id: item.id, playedMs: 0 });
    }
    return true;
  }

  /** Silence where an item that has started might be. */
  _wait(item, samples) {
    if (item.dry) this._gap += samples;
  }

  /** All that came is played: the end, or a gap; what comes next will tell. */
  _runDry(item) {
    this._playing = false;
    item.dry = true;
    this._gap = 0;
    this._report({ type: "dry", id: item.id, playedMs: this._playedMs(item) });
  }

  /** It was a gap. */
  _late() {
    this._calm = 0;
    this._counters.gaps += 1;
    this._counters.lateFrames += Math.max(1, Math.round(this._gap / this._samples(FRAME_MS)));
    this._prebufferMs = Math.min(MOST_PREBUFFER_MS, this._prebufferMs + PREBUFFER_STEP_MS);
  }

  _grownCalm(samples) {
    this._calm += samples;
    if (this._calm < this._samples(CALM_MS)) return;
    this._calm = 0;
    this._prebufferMs = Math.max(LEAST_PREBUFFER_MS, this._prebufferMs - PREBUFFER_STEP_MS);
  }

  _finish(item) {
    this._items.shift();
    this._stop();
    this._counters.playedItems += item.started ? 1 : 0;
    this._close(item.id);
    this._report({ type: "ended", id: item.id, playedMs: this._playedMs(item) });
  }

  _stop() {
    this._playing = false;
    this._ready = new Float32Array(0);
    this._readyAt = 0;
  }

  /** Resample the next block of an item; false when nothing is there. */
  _fill(item) {
    if (this._readyAt < this._ready.length) return true;
    while (item.waiting) {
      const chunk = item.chunks[0];
      const block = chunk.subarray(item.offset, item.offset + BLOCK);
      item.offset += block.length;
      item.waiting -= block.length;
      if (item.offset >= chunk.length) {
        item.chunks.shift();
        item.offset = 0;
      }
      this._ready = this._resampler.push(fromPcm16(block));
      this._readyAt = 0;
      if (this._ready.length) return true;
    }
    if (!item.ended || item.drained) return false;
    item.drained = true;
    this._ready = this._resampler.finish();
    this._readyAt = 0;
    return this._ready.length > 0;
  }

  _ramp() {
    const step = 1 / Math.max(1, this._samples(RAMP_MS));
    if (this._gain < this._target) this._gain = Math.min(this._target, this._gain + step);
    else if (this._gain > this._target) this._gain = Math.max(this._target, this._gain - step);
  }

  /** The next render quantum fades, so that a cut is not a click. */
  _fadeOut(item) {
    this._fill(item);
    this._fading = { rest: this._ready.slice(this._readyAt), gain: this._gain };
  }

  _fade(output) {
    if (!this._fading) return 0;
    const { rest, gain } = this._fading;
    this._fading = null;
    const count = Math.min(output.length, rest.length);
    for (let i = 0; i < count; i += 1) output[i] = rest[i] * gain * (1 - (i + 1) / count);
    return count;
  }
}
