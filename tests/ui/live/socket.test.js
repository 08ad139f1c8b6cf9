// Coming back: what a session survives, what it does not, and that nothing is handed on twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveSocket } from "../live/socket.js";

class Clock {
  constructor() {
    this.time = 0;
    this.timers = [];
  }

  now = () => this.time;
  later = (call, ms) => {
    const timer = { call, at: this.time + ms };
    this.timers.push(timer);
    return timer;
  };
  never = (timer) => {
    this.timers = this.timers.filter((one) => one !== timer);
  };

  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      this.never(next);
      next.call();
      await settled();
    }
    this.time = end;
  }
}

const settled = () => new Promise((done) => setImmediate(done));

function network({ up = true } = {}) {
  const sockets = [];
  class Socket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, sent: [], bufferedAmount: 0, readyState: 1, closed: null });
      sockets.push(this);
      queueMicrotask(() => (state.up ? this.onopen?.() : this.onclose?.({ code: 1006 })));
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close(code) {
      this.closed = code ?? 1005;
    }
    says(event) {
      this.onmessage({ data: typeof event === "string" ? event : JSON.stringify(event) });
    }
    breaks(code = 1006) {
      this.onclose({ code });
    }
  }
  const state = { up, Socket, sockets, last: () => sockets.at(-1) };
  return state;
}

async function connected(options = {}) {
  const net = network();
  const clock = new Clock();
  const states = [];
  const events = [];
  let tokens = 0;
  const socket = new LiveSocket({
    address: async () => ({ url: "ws://here/v1/realtime", token: `token${(tokens += 1)}` }),
    onevent: (event, fresh) => events.push([event, fresh]),
    onstate: (state) => states.push(state),
    Socket: net.Socket,
    clock,
    ...options,
  });
  socket.open();
  await settled();
  return { socket, net, clock, states, events };
}

const event = (number, more = {}) => ({ type: "drama.queue", event_id: `event_${String(number).padStart(8, "0")}`, ...more });
const created = { ...event(1), type: "session.created", session: { id: "sess_1" } };
const resumed = (number) => ({ ...event(number), type: "drama.session.resumed", session_id: "sess_1", missed: 0 });

test("the token travels as a subprotocol", async () => {
  const { net, states } = await connected();
  assert.deepEqual(net.last().protocols, ["realtime", "openai-insecure-api-key.token1"]);
  assert.deepEqual(states, ["connecting", "open"]);
});

test("a broken connection comes back with a new token, for the same session, after the last event", async () => {
  const { net, clock, states, events } = await connected();
  net.last().says(created);
  net.last().says(event(2));
  net.last().breaks();
  await clock.pass(1000);
  assert.equal(net.sockets.length, 2);
  assert.equal(net.last().url, "ws://here/v1/realtime?session_id=sess_1&after_event_id=event_00000002");
  assert.equal(net.last().protocols[1], "openai-insecure-api-key.token2");
  assert.equal(states.at(-1), "reconnecting", "not before the server has said so");
  net.last().says(resumed(2));
  net.last().says(event(2));
  net.last().says(event(3));
  assert.equal(states.at(-1), "open");
  assert.deepEqual(events.map(([one]) => one.event_id.slice(-1) + one.type.slice(-1)), ["1d", "2e", "2d", "3e"]);
});

test("what is sent meanwhile waits; sound does not", async () => {
  const { socket, net, clock } = await connected();
  net.last().says(created);
  net.last().breaks();
  socket.send({ type: "conversation.item.create" });
  assert.equal(socket.sendNow("sound"), false);
  await clock.pass(1000);
  assert.deepEqual(net.last().sent, []);
  net.last().says(resumed(1));
  assert.deepEqual(net.last().sent, [{ type: "conversation.item.create" }]);
});

test("a network that stays away is tried less and less often, for half a minute", async () => {
  const { net, clock, states } = await connected();
  net.last().says(created);
  net.up = false;
  net.last().breaks();
  await clock.pass(29000);
  assert.equal(states.at(-1), "reconnecting");
  assert.ok(net.sockets.length >= 6 && net.sockets.length <= 10, `${net.sockets.length} tries`);
  await clock.pass(10000);
  assert.equal(states.at(-1), "lost");
  const tries = net.sockets.length;
  await clock.pass(60000);
  assert.equal(net.sockets.length, tries, "and then no more");
});

test("a network that comes back late is found", async () => {
  const { net, clock, states } = await connected();
  net.last().says(created);
  net.up = false;
  net.last().breaks();
  await clock.pass(15000);
  net.up = true;
  await clock.pass(2000);
  net.last().says(resumed(1));
  assert.equal(states.at(-1), "open");
});

test("a server that was never there is reported soon", async () => {
  const net = network({ up: false });
  const { clock, states } = await connected({ Socket: net.Socket });
  await clock.pass(5000);
  assert.equal(states.at(-1), "unreachable");
});

for (const [code, state] of [[4001, "taken_over"], [4004, "expired"], [4008, "idle"]]) {
  test(`a connection closed with ${code} is not made again`, async () => {
    const { net, clock, states } = await connected();
    net.last().says(created);
    net.last().breaks(code);
    await clock.pass(60000);
    assert.equal(states.at(-1), state);
    assert.equal(net.sockets.length, 1);
  });
}

test("a full house is full, by the error as by the code", async () => {
  const one = await connected();
  one.net.last().says({ type: "error", error: { code: "session_limit_reached", message: "full" } });
  assert.equal(one.states.at(-1), "full");
  const other = await connected();
  other.net.last().breaks(1013);
  assert.equal(other.states.at(-1), "full");
});

test("a session that is gone is not waited for", async () => {
  const { net, clock, states } = await connected();
  net.last().says(created);
  net.last().breaks();
  await clock.pass(1000);
  net.last().says({ type: "error", error: { code: "session_expired", message: "gone" } });
  assert.equal(states.at(-1), "expired");
});

test("an error in a session that goes on is an event like others", async () => {
  const { net, states, events } = await connected();
  net.last().says(created);
  net.last().says({ ...event(2), type: "error", error: { code: "invalid", message: "no such item" } });
  assert.equal(states.at(-1), "open");
  assert.equal(events.at(-1)[0].type, "error");
});

test("who leaves says so, and does not come back", async () => {
  const { socket, net, clock, states } = await connected();
  net.last().says(created);
  socket.close();
  net.last().breaks(1000);
  await clock.pass(60000);
  assert.equal(net.sockets[0].closed, 1000);
  assert.equal(net.sockets.length, 1);
  assert.equal(states.at(-1), "closed");
});

test("a connection that does not open is given up for another", async () => {
  const { net, clock } = await connected();
  net.last().says(created);
  net.last().breaks();
  await clock.pass(1000);
  await clock.pass(9000); // the server accepts and says nothing
  assert.ok(net.sockets.length >= 3);
  net.sockets[1].says(event(9));
  net.last().says(resumed(1));
});

test("after a reload, what was heard is over; what was only seen is marked as not fresh", async () => {
  const { net, events } = await connected({ resume: { sessionId: "sess_1", seen: 5, heard: 3 } });
  assert.match(net.last().url, /after_event_id=event_00000003$/);
  net.last().says(resumed(3));
  for (const number of [4, 5, 6]) net.last().says(event(number));
  assert.deepEqual(events.slice(1).map(([one, fresh]) => [one.event_id.slice(-1), fresh]), [["4", false], ["5", false], ["6", true]]);
});

test("rubbish is passed over", async () => {
  const { net, events } = await connected();
  for (const rubbish of ["", "{", "null", "[]", '"x"', "{}", '{"type": 1}']) net.last().says(rubbish);
  assert.deepEqual(events, []);
});
