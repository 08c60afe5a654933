// The stage from step to step as an animated PNG, drawn beside the page by a twin of the stage.

import { Animation, Palette } from "./apng.js";
import { html } from "./drawing.js";
import { painted, picture } from "./picture.js";
import { sentence } from "./sentence.js";

const MOST = 50; // frames; a longer run is thinned
const DELAY = 300; // ms a frame
const SCALE = 0.72; // of a picture 1000 pixels wide
const LINES = 3; // kept free for the sentence

const way = ({ run, cursor }) => (cursor.back ? [run.loss.at(-1) - 1, 0] : [0, run.T - 1]);

// How many steps a film goes over, and how many of them it shows.
export function covered(stage) {
  const [from, to] = way(stage), all = Math.abs(to - from) + 1;
  return { all, count: Math.min(MOST, all) };
}

// From the first step to the last, or back from the loss to the first.
function steps(stage) {
  const [from, to] = way(stage), { count } = covered(stage);
  return Array.from({ length: count }, (_, k) => Math.round(from + ((to - from) * k) / Math.max(1, count - 1)));
}

// The film as a Blob. tell(share) hears how far it is; `signal` ends it with an AbortError.
export async function film(stage, tell, signal) {
  const holder = html("div", { class: "aside", inert: "" }, stage.host.parentElement);
  html("div", { class: "stage" }, holder);
  const twin = stage.twin(holder);
  const pictured = async (step) => {
    signal.throwIfAborted();
    twin.cursor = { ...twin.cursor, step };
    twin.strip.draw();
    twin.circuit.draw();
    twin.sentence.replaceChildren(...sentence(twin));
    const canvas = await painted(picture(twin, LINES), SCALE);
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  };
  try {
    const shown = steps(twin);
    const samples = [];
    for (const share of [0, 0.5, 1]) samples.push(await pictured(shown[Math.round(share * (shown.length - 1))]));
    const [{ width, height }] = samples;
    const animation = new Animation(width, height, new Palette(samples), DELAY);
    for (const [k, step] of shown.entries()) {
      await animation.add(await pictured(step));
      tell((k + 1) / shown.length);
    }
    return animation.blob();
  } finally {
    twin.remove();
    holder.remove();
  }
}
