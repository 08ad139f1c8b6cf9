// Before the curtain: which scene, which role, and how to take part.
//
// Owns the choice. Does not know how a scene is opened: it says what was chosen.

import { el, initials, roleColour } from "./dom.js";

const HANDED_OVER = "speechagents.scene"; // where another page leaves the YAML of a scene

export class Lobby {
  /**
   * @param {object} options
   * @param {object} options.server the page's functions on the server: scenes, read
   * @param {(choice: {open: object, microphone: boolean, pushToTalk: boolean}) => void} options.onstep
   */
  constructor({ server, onstep }) {
    this._server = server;
    this._onstep = onstep;
    this._scenes = [];
    this._chosen = null;
    this._role = "";
    this._notice = el("div", { class: "lv-notice", role: "status" });
    this._list = el("div", { class: "lv-scenes", role: "radiogroup", aria: { label: "Scene" } });
    this._detail = el("section", { class: "lv-detail", aria: { label: "The chosen scene" } });
    this._yaml = el("textarea", {
      id: "lv-yaml",
      rows: 8,
      spellcheck: false,
      placeholder: "title: …\nroles:\n  - name: …",
    });
    this._fault = el("p", { class: "lv-fault", role: "alert" });
    this.element = el(
      "div",
      { class: "lv-lobby" },
      el(
        "div",
        { class: "lv-intro" },
        el("p", { class: "sa-kicker" }, "Live"),
        el("h1", {}, "Take a role"),
        el(
          "p",
          { class: "sa-lead" },
          "Play a part by microphone among agents who listen, answer and interrupt. Speak into a line and it stops; say a name and that one answers.",
        ),
      ),
      this._notice,
      el(
        "div",
        { class: "lv-choose" },
        el("section", { class: "lv-pick", aria: { label: "Scenes" } }, el("h2", {}, "Scene"), this._list, this._own()),
        this._detail,
      ),
    );
  }

  /** Ask the server for scenes and show them. */
  async load() {
    this._list.replaceChildren(el("p", { class: "sa-hint" }, "Looking for scenes …"));
    const found = await this._server.scenes();
    this._scenes = found.scenes ?? [];
    const handed = takeHandedOver();
    if (handed) await this._read(handed, "From the Improvise page");
    this._showList();
    if (!this._chosen && this._scenes.length) this._choose(this._scenes[0]);
    if (found.error) this.notice(found.error, "bad");
  }

  /** Say something above the choice; `tone` is bad, note or empty for nothing. */
  notice(text, tone = "note", ...actions) {
    this._notice.className = text ? `lv-notice ${tone === "bad" ? "sa-error" : "sa-note"}` : "lv-notice";
    this._notice.replaceChildren(...(text ? [el("p", {}, text), ...actions] : []));
  }

  /** While a connection is made nothing else can be chosen. */
  busy(busy) {
    for (const button of this.element.querySelectorAll("button")) button.disabled = busy;
  }

  _own() {
    const file = el("input", {
      type: "file",
      accept: ".yaml,.yml,.json",
      id: "lv-file",
      class: "sa-visually-hidden",
      onchange: async () => {
        if (!file.files.length) return;
        if (file.files[0].size > 1000000) this._fault.textContent = "That file is no scene: it is larger than 1 MB.";
        else this._yaml.value = await file.files[0].text();
        file.value = "";
      },
    });
    return el(
      "details",
      { class: "lv-own" },
      el("summary", {}, "Use a scene of your own"),
      el("label", { htmlFor: "lv-yaml" }, "Scene file (YAML)"),
      this._yaml,
      this._fault,
      el(
        "div",
        { class: "sa-row" },
        el("button", { type: "button", class: "sa-button", onclick: () => this._readOwn() }, "Use this scene"),
        el("label", { htmlFor: "lv-file", class: "sa-button" }, "Open a file"),
        file,
      ),
    );
  }

  async _readOwn() {
    this._fault.textContent = "";
    if (!this._yaml.value.trim()) {
      this._fault.textContent = "Paste a scene first, or open a file.";
      return;
    }
    const problem = await this._read(this._yaml.value, "Your own");
    this._fault.textContent = problem;
    this._showList();
  }

  async _read(yaml, origin) {
    const read = await this._server.read({ yaml });
    if (!read.scene) return read.error || "The server could not read this scene.";
    const scene = { ...read.scene, key: `own ${Date.now()}`, origin, open: { yaml } };
    this._scenes = [scene, ...this._scenes.filter((one) => one.origin !== origin)];
    this._choose(scene);
    return "";
  }

  _showList() {
    const cards = this._scenes.map((scene) =>
      el(
        "button",
        {
          type: "button",
          class: "lv-scene",
          role: "radio",
          data: { key: scene.key },
          onclick: () => this._choose(scene),
          onkeydown: (event) => move(event, this._list),
        },
        el("span", { class: "lv-scene-title" }, scene.title),
        el("span", { class: "lv-scene-facts" }, facts(scene)),
      ),
    );
    this._list.replaceChildren(...(cards.length ? cards : [el("p", { class: "sa-hint" }, "No scene yet: use one of your own.")]));
    this._mark();
  }

  _choose(scene) {
    this._chosen = scene;
    this._role = scene.roles[0].name;
    this._mark();
    this._showDetail();
  }

  _mark() {
    for (const card of this._list.querySelectorAll(".lv-scene")) {
      const is = card.dataset.key === this._chosen?.key;
      card.setAttribute("aria-checked", String(is));
      card.tabIndex = is ? 0 : -1;
    }
  }

  _showDetail() {
    const scene = this._chosen;
    const roles = el(
      "fieldset",
      { class: "lv-roles" },
      el("legend", {}, "You play"),
      ...scene.roles.map((role, place) =>
        el(
          "label",
          { class: "lv-role", colour: roleColour(place) },
          el("input", {
            type: "radio",
            name: "lv-role",
            value: role.name,
            checked: role.name === this._role,
            onchange: () => {
              this._role = role.name;
            },
          }),
          el("span", { class: "lv-face", aria: { hidden: "true" } }, initials(role.name)),
          el("span", { class: "lv-role-text" }, el("b", {}, role.name), el("span", {}, role.profile)),
        ),
      ),
    );
    const pushToTalk = el("input", { type: "checkbox", id: "lv-ptt" });
    const step = (microphone) =>
      this._onstep({
        open: { type: "drama.scene.open", scene: scene.open, role: this._role },
        microphone,
        pushToTalk: microphone && pushToTalk.checked,
      });
    this._detail.replaceChildren(
      el(
        "header",
        {},
        el("h2", {}, scene.title),
        scene.setting ? el("p", { class: "lv-setting" }, scene.setting) : null,
        scene.background ? el("p", { class: "lv-background" }, scene.background) : null,
      ),
      roles,
      el(
        "div",
        { class: "lv-enter" },
        el(
          "p",
          { class: "sa-hint" },
          "Your browser will ask for the microphone. It is on only while you are on stage, goes to this server and nowhere else, and what you say is recorded in your production. Headphones keep the agents out of it.",
        ),
        el("label", { class: "lv-check" }, pushToTalk, "Push to talk: hold the space bar, or the microphone button"),
        el(
          "div",
          { class: "sa-row" },
          el("button", { type: "button", class: "sa-button sa-main lv-step", onclick: () => step(true) }, "Step on stage"),
          el("button", { type: "button", class: "sa-button lv-type", onclick: () => step(false) }, "Without a microphone"),
        ),
      ),
    );
  }
}

function facts(scene) {
  return [scene.origin, `${scene.roles.length} roles`, scene.language === "en" ? "" : scene.language].filter(Boolean).join(" · ");
}

/** Arrow keys walk through radio buttons. */
function move(event, list) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const cards = [...list.querySelectorAll(".lv-scene")];
  const next = cards[(cards.indexOf(event.currentTarget) + step + cards.length) % cards.length];
  next.click();
  next.focus();
}

function takeHandedOver() {
  try {
    const yaml = sessionStorage.getItem(HANDED_OVER);
    sessionStorage.removeItem(HANDED_OVER);
    return yaml;
  } catch {
    return null; // storage is off in this browser
  }
}
