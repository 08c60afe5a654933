// The stage as a picture: overview, strip and circuit as they stand, with the sentence, as one SVG or its pixels.

import { svg } from "./drawing.js";

const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "font-weight", "font-style", "text-anchor", "display", "paint-order", "transform", "vector-effect", "marker-start", "marker-end"];
const SMALLER = 0.9; // letters: a picture is read with the fonts of the machine it comes to, and some run wide
const WIDTH = 1000, MARGIN = 20, OVERVIEW = 64, GHOST = 16, GAP = 12;
const SENTENCE = { size: 18, line: 26 };

// A copy that looks the same without our style sheet.
function copied(node) {
  const copy = node.cloneNode(true);
  const originals = [node, ...node.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((part, k) => {
    const style = getComputedStyle(originals[k]);
    const size = `font-size:${(SMALLER * parseFloat(style.fontSize)).toFixed(1)}px`;
    part.setAttribute("style", [size, ...KEPT.map((name) => `${name}:${style.getPropertyValue(name)}`)].join(";"));
    part.removeAttribute("class");
  });
  return copy;
}

// Lines of words no wider than the picture.
function wrapped(words, font) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = font;
  const lines = [];
  for (const word of words.split(/(?<= )/)) {
    const longer = (lines.at(-1) ?? "") + word;
    if (lines.length && pen.measureText(longer).width <= WIDTH - 2 * MARGIN) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// The stage as SVG text; `least` lines are kept free for the sentence, so that pictures of a film are equally tall.
export function picture(stage, least = 1) {
  const { font } = stage.about;
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", "font-family": font });
  const paper = svg("rect", { width: WIDTH, fill: stage.palette.paper }, whole);
  const heads = svg("defs", {}, whole);
  let top = overview(stage.strip, whole);
  for (const part of [stage.strip.lens, stage.circuit.picture]) {
    const copy = copied(part), { width, height } = part.viewBox.baseVal;
    for (const marker of copy.querySelectorAll("marker")) heads.append(marker);
    const tall = (height / width) * WIDTH;
    for (const [name, value] of Object.entries({ x: 0, y: top, width: WIDTH, height: tall })) copy.setAttribute(name, value);
    whole.append(copy);
    top += tall;
  }
  const lines = wrapped(stage.sentence.textContent, `${SENTENCE.size}px ${font}`);
  const words = svg("text", { "font-size": SENTENCE.size, fill: stage.palette.ink }, whole);
  lines.forEach((line, k) => svg("tspan", { x: MARGIN, y: top + (k + 1) * SENTENCE.line }, words, line));
  const height = Math.ceil(top + (Math.max(least, lines.length) + 1) * SENTENCE.line);
  paper.setAttribute("height", height);
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height })) whole.setAttribute(name, value);
  return new XMLSerializer().serializeToString(whole);
}

// All steps at once with the cursor on them; returns where the rest begins.
function overview(strip, whole) {
  const place = { x: 0, y: 0, width: WIDTH, height: OVERVIEW, preserveAspectRatio: "none" };
  svg("image", { ...place, href: strip.canvas.toDataURL(), style: "image-rendering: pixelated" }, whole);
  const marks = copied(strip.marks);
  for (const [name, value] of Object.entries(place)) marks.setAttribute(name, value);
  whole.append(marks);
  const { row } = strip.ghost;
  if (row.hidden) return OVERVIEW + GAP;
  svg("image", { ...place, y: OVERVIEW + 2, height: GHOST, href: row.toDataURL(), opacity: 0.75, style: "image-rendering: pixelated" }, whole);
  return OVERVIEW + 2 + GHOST + GAP;
}

// The pixels of an SVG, `scale` times as large, on a canvas.
export async function painted(drawn, scale) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([drawn], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.round(scale * image.width), height: Math.round(scale * image.height) });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return canvas;
}
