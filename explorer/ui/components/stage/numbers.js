// Every number on the stage can be opened: it is the value of a formula, at a step, for a unit. An element that shows
// one carries the formula as `data-n`, `data-n-back` where the gradient takes its place, and the step (`data-step`) and
// unit (`data-unit`) where they are not the cursor's, itself or by what it stands in; `data-original` where it is of the
// run without the operation.

import { anatomy, ofAll, product } from "./run.js";

const name = (node) => (node[0] === "name" ? node[1] : null);
const json = JSON.stringify;

// The attributes of an element that shows the value of a formula; backwards that of another, or none.
export function carries(node, back = undefined) {
  return {
    ...(node ? { "data-n": json(node) } : {}),
    ...(node && ofAll(node) ? { "data-unit": 0 } : {}),
    ...(back === undefined ? {} : { "data-n-back": back ? json(back) : "" }),
  };
}

// The same as markup, for a unit of its own.
export function carried(node, unit = ofAll(node) ? 0 : null) {
  return `data-n='${json(node)}'${unit === null ? "" : ` data-unit="${unit}"`}`;
}

// The same number in the run without the operation, where nothing is held.
export function carriesOriginal(node, back = undefined) {
  return { ...carries(node, back && freed(back)), "data-original": "" };
}

function freed(node) {
  if (node[0] === "*" && node[1][0] === "name" && node[1][1].startsWith("free_")) return freed(node[2]);
  return node.map((part) => (Array.isArray(part) ? freed(part) : part));
}

// The number that an element shows, if it shows one: { node, step, unit, original }.
export function shownBy(element, { cursor }) {
  const found = element.closest?.("[data-n]");
  const said = found && (cursor.back ? found.dataset.nBack ?? found.dataset.n : found.dataset.n);
  if (!said || !found.textContent) return null;
  const place = (what) => Number(found.closest(`[data-${what}]`)?.dataset[what] ?? cursor[what]);
  return settled({ node: JSON.parse(said), step: place("step"), unit: place("unit"), original: Boolean(found.closest("[data-original]")) });
}

// A name of the step before or after is that quantity, there; so is its norm.
function settled(number) {
  const { node, step } = number, normed = node[0] === "norm" && node.length === 2;
  const [, quantity, when] = name(normed ? node[1] : node)?.match(/^(.*)_(prev|next)$/) ?? [];
  if (!quantity) return number;
  const there = ["name", quantity];
  return { ...number, node: normed ? ["norm", there] : there, step: step + (when === "prev" ? -1 : 1) };
}

// What nobody computed: the key of its words; null for a result of the run.
export function given({ node, step }, run) {
  if (node[0] === "pick" && node[1][0] !== "@") return "given_weight";
  const quantity = name(node) ?? "";
  if (quantity === "x" && !run.stacked) return "given_input";
  if (/^b_/.test(quantity)) return "given_weight";
  if (quantity === "dh_direct") return "given_loss";
  if (quantity.startsWith("free_")) return "free_note";
  if (quantity && step < 0) return "given_start";
  return quantity && step >= run.T ? "given_end" : null;
}

// The level at which a number is taken apart, in the direction in which the stage runs; null if there is none.
export function home({ node, step }, run, back) {
  const known = back ? run.chain : run.formulas;
  const quantity = name(node)?.replace(/^a_/, "");
  if (step < 0 || step >= run.T) return null;
  if (quantity) return quantity in known ? { quantity, level: 2, term: null } : null;
  const sum = node[0] === "pick" && node[1][0] === "@" ? node[1] : node;
  const wanted = anatomy(sum).terms.map((term) => json(term.node));
  for (const [found, formula] of Object.entries(known)) {
    const { terms } = anatomy(formula);
    const term = terms.findIndex((one) => json(product(one.node)) === json(sum));
    if (term >= 0) return { quantity: found, level: 3, term };
    if (wanted.every((one) => terms.some((term) => json(term.node) === one))) return { quantity: found, level: 2, term: null };
  }
  return null;
}

// A formula as the server reads it (explorer/equations.py).
export function spelled(node) {
  const [kind, a, b] = node;
  switch (kind) {
    case "name": case "number": return String(a);
    case "call": return `${a}(${spelled(b)})`;
    case "T": return `${spelled(a)}.T`;
    case "pick": return `${spelled(a)}[${b}]`;
    case "grown": return "norm(dW_hh)";
    case "norm": return `norm(${node.slice(1).map(spelled).join(", ")})`;
    default: return `(${spelled(a)} ${kind} ${spelled(b)})`;
  }
}
