// Resampling as a listener would notice it: pitch kept, nothing folded down, no seams, no drift.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler, fromPcm16, toPcm16 } from "../live/resampler.js";

const RATES = [8000, 16000, 44100, 48000, 96000];

function tone(hz, rate, seconds = 0.5) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));
}

function whole(resampler, sound, block) {
  const parts = [];
  for (let at = 0; at < sound.length; at += block) parts.push(...resampler.push(sound.subarray(at, at + block)));
  parts.push(...resampler.finish());
  return Float32Array.from(parts);
}

function power(samples) {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

for (const rate of RATES) {
  test(`a tone at ${rate} Hz is the same tone at 24 kHz, sample for sample`, () => {
    const heard = whole(new Resampler(rate, 24000), tone(440, rate), 128);
    const wanted = tone(440, 24000);
    assert.ok(Math.abs(heard.length - wanted.length) <= 1, `${heard.length} samples, not ${wanted.length}`);
    for (let i = 600; i < wanted.length - 600; i += 1) assert.ok(Math.abs(heard[i] - wanted[i]) < 1e-3, `at ${i}`);
  });
}

for (const rate of [44100, 48000, 96000]) {
  test(`what 24 kHz cannot hold is gone from ${rate} Hz, not folded down`, () => {
    const heard = whole(new Resampler(rate, 24000), tone(15000, rate), 128);
    assert.ok(power(heard.subarray(600, -600)) < 0.5 * 10 ** (-70 / 20));
  });

  test(`speech up to 10 kHz passes unweakened from ${rate} Hz`, () => {
    const heard = whole(new Resampler(rate, 24000), tone(10000, rate), 128).subarray(600, -600);
    assert.ok(Math.abs(20 * Math.log10(power(heard) / (0.5 / Math.SQRT2))) < 0.2);
  });
}

test("the length of the blocks changes nothing", () => {
  const sound = Float32Array.from({ length: 9999 }, (_, i) => Math.sin(i * i * 1e-5));
  const one = whole(new Resampler(44100, 24000), sound, 9999);
  for (const block of [1, 7, 128, 441]) assert.deepEqual(whole(new Resampler(44100, 24000), sound, block), one);
});

test("an hour does not drift", () => {
  const resampler = new Resampler(44100, 24000);
  let out = 0;
  for (let i = 0; i < 1000; i += 1) out += resampler.push(new Float32Array(441)).length;
  assert.ok(Math.abs(out - 240000) <= 40, `${out} samples after 10 s`);
});

test("equal rates pass through", () => {
  assert.deepEqual(new Resampler(24000, 24000).push(Float32Array.of(0.1, 0.2)), Float32Array.of(0.1, 0.2));
});

test("rates that cannot be are refused", () => {
  for (const rate of [0, -1, 44100.5, NaN]) assert.throws(() => new Resampler(rate, 24000), RangeError);
  assert.throws(() => new Resampler(44101, 24000), RangeError);
});

test("loud samples are clipped, never wrapped", () => {
  assert.deepEqual(toPcm16(Float32Array.of(0, 1, -1, 2, -2, 0.5)), Int16Array.of(0, 32767, -32768, 32767, -32768, 16384));
  assert.deepEqual(fromPcm16(Int16Array.of(0, -32768, 16384)), Float32Array.of(0, -1, 0.5));
});
