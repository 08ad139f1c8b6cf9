// What a page shows of the events that come.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Stage, median } from "../live/stage.js";

const OPENED = {
  type: "drama.scene.opened",
  title: "Picnic",
  role: "Mara",
  roles: [{ name: "Ethan" }, { name: "Sophia" }, { name: "Mara", person: true }],
  production: "id",
};

function stage(...events) {
  const made = new Stage();
  for (const event of [OPENED, ...events]) made.take(event);
  return made;
}

const turn = (item, role) => ({ type: "drama.turn", item_id: item, response_id: `r${item}`, role, addresses: ["Mara"], style: "sad", deed: "speak" });
const delta = (item, text) => ({ type: "response.output_audio_transcript.delta", item_id: item, delta: text });
const message = (id, speaker, text, more = {}) => ({ type: "drama.message", message: { id, speaker, text, style: "sad", addresses: [], audience: [], deed: "speak", ...more } });

test("a line grows while it is spoken and stays once it is in the record", () => {
  const seen = stage(turn("1", "Ethan"), delta("1", "Where"), delta("1", " were you?"));
  assert.equal(seen.now[0].text, "Where were you?");
  assert.deepEqual(seen.addressed, ["Mara"]);
  seen.take(message(0, "Ethan", "Where were you?"));
  assert.deepEqual(seen.now, []);
  assert.deepEqual(seen.lines.map((line) => line.text), ["Where were you?"]);
});

test("a cut line keeps only what the record has", () => {
  const seen = stage(turn("1", "Ethan"), delta("1", "I could go on for hours"));
  seen.take({ type: "response.done", response: { id: "r1", status: "cancelled" } });
  assert.equal(seen.now[0].cut, true);
  seen.take(message(0, "Ethan", "I could", { cut: true }));
  assert.deepEqual(seen.lines.map((line) => [line.text, line.cut]), [["I could", true]]);
});

test("partial words of the person are replaced, and gone when nothing was understood", () => {
  const seen = stage({ type: "drama.transcript.partial", item_id: "9", text: "hel" }, { type: "drama.transcript.partial", item_id: "9", text: "hello" });
  assert.deepEqual(seen.now.map((line) => [line.role, line.text, line.own]), [["Mara", "hello", true]]);
  seen.take({ type: "conversation.item.input_audio_transcription.completed", item_id: "9", transcript: "" });
  assert.deepEqual(seen.now, []);
});

test("a message that comes twice stands once", () => {
  const seen = stage(message(0, "Ethan", "Hi"), message(0, "Ethan", "Hi"));
  assert.equal(seen.lines.length, 1);
});

test("a typed line is there at once and becomes the message", () => {
  const seen = stage();
  seen.typed("Hello all");
  assert.deepEqual(seen.now.map((line) => [line.own, line.text]), [[true, "Hello all"]]);
  seen.take(message(0, "Mara", "Hello all"));
  assert.deepEqual(seen.now, []);
  assert.equal(seen.lines[0].own, true);
});

test("who speaks, who is next, whose turn it is", () => {
  const seen = stage({ type: "drama.queue", speaking: "Ethan", next: null, waits_for_person: false });
  assert.deepEqual([seen.speaking, seen.next, seen.waitsForPerson], ["Ethan", "", false]);
  seen.take({ type: "drama.queue", speaking: null, next: "Mara", waits_for_person: true });
  assert.deepEqual([seen.speaking, seen.next, seen.waitsForPerson], ["", "Mara", true]);
  seen.take({ type: "drama.scene.over", reason: "all said" });
  assert.deepEqual([seen.next, seen.waitsForPerson, seen.over], ["", false, "all said"]);
});

test("what is kept for a reload gives the same stage again", () => {
  const seen = stage(turn("1", "Ethan"), delta("1", "Half a"), message(0, "Sophia", "Hi"), { type: "drama.scene.paused" });
  const again = new Stage(JSON.parse(JSON.stringify(seen.kept)));
  assert.deepEqual(again.kept, seen.kept);
  again.take(delta("1", " line"));
  assert.equal(again.now[0].text, "Half a line");
});

test("events that lack what they should have break nothing", () => {
  const seen = stage({ type: "drama.turn" }, { type: "drama.message" }, { type: "drama.metrics" }, { type: "error" }, { type: "drama.queue", speaking: 7 }, { type: "response.done" });
  assert.equal(seen.speaking, "");
  assert.ok(seen.error);
});

test("memory of captions is bounded", () => {
  const seen = stage(...Array.from({ length: 700 }, (_, id) => message(id, "Ethan", `line ${id}`)));
  assert.equal(seen.lines.length, 600);
  assert.equal(seen.lines.at(-1).text, "line 699");
});

test("the median passes over what was not measured", () => {
  const seen = stage(...[500, null, 300, 400].map((ms) => ({ type: "drama.metrics", voice_to_voice_ms: ms })));
  assert.equal(median(seen.metrics, "voice_to_voice_ms"), 400);
  assert.equal(median(seen.metrics.slice(0, 3), "voice_to_voice_ms"), 400, "of an even number, the mean of the two in the middle");
  assert.equal(median(seen.metrics, "recognition_ms"), null);
});
