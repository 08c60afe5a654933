// "Prove it": the number that is open, by PyTorch, and a gradient by a difference quotient too. A tick only where it was
// computed and agrees; an answer that comes after the cursor has moved on is not shown.

import { html } from "./drawing.js";

const place = ({ quantity, step, unit }) => `${quantity} ${step + 1} ${unit + 1}`;
const SIGNS = { agrees: "✓", differs: "✗", blind: "–", absent: "–" };

// What stands below the panel's numbers.
export function proof(stage) {
  const { cursor, about } = stage;
  if (cursor.level < 2 || about.alone) return []; // a replay has nobody to ask
  const box = html("div", { class: "proof", role: "group", "aria-label": stage.say("prove") });
  const answer = about.proof && `${about.proof.quantity} ${about.proof.step} ${about.proof.unit}` === place(cursor) ? about.proof : null;
  if (answer) box.append(table(stage, answer));
  else if (stage.asked === place(cursor)) html("p", { role: "status" }, box, stage.say("prove_waiting"));
  else {
    html("button", { type: "button", class: "prove", "data-prove": "" }, box, stage.say("prove"));
  }
  if (answer || stage.asked !== place(cursor)) stage.asked = null;
  return [box];
}

export function ask(stage) {
  const { step, unit, level, quantity, back } = stage.cursor;
  clearTimeout(stage.resting); // the question says where the cursor is
  stage.asked = place(stage.cursor);
  stage.tell("prove", { step: step + 1, unit: unit + 1, level, quantity, back });
  stage.draw();
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
