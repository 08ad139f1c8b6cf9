// Building elements. Texts go in as text, never as markup: scenes and names come from strangers.

/** An element with properties and children; `data` and `aria` are objects, events are functions under `on…`. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "aria") for (const [key, word] of Object.entries(value)) node.setAttribute(`aria-${key}`, word);
    else if (name === "colour") node.style.setProperty("--who", value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

/** Change a text only if it is another one, so that screen readers are not told the same twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The colour of a role by its place in the cast; see the theme. */
export function roleColour(place) {
  return place < 0 ? "var(--sa-edge)" : `var(--role-${place % 12})`;
}

/** One or two letters that stand for a name. */
export function initials(name) {
  const words = name.split(/[\s.'’-]+/).filter((word) => /\p{L}|\p{N}/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("") || "?";
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  microphone: "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11v1a6 6 0 0 0 12 0v-1M12 18v3",
  muted: "M9 9V6a3 3 0 0 1 6 0v4M15 13a3 3 0 0 1-5 1M6 11v1a6 6 0 0 0 9 5M18 12v-1M12 18v3M4 4l16 16",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  send: "M4 12h14M12 6l6 6-6 6",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
