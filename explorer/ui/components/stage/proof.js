// "Prove it": the number that is open, where it comes from, and the same by PyTorch; a gradient by a difference quotient
// too. A tick only where it was computed and agrees; an answer to another question is not shown.

import { become, html, set } from "./drawing.js";
import { given, spelled } from "./numbers.js";
import { note } from "./surgery.js";
import { ofAll } from "./run.js";
import { bare, inNumbers, inSymbols } from "./written.js";

const SIGNS = { agrees: "✓", differs: "✗", blind: "–", absent: "–" };
const FEW = 8; // products of a sum that are written in one line

// What stands above the panel's formulas.
export function proof(stage, box) {
  const { cursor } = stage;
  box.setAttribute("aria-label", stage.say("prove"));
  box.classList.toggle("open", Boolean(cursor.number));
  const { step, unit, original } = cursor.number ?? {}; // of the numbers in it, too
  for (const [name, value] of Object.entries({ step, unit, original: original ? "" : undefined })) {
    if (value === undefined) delete box.dataset[name];
    else box.dataset[name] = value;
  }
  const waited = box.querySelector("[role=status] > p");
  become(box, cursor.number ? opened(stage, cursor.number) : offered(stage));
  if (waited && box.querySelector("dl")) box.scrollIntoView({ block: "nearest" }); // it has grown by the answer
}

export const asked = ({ node, step, unit, original = false }) => ({ formula: spelled(node), step: step + 1, unit: unit + 1, original });

function offered(stage) {
  const alone = stage.about.alone; // a replay has nobody to ask
  const button = () => html("button", { type: "button", class: "prove", "data-prove": "" }, null, stage.say("prove"));
  const hint = html("span", { class: "hint" }, null, stage.say(alone ? "number_hint_alone" : "number_hint"));
  return stage.cursor.level > 1 && !alone ? [button(), hint] : [hint];
}

function opened(stage, number) {
  const { about } = stage, run = number.original ? stage.run.original : stage.run;
  const question = asked(number), key = given(number, run);
  const where = stage.say(number.original ? "number_place_original" : "number_place", { t: question.step, unit: whose(stage, number) });
  const from = html("div", { class: "origin" });
  from.innerHTML = origin(stage, run, number, key);
  if (number.node[0] === "norm" && run.H > FEW) set(from, { class: "origin scroll", tabindex: 0, role: "group", "aria-label": where });
  const parts = [html("p", { class: "where" }, null, where), from];
  if (key) return [...parts, html("p", {}, null, stage.say(key))];
  if (about.alone) return parts;
  const answer = about.proof;
  const fits = answer && Object.entries(question).every(([name, value]) => answer[name] === value);
  const status = html("div", { role: "status" });
  status.append(fits ? table(stage, answer) : html("p", {}, null, stage.say("prove_waiting")));
  return [...parts, status];
}

// The unit, or the input, that a number is of; or all units.
function whose(stage, { node, step, unit }) {
  if (ofAll(node)) return stage.say("all_units");
  return node[0] === "name" && node[1] === "x" ? stage.channel(unit, step) : stage.say("unit_k", { k: unit + 1 });
}

// Where a number comes from: its formula in symbols and in numbers, each of which can be opened in its turn.
function origin(stage, run, { node, step, unit }, key) {
  const { letters } = stage;
  const quantity = node[0] === "name" && !key ? node[1].replace(/^a_/, "") : null;
  const formula = quantity && run.formula(quantity), inside = formula && node[1] !== quantity;
  if (formula && !inside && run.pinned(quantity, step, unit)) return note(stage, quantity, formula, step, unit);
  const tree = formula ? (inside ? formula[2] : formula) : apart(run, node);
  const symbols = formula ? inSymbols(node[1], tree, letters) : bare(node[0] === "pick" ? tree : node, letters, unit);
  return symbols + inNumbers(node, tree, run, step, unit);
}

// A sum as its products, if they are few; a product as its two factors; a norm as the root of its squares.
function apart(run, node) {
  const [kind, inner, k] = node, added = (parts) => parts.reduce((sum, part) => ["+", sum, part]);
  if (kind === "norm") return ["call", "root", added(run.normed(node).map((part) => ["square", part]))];
  const factors = ([, matrix, vector], place) => ["*", ["pick", matrix, place, vector], ["at", vector, place]];
  if (kind === "pick" && inner[0] === "@") return factors(inner, k);
  const count = kind === "@" ? run.width(node) : 0;
  if (!count || count > FEW) return node;
  return added(Array.from({ length: count }, (_, place) => factors(node, place)));
}

function table(stage, { value, checks }) {
  const list = html("dl", {});
  row(list, stage.say("proof_engine"), value, "", "");
  for (const [name, check] of Object.entries(checks)) {
    const label = stage.say(name === "torch" ? (check.verdict === "absent" ? "proof_torch" : `proof_torch_${check.how}`) : "proof_difference");
    const apart = check.value === undefined ? "" : stage.say("proof_apart", check);
    row(list, label, check.value ?? "", `${apart} ${stage.say(`proof_${check.verdict}_${name}`)}`.trim(), check.verdict);
  }
  return list;
}

function row(list, label, value, words, verdict) {
  html("dt", {}, list, label);
  const found = html("dd", { class: verdict }, list);
  if (value) html("span", { class: "digits" }, found, value);
  if (verdict) html("span", { class: "verdict", "aria-hidden": "true" }, found, SIGNS[verdict]);
  if (words) html("span", { class: "apart" }, found, words);
}
