// The stage as a picture: strip and circuit as they stand, with the sentence, as one SVG or PNG.

import { svg } from "./drawing.js";
import { download } from "./page.js";

const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "text-anchor", "display", "paint-order"];
const WIDTH = 1000;

// A copy that looks the same without our style sheet.
function copied(node) {
  const copy = node.cloneNode(true);
  const originals = [node, ...node.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((part, k) => {
    const style = getComputedStyle(originals[k]);
    for (const name of KEPT) part.style.setProperty(name, style.getPropertyValue(name));
    part.removeAttribute("class");
  });
  return copy;
}

export function picture(stage) {
  const style = getComputedStyle(stage.host);
  const parts = [stage.strip.lens, stage.circuit.picture];
  const boxes = parts.map((part) => part.viewBox.baseVal);
  const heights = boxes.map((box) => (box.height / box.width) * WIDTH);
  const height = heights.reduce((sum, each) => sum + each, 56);
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height });
  svg("rect", { width: WIDTH, height, fill: stage.palette.paper }, whole);
  const heads = svg("defs", {}, whole);
  let top = 0;
  parts.forEach((part, k) => {
    const copy = copied(part);
    for (const marker of copy.querySelectorAll("marker")) heads.append(marker);
    for (const [name, value] of Object.entries({ x: 0, y: top, width: WIDTH, height: heights[k] })) copy.setAttribute(name, value);
    copy.style.maxWidth = "none";
    whole.append(copy);
    top += heights[k];
  });
  const words = svg("text", { x: 20, y: top + 32, "font-family": style.fontFamily, "font-size": 17, fill: style.color }, whole);
  words.textContent = stage.sentence.textContent;
  return new XMLSerializer().serializeToString(whole);
}

export async function save(stage, format) {
  const drawn = new Blob([picture(stage)], { type: "image/svg+xml" });
  download(format === "svg" ? drawn : await painted(drawn), `${stage.about.file}_t${stage.cursor.step + 1}.${format}`);
}

async function painted(drawn) {
  const image = new Image();
  image.src = URL.createObjectURL(drawn);
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 2 * image.width, height: 2 * image.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
