// Hears the microphone and the loudspeaker of a page on one clock, and tells when a pip begins in either.
//
// Owns telling pips from silence and from each other: each pip is a short tone, told by its pitch. Does not know what
// lies between the two.

const LOUD = 0.06;
const QUIET_S = 0.1; // so long a pip must be over before another one is heard
const LENGTH_S = 0.016; // of the tone, from its beginning, that its pitch is taken from

class Ear {
  constructor(name, post) {
    this._name = name;
    this._post = post;
    this._quiet = Infinity;
    this._pip = null;
  }

  hear(samples, at) {
    for (let i = 0; i < samples.length; i += 1) {
      const loud = Math.abs(samples[i]) > LOUD;
      if (loud && this._quiet > QUIET_S * sampleRate && !this._pip) this._pip = { at: at + i / sampleRate, sound: [] };
      this._quiet = loud ? 0 : this._quiet + 1;
      if (!this._pip) continue;
      this._pip.sound.push(samples[i]);
      if (this._pip.sound.length < LENGTH_S * sampleRate) continue;
      this._post({ ear: this._name, at: this._pip.at, pitch: pitch(this._pip.sound) });
      this._pip = null;
    }
  }
}

/** Cycles a second, from the first to the last upward crossing of zero; 0 where there are too few. */
function pitch(sound) {
  const crossings = [];
  for (let i = 1; i < sound.length; i += 1) {
    if (sound[i - 1] < 0 && sound[i] >= 0) crossings.push(i - sound[i] / (sound[i] - sound[i - 1]));
  }
  if (crossings.length < 3) return 0;
  return ((crossings.length - 1) * sampleRate) / (crossings.at(-1) - crossings[0]);
}

class Probe extends AudioWorkletProcessor {
  constructor() {
    super();
    const post = (pip) => this.port.postMessage(pip);
    this._ears = [new Ear("microphone", post), new Ear("loudspeaker", post)];
  }

  process(inputs) {
    this._ears.forEach((ear, number) => {
      if (inputs[number].length) ear.hear(inputs[number][0], currentTime);
    });
    return true;
  }
}

registerProcessor("probe", Probe);
