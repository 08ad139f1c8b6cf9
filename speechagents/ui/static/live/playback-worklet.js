// The loudspeaker's side of the sound card.
//
// Owns when reports are posted. What is played, and how, is the queue's.

import { PlaybackQueue } from "./playback-queue.js";

const REPORT_S = 0.05;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this._queue = new PlaybackQueue(sampleRate, (report) => this._post(report));
    this._reported = 0;
    this._stopped = false;
    this.port.onmessage = ({ data }) => this._take(data);
  }

  process(_inputs, [output]) {
    if (this._stopped) return false;
    this._queue.pull(output[0]);
    for (let channel = 1; channel < output.length; channel += 1) output[channel].set(output[0]);
    if (this._queue.current && currentTime - this._reported >= REPORT_S) {
      this._reported = currentTime;
      const id = this._queue.current;
      this._post({ type: "position", id, playedMs: this._queue.playedMs(id) });
    }
    return true;
  }

  _take(data) {
    if (data.type === "push") this._queue.push(data.id, data.pcm);
    else if (data.type === "end") this._queue.end(data.id);
    else if (data.type === "clear") this._queue.clear(data.id);
    else if (data.type === "duck") this._queue.duck(data.id, data.gain);
    else if (data.type === "hold") this._queue.hold();
    else if (data.type === "release") this._queue.release();
    else if (data.type === "stop") this._stopped = true;
  }

  _post(report) {
    const { level, prebufferMs, waitingMs, counters } = this._queue;
    this.port.postMessage({ ...report, level, prebufferMs, waitingMs, counters, at: currentTime });
  }
}

registerProcessor("speechagents-playback", Playback);
