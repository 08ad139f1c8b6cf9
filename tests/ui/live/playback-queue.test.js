// What a listener hears of arriving sound: order, gaps, ducking, and silence after a cut.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PlaybackQueue } from "../live/playback-queue.js";

const MS = 24; // samples of a millisecond
const QUANTUM = 128;

function pcm(ms, value = 8192) {
  return new Int16Array(ms * MS).fill(value);
}

function listen(queue, ms) {
  const heard = [];
  for (let at = 0; at < ms * MS; at += QUANTUM) {
    const output = new Float32Array(QUANTUM);
    queue.pull(output);
    heard.push(...output);
  }
  return heard;
}

function sounding(samples) {
  return samples.filter((x) => x !== 0).length / MS;
}

function noting() {
  const reports = [];
  return [reports, (report) => reports.push(report)];
}

test("an item starts when 40 ms of it are there, not before", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(39));
  assert.equal(sounding(listen(queue, 100)), 0);
  queue.push("a", pcm(1));
  assert.ok(sounding(listen(queue, 100)) > 39);
});

test("an item that is shorter than that is heard once it has ended", () => {
  const [reports, note] = noting();
  const queue = new PlaybackQueue(24000, note);
  queue.push("a", pcm(10));
  queue.end("a");
  assert.equal(sounding(listen(queue, 60)), 10);
  assert.deepEqual(reports.map(({ type, id, playedMs }) => [type, id, playedMs]), [["started", "a", 0], ["ended", "a", 10]]);
  assert.equal(queue.counters.lateFrames, 0);
});

test("items follow each other in the order of their first sound, without a gap", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(50, 1000));
  queue.push("b", pcm(50, 2000));
  queue.push("a", pcm(50, 1000));
  queue.end("a");
  queue.end("b");
  const heard = listen(queue, 200).map((x) => Math.round(x * 32768));
  assert.deepEqual(heard.slice(0, 150 * MS), [...pcm(100, 1000), ...pcm(50, 2000)]);
  assert.equal(queue.counters.playedItems, 2);
});

test("a cleared item is silent after one render quantum, and its late sound is never heard", () => {
  const [reports, note] = noting();
  const queue = new PlaybackQueue(24000, note);
  queue.push("a", pcm(500));
  listen(queue, 100);
  queue.clear("a");
  const output = new Float32Array(QUANTUM);
  queue.pull(output);
  assert.equal(output[QUANTUM - 1], 0, "the quantum fades to nothing");
  assert.ok(output[0] > 0.2 && output[0] < 0.25, "and does not click");
  queue.push("a", pcm(500));
  queue.end("a");
  assert.equal(sounding(listen(queue, 600)), 0);
  const cleared = reports.at(-1);
  assert.equal(cleared.type, "cleared");
  assert.ok(cleared.playedMs >= 100 && cleared.playedMs < 107, `${cleared.playedMs} ms`);
});

test("clearing all leaves nothing, and the next item is heard", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(500));
  queue.push("b", pcm(500));
  listen(queue, 100);
  queue.clear();
  listen(queue, 10);
  assert.equal(queue.waitingMs, 0);
  queue.push("c", pcm(50));
  queue.end("c");
  assert.equal(sounding(listen(queue, 100)), 50);
});

test("an item that is cleared before its first sound came stays unheard", () => {
  const queue = new PlaybackQueue(24000);
  queue.clear("a");
  queue.push("a", pcm(100));
  assert.equal(sounding(listen(queue, 200)), 0);
});

test("ducking ramps within 20 ms, comes back, and ends with its item", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(400));
  listen(queue, 50);
  queue.duck("a", 0.2);
  const ramp = listen(queue, 30);
  const steps = ramp.slice(1).map((x, i) => Math.abs(x - ramp[i]));
  assert.ok(Math.max(...steps) < 0.002, "no step is heard");
  assert.ok(Math.abs(ramp[20 * MS] - 0.05) < 1e-6);
  queue.duck("a", 1);
  assert.ok(Math.abs(listen(queue, 40).at(-1) - 0.25) < 1e-6);
  queue.duck("a", 0.2);
  queue.end("a");
  listen(queue, 400);
  queue.push("b", pcm(60));
  queue.end("b");
  assert.ok(Math.abs(listen(queue, 20)[0] - 0.25) < 1e-6, "the next item has its full voice");
});

test("ducking names an item: another one is not turned down", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(100));
  queue.duck("b", 0);
  assert.ok(listen(queue, 50).every((x) => x > 0.2));
});

test("a gap is counted in frames of 20 ms once sound follows it, and the start after it waits for more", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(40));
  listen(queue, 40 + 100);
  assert.equal(queue.counters.lateFrames, 0, "nobody knows yet whether anything is missing");
  queue.push("a", pcm(40));
  listen(queue, 40);
  const { lateFrames, gaps } = queue.counters;
  assert.equal(gaps, 1);
  assert.ok(lateFrames >= 5 && lateFrames <= 6, `${lateFrames} late frames in a gap of 100 ms`);
  assert.equal(queue.prebufferMs, 60);
  listen(queue, 100);
  queue.push("a", pcm(50));
  assert.equal(sounding(listen(queue, 20)), 0, "50 ms are not enough any more");
  queue.push("a", pcm(10));
  assert.ok(sounding(listen(queue, 20)) > 0);
});

test("an end that is announced late is no gap, and the server learns at once that all was played", () => {
  const [reports, note] = noting();
  const queue = new PlaybackQueue(24000, note);
  queue.push("a", pcm(100));
  listen(queue, 150);
  assert.deepEqual([reports.at(-1).type, Math.round(reports.at(-1).playedMs)], ["dry", 100]);
  queue.end("a");
  listen(queue, 20);
  assert.equal(reports.at(-1).type, "ended");
  assert.equal(queue.counters.lateFrames, 0);
  assert.equal(queue.prebufferMs, 40);
  assert.equal(queue.current, "");
});

test("the prebuffer has an end, and shrinks when all is calm", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(40));
  for (let i = 0; i < 20; i += 1) {
    listen(queue, 300);
    queue.push("a", pcm(200));
  }
  assert.equal(queue.prebufferMs, 200);
  queue.push("a", pcm(25000));
  listen(queue, 21000);
  assert.equal(queue.prebufferMs, 160);
});

test("waiting for an item that has not begun is nobody's lateness", () => {
  const queue = new PlaybackQueue(24000);
  listen(queue, 500);
  queue.push("a", pcm(20));
  listen(queue, 500);
  assert.equal(queue.counters.lateFrames, 0);
});

test("held, it stands still and loses nothing", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(200));
  queue.end("a");
  const before = sounding(listen(queue, 100));
  queue.hold();
  listen(queue, QUANTUM / MS);
  const at = queue.playedMs("a");
  assert.equal(sounding(listen(queue, 300)), 0);
  assert.equal(queue.playedMs("a"), at);
  assert.equal(queue.counters.lateFrames, 0);
  queue.release();
  assert.ok(Math.abs(before + sounding(listen(queue, 300)) - 200) < 6);
});

test("memory is bounded: five minutes wait at most", () => {
  const queue = new PlaybackQueue(24000);
  for (let i = 0; i < 400; i += 1) queue.push(`item ${i % 3}`, pcm(1000));
  assert.equal(queue.waitingMs, 300000);
  assert.equal(queue.counters.refusedSamples, 100 * 1000 * MS);
});

for (const rate of [44100, 48000]) {
  test(`a sound card at ${rate} Hz hears the same length, and positions are in real milliseconds`, () => {
    const [reports, note] = noting();
    const queue = new PlaybackQueue(rate, note);
    queue.push("a", pcm(333));
    queue.end("a");
    let heard = 0;
    for (let i = 0; i < 400; i += 1) {
      const output = new Float32Array(QUANTUM);
      queue.pull(output);
      heard += output.filter((x) => x !== 0).length;
    }
    assert.ok(Math.abs(heard / rate - 0.333) < 0.001);
    assert.equal(Math.round(reports.at(-1).playedMs), 333);
  });
}

test("the level is that of what is heard", () => {
  const queue = new PlaybackQueue(24000);
  queue.push("a", pcm(100));
  listen(queue, 20);
  assert.ok(Math.abs(queue.level - 0.25) < 1e-3);
});
