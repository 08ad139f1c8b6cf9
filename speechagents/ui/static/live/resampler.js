// Streaming change of sample rate with a proper low-pass filter.
//
// Owns the filter and what must be remembered between blocks. Does not know where samples come from: worklets and
// tests use it alike.

const ZERO_CROSSINGS = 32; // on each side: the band ends 80 dB down at the fold, and 10 kHz still pass
const KAISER_BETA = 8.0;
const PASSED = 0.92; // part of the narrower band that stays untouched
const MOST_PHASES = 2000; // rates that share no useful divisor are refused rather than filtered badly

/** Samples at one rate become samples at another, block by block, without a seam between blocks. */
export class Resampler {
  /**
   * @param {number} fromHz whole number
   * @param {number} toHz whole number
   */
  constructor(fromHz, toHz) {
    if (!(Number.isInteger(fromHz) && Number.isInteger(toHz) && fromHz > 0 && toHz > 0)) {
      throw new RangeError(`cannot resample from ${fromHz} Hz to ${toHz} Hz`);
    }
    const divisor = commonDivisor(fromHz, toHz);
    this._up = toHz / divisor;
    this._down = fromHz / divisor;
    if (this._up > MOST_PHASES) throw new RangeError(`no common divisor of ${fromHz} Hz and ${toHz} Hz is of use`);
    this._same = this._up === this._down;
    this._half = this._same ? 0 : Math.ceil(ZERO_CROSSINGS * Math.max(1, fromHz / toHz));
    this._taps = this._same ? null : phases(this._up, this._down, this._half);
    this.reset();
  }

  /** Samples of input that must follow before the sound of one of them is out. */
  get delay() {
    return this._half;
  }

  /** Forget what was heard: the next block starts a new sound. */
  reset() {
    // So many zeros stand before the first sample that the first output lies on the first input.
    this._kept = new Float32Array(this._half);
    this._phase = 0;
    this._skip = 0;
  }

  /**
   * @param {Float32Array} block
   * @returns {Float32Array} what can be said after it; the sum over all blocks has the length of the whole
   */
  push(block) {
    if (this._same) return block.slice();
    const width = 2 * this._half;
    const input = new Float32Array(this._kept.length + block.length);
    input.set(this._kept);
    input.set(block, this._kept.length);
    const output = [];
    let at = this._skip;
    let phase = this._phase;
    while (at + width < input.length) {
      const taps = this._taps[phase];
      let sum = 0;
      for (let tap = 0; tap <= width; tap += 1) sum += taps[tap] * input[at + tap];
      output.push(sum);
      phase += this._down;
      at += Math.floor(phase / this._up);
      phase %= this._up;
    }
    const keepFrom = Math.min(at, input.length);
    this._kept = input.slice(keepFrom);
    this._skip = at - keepFrom;
    this._phase = phase;
    return Float32Array.from(output);
  }

  /** The end of a sound: what the filter still holds. */
  finish() {
    const rest = this._same ? new Float32Array(0) : this.push(new Float32Array(this._half));
    this.reset();
    return rest;
  }
}

/** Floats to 16-bit integers; what is louder than full scale is clipped, not wrapped. */
export function toPcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i += 1) {
    pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  }
  return pcm;
}

/** 16-bit integers to floats. */
export function fromPcm16(pcm) {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i += 1) samples[i] = pcm[i] / 32768;
  return samples;
}

function commonDivisor(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}

/** One filter for each position of an output sample between two input samples. */
function phases(up, down, half) {
  const cutoff = PASSED * Math.min(1, up / down); // 1 is the fold of the input
  const all = [];
  for (let phase = 0; phase < up; phase += 1) {
    const taps = new Float32Array(2 * half + 1);
    let sum = 0;
    for (let tap = 0; tap <= 2 * half; tap += 1) {
      const distance = tap - half - phase / up;
      taps[tap] = sinc(cutoff * distance) * kaiser(distance / (half + 1));
      sum += taps[tap];
    }
    // A constant stays the same constant in every phase; otherwise silence between speech would hum.
    for (let tap = 0; tap <= 2 * half; tap += 1) taps[tap] /= sum;
    all.push(taps);
  }
  return all;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA);
}

function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
