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

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
