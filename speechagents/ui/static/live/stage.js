// What is going on on stage, told by the server's events.
//
// Owns the meaning of events for whoever watches: who is there, who speaks, what was said. Does not know the page, the
// sound or the network. All texts are data: whoever shows them shows them as text.

const MOST_LINES = 600;
const MOST_METRICS = 50;

/** The state of one scene; `take` changes it, everything else reads it. */
export class Stage {
  constructor(kept = null) {
    this.opened = kept ? kept.opened : null;
    this.speaking = kept ? kept.speaking : "";
    this.next = kept ? kept.next : "";
    this.waitsForPerson = kept ? kept.waitsForPerson : false;
    this.lines = kept ? kept.lines : []; // what is in the stream of messages
    this.now = kept ? kept.now : []; // what is being said, by item
    this.paused = kept ? kept.paused : false;
    this.over = kept ? kept.over : "";
    this.listening = false; // the server hears the person speak
    this.metrics = [];
    this.error = "";
    this.missed = 0;
  }

  /** All that a reloaded page needs to show the same. */
  get kept() {
    const { opened, speaking, next, waitsForPerson, lines, now, paused, over } = this;
    return { opened, speaking, next, waitsForPerson, lines, now, paused, over };
  }

  /** Name of the role that the person plays. */
  get person() {
    return this.opened ? this.opened.role : "";
  }

  /** Place of a role in the cast: its colour; -1 for a stranger. */
  place(name) {
    return this.opened ? this.opened.roles.findIndex((role) => role.name === name) : -1;
  }

  /** What a role is doing now: its turn, while it speaks. */
  turnOf(name) {
    return this.now.find((line) => line.role === name && !line.own) ?? null;
  }

  /** Names that the line being spoken is meant for. */
  get addressed() {
    return this.now.flatMap((line) => line.addresses);
  }

  /** The person typed a line: shown as theirs until it comes back as a message. */
  typed(text) {
    this.now.push(line({ key: `typed ${this.lines.length} ${text}`, role: this.person, text, own: true, typed: true }));
  }

  /** @param {{type: string}} event of the server */
  take(event) {
    switch (event.type) {
      case "drama.scene.opened":
        this.opened = opened(event);
        break;
      case "drama.turn":
        this._turn(event);
        break;
      case "drama.queue":
        this.speaking = text(event.speaking);
        this.next = text(event.next);
        this.waitsForPerson = event.waits_for_person === true;
        break;
      case "response.output_audio_transcript.delta":
        this._change(event.item_id, (line) => ({ text: line.text + text(event.delta) }));
        break;
      case "response.output_audio_transcript.done":
        this._change(event.item_id, () => ({ text: text(event.transcript), whole: true }));
        break;
      case "response.done":
        if (event.response?.status === "cancelled") this._cut(event.response.id);
        break;
      case "input_audio_buffer.speech_started":
        this.listening = true;
        break;
      case "input_audio_buffer.speech_stopped":
        this.listening = false;
        break;
      case "drama.transcript.partial":
        this._own(event.item_id, text(event.text));
        break;
      case "conversation.item.input_audio_transcription.completed":
        this._own(event.item_id, text(event.transcript));
        break;
      case "conversation.item.input_audio_transcription.failed":
        this._drop(event.item_id);
        break;
      case "drama.message":
        if (event.message) this._said(event.message);
        break;
      case "drama.metrics":
        this.metrics = [...this.metrics, numbers(event)].slice(-MOST_METRICS);
        break;
      case "drama.scene.paused":
        this.paused = true;
        break;
      case "drama.scene.playing":
        this.paused = false;
        break;
      case "drama.scene.over":
        this.over = text(event.reason) || "the scene is over";
        this.speaking = this.next = "";
        this.waitsForPerson = false;
        break;
      case "drama.session.resumed":
        this.missed = Number(event.missed) || 0;
        break;
      case "error":
        this.error = text(event.error?.message) || "the server reports an error without a message";
        break;
      default:
    }
  }

  _turn(event) {
    if (this.now.some((one) => one.key === event.item_id)) return;
    this.now.push(
      line({
        key: text(event.item_id),
        response: text(event.response_id),
        role: text(event.role),
        text: text(event.text),
        style: text(event.style),
        addresses: texts(event.addresses),
        private: event.private === true,
        deed: text(event.deed) || "speak",
      }),
    );
  }

  _own(item, words) {
    const key = text(item);
    if (!words) return this._drop(key);
    if (!this.now.some((one) => one.key === key)) this.now.push(line({ key, role: this.person, own: true }));
    this._change(key, () => ({ text: words }));
    return undefined;
  }

  _drop(key) {
    this.now = this.now.filter((one) => one.key !== key);
  }

  _change(key, change) {
    this.now = this.now.map((one) => (one.key === key ? { ...one, ...change(one) } : one));
  }

  _cut(response) {
    this.now = this.now.map((one) => (response && one.response === response ? { ...one, cut: true } : one));
  }

  /** A message is what stays: it takes the place of the oldest line of its speaker that was being said. */
  _said(message) {
    const id = Number(message.id);
    if (this.lines.some((one) => one.id === id)) return;
    const speaker = text(message.speaker);
    const spoken = this.now.find((one) => one.role === speaker);
    if (spoken) this._drop(spoken.key);
    this.lines = [
      ...this.lines,
      line({
        key: `message ${id}`,
        id,
        role: speaker,
        text: text(message.text),
        style: text(message.style),
        addresses: texts(message.addresses),
        private: texts(message.audience).length > 0,
        deed: text(message.deed) || "speak",
        cut: message.cut === true,
        own: speaker === this.person,
        at: Number(message.start_s) || 0,
      }),
    ].slice(-MOST_LINES);
  }
}

function line(values) {
  return {
    key: "",
    id: -1,
    response: "",
    role: "",
    text: "",
    style: "",
    addresses: [],
    private: false,
    deed: "speak",
    cut: false,
    own: false,
    typed: false,
    whole: false,
    at: 0,
    ...values,
  };
}

function opened(event) {
  const roles = Array.isArray(event.roles) ? event.roles : [];
  return {
    title: text(event.title),
    setting: text(event.setting),
    background: text(event.background),
    language: text(event.language),
    role: text(event.role),
    roles: roles.map((role) => ({
      name: text(role.name),
      profile: text(role.profile),
      voice: text(role.voice),
      person: role.person === true,
    })),
    controller: text(event.controller),
    listener: text(event.listener),
    production: text(event.production),
  };
}

export const METRICS = [
  ["end_of_utterance_ms", "End of utterance", "from your last sound to knowing that you have finished"],
  ["recognition_ms", "Recognition", "from there to your words"],
  ["first_token_ms", "First token", "from your words to the first thought of the one who answers"],
  ["first_audio_ms", "First audio", "from your words to the first sound of the answer"],
  ["voice_to_voice_ms", "Voice to voice", "from your last sound to the first sound of the answer"],
];

function numbers(event) {
  return Object.fromEntries(METRICS.map(([name]) => [name, Number.isFinite(event[name]) ? event[name] : null]));
}

/** The middle value of a metric over the last turns; null where there is none. */
export function median(metrics, name) {
  const values = metrics.map((one) => one[name]).filter((value) => value !== null).sort((a, b) => a - b);
  const middle = Math.floor(values.length / 2);
  if (!values.length) return null;
  return values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

function text(value) {
  return typeof value === "string" ? value : "";
}

function texts(value) {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
