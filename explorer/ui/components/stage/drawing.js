// Small tools to draw with: SVG elements, colours on fixed scales.

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, parent = null, words = null) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== null) node.textContent = words;
  parent?.append(node);
  return node;
}

export function html(tag, attributes = {}, parent = null, words = null) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== null) node.textContent = words;
  parent?.append(node);
  return node;
}

// Set what differs: an attribute that stays costs nothing to paint.
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

export function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

// Give a node its markup. Where only words and digits differ from before, only they are written.
export function fill(node, markup) {
  const words = [];
  const frame = markup.replace(/>([^<]+)</g, (_, word) => (words.push(word), "> <"));
  if (node.filled?.frame !== frame) {
    const fresh = document.createElement("template");
    fresh.innerHTML = markup;
    become(node, [...fresh.content.childNodes]);
    node.filled = { frame, texts: textsOf(node) };
  } else {
    words.forEach((word, k) => node.filled.texts[k].nodeValue !== word && (node.filled.texts[k].nodeValue = word));
  }
}

function textsOf(node) {
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  return texts;
}

// Make a node's children those given, keeping every node that is already right: what stays is neither laid out again
// nor does it lose the focus. Formulas are dear to lay out, and from one step to the next only digits change.
export function become(node, children) {
  const old = [...node.childNodes];
  if (children.some((child) => child.filled)) { // kept by whoever filled them: they stand here themselves
    if (children.length !== old.length || children.some((child, k) => child !== old[k])) node.replaceChildren(...children);
    return;
  }
  children.forEach((fresh, k) => {
    if (!old[k]) node.append(fresh);
    else if (alike(old[k], fresh)) take(old[k], fresh);
    else old[k].replaceWith(fresh);
  });
  for (const rest of old.slice(children.length)) rest.remove();
}

const alike = (one, other) => one.nodeName === other.nodeName && !one.filled;

function take(node, fresh) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
    return;
  }
  if (node.isEqualNode(fresh)) return;
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name);
  set(node, Object.fromEntries(Array.from(fresh.attributes, ({ name, value }) => [name, value])));
  become(node, [...fresh.childNodes]);
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

// A colour scale of evenly spaced stops: share 0 … 1 -> [r, g, b].
export function scale(stops) {
  const colours = stops.map(rgb);
  const table = Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (colours.length - 1), low = Math.floor(at), high = Math.min(low + 1, colours.length - 1);
    return colours[low].map((value, channel) => Math.round(value + (colours[high][channel] - value) * (at - low)));
  });
  return (share) => table[Number.isNaN(share) ? 0 : Math.round(255 * clamp(share, 0, 1))];
}

export const isLight = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b > 128;

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
