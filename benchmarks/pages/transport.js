// The live page's own way of sound, as it is, between the two ears of a probe.
//
// Owns putting them together. What is measured is in `probe-worklet.js`, what is done with it in Python.

import { LiveTransport } from "/studio/live/transport.js";

const heard = [];
let transport;

async function open() {
  transport = new LiveTransport({
    address: async () => {
      const answer = await fetch("/v1/realtime/client_secrets", { method: "POST" });
      const { value } = await answer.json();
      return { url: `ws://${location.host}/v1/realtime`, token: value };
    },
    onevent: () => {},
    onstate: () => {},
  });
  await transport.openLoudspeaker();
  await transport.openMicrophone();
  const { context, source, output } = transport.graph;
  await context.audioWorklet.addModule("probe-worklet.js");
  const probe = new AudioWorkletNode(context, "probe", { numberOfInputs: 2, numberOfOutputs: 1 });
  probe.port.onmessage = ({ data }) => heard.push({ ...data, prebufferMs: transport.counters.prebufferMs || 40 });
  source.connect(probe, 0, 0);
  output.connect(probe, 0, 1);
  probe.connect(context.destination); // silent; a node that leads nowhere may never be asked for sound
  transport.connect();
}

globalThis.benchmark = {
  open,
  heard: () => heard,
  about: () => ({
    ...transport.counters,
    rateHz: transport.graph.context.sampleRate,
    baseLatencyMs: transport.graph.context.baseLatency * 1000,
    outputLatencyMs: transport.graph.context.outputLatency * 1000,
  }),
};
