// Gradio's own streaming between the two ears of the same probe; runs in its page before any of its scripts.
//
// Owns finding its microphone and its loudspeaker: the stream that it asks the browser for, and the audio element that
// it plays. Both are heard in an audio context of our own, as the browser gives them to pages.

const heard = [];
let stream = null;
let clock = null;
let probe = null;
let element = null;

const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const given = await original(constraints);
  if (!stream) {
    stream = given;
    await listen();
  }
  return given;
};

async function listen() {
  clock = new AudioContext({ latencyHint: "interactive" });
  const worklet = URL.createObjectURL(new Blob([globalThis.probeSource], { type: "text/javascript" }));
  await clock.audioWorklet.addModule(worklet);
  probe = new AudioWorkletNode(clock, "probe", { numberOfInputs: 2, numberOfOutputs: 1 });
  probe.port.onmessage = ({ data }) => heard.push(data);
  clock.createMediaStreamSource(stream.clone()).connect(probe, 0, 0);
  probe.connect(clock.destination);
}

const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function played(...rest) {
  follow(this);
  return play.apply(this, rest);
};
document.addEventListener("playing", ({ target }) => follow(target), true);

function follow(player) {
  if (!clock || player === element) return;
  element = player;
  const output = player.captureStream();
  const connect = () => {
    if (output.getAudioTracks().length) clock.createMediaStreamSource(output).connect(probe, 0, 1);
  };
  connect();
  output.addEventListener("addtrack", connect);
}

globalThis.benchmark = {
  heard: () => heard,
  about: () => ({
    rateHz: clock?.sampleRate ?? 0,
    waits: element ? element.buffered.length && element.buffered.end(element.buffered.length - 1) - element.currentTime : null,
  }),
};
