// One true sentence for what the stage shows, made from its numbers.

import { PASSED } from "./run.js";
import { Spoken } from "./spoken.js";
import { aftermath } from "./surgery.js";

// Its nodes: words, and numbers that can be opened.
export function sentence(stage) {
  const spoken = new Spoken();
  return spoken.nodes(plain(stage, spoken) + aftermath(stage, spoken));
}

function plain(stage, spoken) {
  const { run, cursor } = stage;
  const { step, unit } = cursor;
  const at = (name) => run.at(name, step)[unit];
  const told = (name) => spoken.number(at(name), ["name", name]);
  const share = (node) => spoken.share(run.number(node, step, unit), node);
  const values = { t: step + 1, unit: unit + 1, h: told("h"), before: told("h_prev") };
  if (cursor.back) return back(stage, values, spoken);
  Object.assign(values, { candidate: stage.lettered(run.cell === "gru" ? "n" : "g") });
  if (run.cell === "lstm") {
    Object.assign(values, {
      keep: share(["name", "f"]), let: share(["name", "i"]), show: share(["name", "o"]), f: told("f"), i: told("i"), o: told("o"),
      g: told("g"), before: told("c_prev"), add: spoken.number(at("i") * at("g"), ["*", ["name", "i"], ["name", "g"]]), after: told("c"),
    });
  } else if (run.cell === "gru") {
    const z = ["name", "z"], rest = ["-", ["number", 1], z];
    const [keep, take] = (run.zKeeps ? [z, rest] : [rest, z]).map(share);
    Object.assign(values, { keep, take, n: told("n"), look: share(["name", "r"]), r: told("r"), z: told("z") });
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
function comparison({ compared, say }, { h }) {
  return compared ? say(compared.same ? "z_relabelled" : "h_moved", { h }) : "";
}

// One sub-step of the chain rule.
function part(stage, gradients, values, spoken) {
  const { run, cursor, say } = stage, { step, unit } = cursor;
  if (gradients[0] === PASSED) {
    return say("sentence_part_passed", { ...values, passed: spoken.number(run.number(run.handedBack.h, step - 1, unit), run.handedBack.h, { "data-step": step - 1 }), before: step });
  }
  const [first] = gradients, at = (name) => spoken.number(run.at(name, step)[unit], ["name", name]);
  if (first === "dh") {
    const later = run.number(run.handedBack.h, step, unit);
    const shown = { ...values, dh: at("dh"), direct: at("dh_direct"), later: spoken.number(later, run.handedBack.h) };
    return say(run.direct[step][unit] ? "sentence_part_enters" : "sentence_part_dh", shown);
  }
  const found = gradients.map((name) => `${stage.titled(name)} ${at(name)}`).join(", ");
  return say("sentence_part", { ...values, found });
}

function back(stage, values, spoken) {
  const { run, cursor } = stage;
  const { step } = cursor;
  const last = run.loss.at(-1) - 1;
  if (cursor.phase !== null && step <= last) return part(stage, run.parts(true)[cursor.phase], values, spoken);
  const size = ["norm", ["name", "dh"]], sizeAfter = ["norm", ["name", "dh_next"]];
  const told = (node, t = step) => spoken.number(run.number(node, t, 0), node, { "data-step": t });
  Object.assign(values, { norm: told(size), term: told(run.added()), sum: told(["grown"]) });
  if (step > last) return stage.say("sentence_back_after", values);
  if (step === last) return stage.say("sentence_back_loss", values);
  return stage.say("sentence_back", { ...values, ratio: told(["/", size, sizeAfter]), steps: last - step, start: told(size, last) });
}
