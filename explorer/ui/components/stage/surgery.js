// A run that was operated on: what is pinned says so wherever it stands, and the original goes along as a ghost.

import { html, svg } from "./drawing.js";
import { carried, carriesOriginal } from "./numbers.js";
import { names } from "./run.js";
import { Spoken } from "./spoken.js";
import { inSymbols, numeral, text } from "./written.js";

const SAME = 5e-4; // shares of the larger number below which two numbers are written alike

// What is pinned at this step for this unit: [["f", 1], …].
export function allPinned(run, t, unit) {
  return Object.keys(run.held).filter((q) => run.pinned(q, t, unit)).map((q) => [q, run.held[q][t][unit]]);
}

// The number that stood here before the operation, in brackets; nothing where it is written alike.
export function former(stage, node) {
  const { run, cursor } = stage;
  if (!run.original) return "";
  const [now, before] = [run, run.original].map((one) => one.number(node, cursor.step, cursor.unit));
  return beside(now, before).trim();
}

export function beside(now, before) {
  if (before === undefined || Math.abs(now - before) <= SAME * Math.max(Math.abs(now), Math.abs(before)) || text(now) === text(before)) return "";
  return ` (${text(before)})`;
}

// The gradient on a wire into a pinned state is 0: nothing that flows in has an effect.
export function entering(part, { held }) {
  if (!part.back || (part.value[0] === "name" && part.back[0] === "name" && part.back[1] === `d${part.value[1]}`)) return part.back;
  const cut = (node) => (node[0] === "name" && /^d[ch]$/.test(node[1]) && node[1].slice(1) in held
    ? ["*", ["name", `free_${node[1].slice(1)}`], node]
    : node.map((piece) => (Array.isArray(piece) ? cut(piece) : piece)));
  return cut(part.back);
}

// A card of a pinned quantity: its formula, what that would give, and what it is.
export function pinnedCard(stage, quantity, node) {
  const { run, cursor } = stage;
  if (!run.pinned(quantity, cursor.step, cursor.unit)) return null;
  return `${inSymbols(quantity, node, stage.letters)}${note(stage, quantity, node)}`;
}

export function note(stage, quantity, node, step = stage.cursor.step, unit = stage.cursor.unit) {
  const { run } = stage, named = ["name", quantity], spoken = new Spoken();
  const value = run.number(named, step, unit), would = run.number(node, step, unit);
  return `<span class="pinned-value"><math><mrow>${stage.symbol(quantity)}<mo>≔</mo><mrow ${carried(named)}>${numeral(value)}</mrow></mrow></math></span>`
    + `<span class="pinned-note">${spoken.markup(stage.say("pinned_note", { would: spoken.number(would, node) }))}</span>`;
}

// What a formula of the chain rule means by 𝟙.
export function freeNote(stage, node) {
  return names(node).some((name) => name.startsWith("free_")) ? `<span class="pinned-note">${stage.say("free_note")}</span>` : "";
}

// What the sentence below the stage adds.
export function aftermath(stage, spoken) {
  const { run, cursor } = stage;
  const found = allPinned(run, cursor.step, cursor.unit).map(([q, value]) => `${stage.lettered(q)} = ${spoken.number(value, ["name", q])}`);
  const said = found.length ? ` ${stage.say(cursor.back ? "sentence_pinned_back" : "sentence_pinned", { list: found.join(", ") })}` : "";
  if (!run.original || cursor.back) return said;
  const before = run.original.at("h", cursor.step)[cursor.unit], now = run.at("h", cursor.step)[cursor.unit];
  if (!beside(now, before)) return said;
  return `${said} ${stage.say("sentence_ghost", { before: spoken.number(before, null, carriesOriginal(["name", "h"])) })}`;
}

// The original as a thin row below the overview, and the steps of the operation marked on it.
export class Ghost {
  constructor(strip) {
    this.strip = strip;
    this.row = html("canvas", { class: "ghost-row", "aria-hidden": "true", hidden: "" });
    strip.overview.after(this.row);
    this.steps = svg("g", { class: "operated" }, strip.marks);
  }

  paint(shown) {
    const { stage, signed, violet } = this.strip;
    const { run, cursor } = stage;
    this.row.hidden = !run.original;
    this.steps.replaceChildren();
    if (!run.original) return "";
    Object.assign(this.row, { width: run.T, height: run.H });
    const image = new ImageData(run.T, run.H), limit = run.limits[shown] ?? 1;
    for (let t = 0; t < run.T; t++) {
      const values = run.original.at(shown, t);
      for (let unit = 0; unit < run.H; unit++) {
        const colour = cursor.back ? violet((Math.log10(Math.abs(values[unit])) + 12) / 12) : signed((values[unit] / limit + 1) / 2);
        image.data.set([...colour, Number.isNaN(values[unit]) ? 0 : 255], 4 * ((run.H - 1 - unit) * run.T + t));
      }
    }
    this.row.getContext("2d").putImageData(image, 0, 0);
    for (const [first, last] of run.operated) svg("rect", { x: first - 1, width: last - first + 1, y: 0, height: 9 }, this.steps);
    return ` ${stage.say("legend_ghost")}`;
  }
}
