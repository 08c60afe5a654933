// One true sentence for what the stage shows, made from its numbers.

import { PASSED } from "./run.js";
import { aftermath } from "./surgery.js";
import { text } from "./written.js";

const percent = (share) => `${(100 * share).toFixed(0)} %`;

export function sentence(stage) {
  return plain(stage) + aftermath(stage);
}

function plain(stage) {
  const { run, cursor } = stage;
  const { step, unit } = cursor;
  const at = (name) => run.at(name, step)[unit];
  const values = { t: step + 1, unit: unit + 1, h: text(at("h")), before: text(at("h_prev")) };
  if (cursor.back) return back(stage, values);
  Object.assign(values, { candidate: stage.lettered(run.cell === "gru" ? "n" : "g") });
  if (run.cell === "lstm") {
    Object.assign(values, {
      keep: percent(at("f")), let: percent(at("i")), show: percent(at("o")), f: text(at("f")), i: text(at("i")), o: text(at("o")),
      g: text(at("g")), before: text(at("c_prev")), add: text(at("i") * at("g")), after: text(at("c")),
    });
  } else if (run.cell === "gru") {
    const keep = run.zKeeps ? at("z") : 1 - at("z");
    Object.assign(values, { keep: percent(keep), take: percent(1 - keep), n: text(at("n")), look: percent(at("r")), r: text(at("r")), z: text(at("z")) });
  }
  const phase = cursor.phase === null ? "" : `_${run.phases[cursor.phase][0]}`;
  return [stage.say(`sentence_${run.cell}${phase}`, values), comparison(stage, values), passing(stage)].filter(Boolean).join(" ");
}

// In one of the four forms: what goes in and comes out.
function passing({ run, cursor, say }) {
  if (!run.form) return "";
  const [enters, says] = [run.labels, run.form.says].map((found) => found[cursor.step] || say("nothing"));
  return say("sentence_form", { enters, says });
}

// What another convention has done to h: nothing, or something.
function comparison({ run, compared, cursor, say }, values) {
  if (!compared) return "";
  const before = text(compared.h[cursor.step][cursor.unit]);
  return say(compared.same ? "z_relabelled" : "h_moved", { before, h: values.h });
}

// One sub-step of the chain rule.
function part(stage, gradients, values) {
  const { run, cursor, say } = stage, { step, unit } = cursor;
  if (gradients[0] === PASSED) {
    return say("sentence_part_passed", { ...values, passed: text(run.through("h", step)[unit]), before: step });
  }
  const [first] = gradients, at = (name) => text(run.at(name, step)[unit]);
  if (first === "dh") {
    const direct = run.direct[step][unit], later = run.at("dh", step)[unit] - direct;
    return say(direct ? "sentence_part_enters" : "sentence_part_dh", { ...values, dh: at("dh"), direct: text(direct), later: text(later) });
  }
  const found = gradients.map((name) => `${stage.titled(name)} ${at(name)}`).join(", ");
  return say("sentence_part", { ...values, found });
}

function back(stage, values) {
  const { run, cursor } = stage;
  const { step } = cursor;
  const last = run.loss.at(-1) - 1;
  if (cursor.phase !== null && step <= last) return part(stage, run.parts(true)[cursor.phase], values);
  const here = run.norm("dh", step);
  const grown = run.weightGradient(step);
  Object.assign(values, { norm: text(here), term: text(grown.term), sum: text(grown.sum) });
  if (step > last) return stage.say("sentence_back_after", values);
  if (step === last) return stage.say("sentence_back_loss", values);
  return stage.say("sentence_back", { ...values, ratio: text(here / run.norm("dh", step + 1)), steps: last - step, start: text(run.norm("dh", last)) });
}
