// The microphone's side of the sound card: 20 ms frames of PCM16 at 24 kHz.
//
// Owns mixing down, resampling and framing. Does not know the socket: frames go to whoever holds the port.

import { Resampler, toPcm16 } from "./resampler.js";

const RATE_HZ = 24000;
const FRAME = 480;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this._resampler = new Resampler(sampleRate, RATE_HZ);
    this._frame = new Float32Array(FRAME);
    this._filled = 0;
    this._muted = false;
    this._stopped = false;
    this.port.onmessage = ({ data }) => {
      if (data.type === "mute") this._muted = data.muted;
      if (data.type === "stop") this._stopped = true;
    };
  }

  process([input]) {
    if (this._stopped) return false;
    // Muted is silence, not absence: the server's clock of this microphone goes on, and a started word ends.
    const heard = input.length ? mixed(input) : new Float32Array(128);
    for (const sample of this._resampler.push(heard)) {
      this._frame[this._filled] = sample;
      this._filled += 1;
      if (this._filled === FRAME) this._send();
    }
    return true;
  }

  _send() {
    this._filled = 0;
    let power = 0;
    for (const sample of this._frame) power += sample * sample;
    const level = Math.sqrt(power / FRAME);
    const pcm = this._muted ? new Int16Array(FRAME) : toPcm16(this._frame);
    this.port.postMessage({ type: "frame", pcm, level: this._muted ? 0 : level, at: currentTime }, [pcm.buffer]);
  }
}

function mixed(channels) {
  if (channels.length === 1) return channels[0];
  const sum = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < sum.length; i += 1) sum[i] += channel[i] / channels.length;
  return sum;
}

registerProcessor("speechagents-capture", Capture);
