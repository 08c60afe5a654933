// L1: one cell as a circuit. Every cell type is drawn on the same board, so that the eye finds what the GRU merged
// and what the RNN lacks; each wire carries the chosen unit's number, forwards its value, backwards its gradient.

import { clamp, html, set, svg, write } from "./drawing.js";
import { carries, carriesOriginal } from "./numbers.js";
import { PASSED } from "./run.js";
import { entering, former } from "./surgery.js";
import { text } from "./written.js";

const n = (name) => ["name", name];
const times = (...nodes) => nodes.map((node) => (typeof node === "string" ? n(node) : node)).reduce((a, b) => ["*", a, b]);
const tanh = (name) => ["call", "tanh", n(name)];
const rest = (node) => ["-", ["number", 1], node];

// x and y of the board's places: the conveyor on top, the gates in a row, the bus of x and h below.
const Y = { conveyor: 62, product: 158, show: 206, gate: 284, bus: 352 };
const X = { keep: 150, add: 300, input: 240, candidate: 360, output: 490, tanh: 600, end: 726 };
const SIZE = "0 0 760 404";

const gate = (q, squash, x, y = Y.gate) => ({ kind: "gate", q, squash, x, y });
const op = (q, sign, x, y) => ({ kind: "op", q, sign, x, y });
const wire = (q, role, d, value, back, x, y, anchor = "middle") => ({ kind: "wire", q, role, d, value, back, x, y, anchor });
const in_part = (gradient, part) => ({ ...part, gradient }); // the part of the chain rule in which it lights, where q does not say
const ghost = (d, key, x, y) => ({ kind: "ghost", d, key, x, y });
const bus = (to) => [
  in_part(PASSED, wire(null, "h", `M20 ${Y.bus}H${to}`, n("h_prev"), null, 24, Y.bus - 8, "start")),
  wire(null, "x", `M80 396V${Y.bus}`, n("x"), null, 90, 394, "start"),
];
const feed = (q, x) => wire(q, "x", `M${x} ${Y.bus}V${Y.gate + 24}`, n(`a_${q}`), n(`da_${q}`), x + 8, Y.gate + 46, "start");

// [forwards value, backwards gradient] of each wire, per unit.
const BOARDS = {
  lstm: () => [
    in_part(PASSED, wire("f", "c", `M20 ${Y.conveyor}H${X.keep - 16}`, n("c_prev"), times("dc", "f"), 24, Y.conveyor - 10, "start")),
    wire("c", "c", `M${X.keep + 16} ${Y.conveyor}H${X.add - 16}`, times("f", "c_prev"), n("dc"), (X.keep + X.add) / 2, Y.conveyor - 10),
    wire("c", "c", `M${X.add + 16} ${Y.conveyor}H${X.end}`, n("c"), n("dc"), X.end, Y.conveyor - 10, "end"),
    wire("f", "f", `M${X.keep} ${Y.gate - 24}V${Y.conveyor + 16}`, n("f"), times("dc", "c_prev"), X.keep + 8, 150, "start"),
    wire("i", "i", `M${X.input} ${Y.gate - 24}V${Y.product}H${X.add - 16}`, n("i"), times("dc", "g"), X.input - 8, 216, "end"),
    wire("g", "g", `M${X.candidate} ${Y.gate - 24}V${Y.product}H${X.add + 16}`, n("g"), times("dc", "i"), X.candidate + 8, 216, "start"),
    wire("c", "i", `M${X.add} ${Y.product - 16}V${Y.conveyor + 16}`, times("i", "g"), n("dc"), X.add + 8, 116, "start"),
    in_part("dc", wire("h", "c", `M${X.tanh} ${Y.conveyor}V${Y.show - 82}`, n("c"), times("dh", "o", rest(times(tanh("c"), tanh("c")))), X.tanh + 10, 101, "start")),
    in_part("dc", wire("h", "c", `M${X.tanh} ${Y.show - 46}V${Y.show - 16}`, tanh("c"), times("dh", "o"), X.tanh - 10, 173, "end")),
    wire("o", "o", `M${X.output} ${Y.gate - 24}V${Y.show}H${X.tanh - 16}`, n("o"), times("dh", tanh("c")), X.output + 8, 236, "start"),
    wire("h", "h", `M${X.tanh + 16} ${Y.show}H${X.end}`, n("h"), n("dh"), X.end, Y.show - 10, "end"),
    ...bus(X.output), feed("f", X.keep), feed("i", X.input), feed("g", X.candidate), feed("o", X.output),
    op("f", "×", X.keep, Y.conveyor), op("c", "+", X.add, Y.conveyor), op("c", "×", X.add, Y.product),
    op("h", "tanh", X.tanh, Y.show - 64), op("h", "×", X.tanh, Y.show),
    gate("f", "σ", X.keep), gate("i", "σ", X.input), gate("g", "tanh", X.candidate), gate("o", "σ", X.output),
  ],
  gru: ({ keeps }) => {
    const keep = keeps ? n("z") : rest(n("z")), take = keeps ? rest(n("z")) : n("z");
    return [
      in_part(PASSED, wire("h", "h", `M20 ${Y.conveyor}H${X.keep - 16}`, n("h_prev"), times("dh", keep), 24, Y.conveyor - 10, "start")),
      wire("h", "h", `M${X.keep + 16} ${Y.conveyor}H${X.add - 16}`, times(keep, "h_prev"), n("dh"), (X.keep + X.add) / 2, Y.conveyor - 10),
      wire("h", "h", `M${X.add + 16} ${Y.conveyor}H${X.end}`, n("h"), n("dh"), X.end, Y.conveyor - 10, "end"),
      wire("z", "f", `M${X.keep} ${Y.gate - 24}V${Y.conveyor + 16}`, keep, times("dh", "h_prev"), X.keep - 8, 190, "end"),
      wire("z", "i", `M${X.keep} 230H${X.input}V${Y.product}H${X.add - 16}`, take, times("dh", "n"), X.input + 8, 216, "start"),
      wire("n", "g", `M${X.candidate} ${Y.gate - 24}V${Y.product}H${X.add + 16}`, n("n"), times("dh", take), X.candidate + 8, 216, "start"),
      wire("h", "i", `M${X.add} ${Y.product - 16}V${Y.conveyor + 16}`, times(take, "n"), n("dh"), X.add + 8, 116, "start"),
      wire("r", "r", `M${X.output - 34} ${Y.gate}H${X.candidate + 34}`, n("r"), null, (X.output + X.candidate) / 2, Y.gate - 10),
      ...bus(X.output), feed("z", X.keep), feed("n", X.candidate), feed("r", X.output),
      op("h", "×", X.keep, Y.conveyor), op("h", "+", X.add, Y.conveyor), op("h", "×", X.add, Y.product),
      gate("z", "σ", X.keep), gate("n", "tanh", X.candidate), gate("r", "σ", X.output),
      ghost(`M${X.tanh} ${Y.conveyor + 4}V${Y.show}`, "no_output", X.tanh, Y.show + 20),
    ];
  },
  rnn: ({ squash }) => [
    ghost(`M20 ${Y.conveyor}H${X.end}`, "no_conveyor", 372, Y.conveyor - 12),
    ghost(`M${X.keep - 28} ${Y.gate - 22}h56v44h-56zM${X.keep} ${Y.gate - 24}V${Y.conveyor}`, "no_gate", X.keep, Y.gate + 5),
    ghost(`M${X.output - 28} ${Y.gate - 22}h56v44h-56z`, "no_gate", X.output, Y.gate + 5),
    in_part("dh", wire("h", "h", `M${X.candidate} ${Y.gate - 24}V${Y.show}H${X.end}`, n("h"), n("dh"), X.end, Y.show - 10, "end")),
    ...bus(X.candidate), feed("h", X.candidate), gate("h", squash, X.candidate),
  ],
};
const SIGN = { sigmoid: "σ", tanh: "tanh", relu: "ReLU" };

export class Circuit {
  constructor(parent, stage) {
    this.stage = stage;
    this.node = html("div", { class: "circuit" }, parent);
    this.picture = svg("svg", { viewBox: SIZE, role: "group" }, this.node);
    this.picture.addEventListener("click", ({ target }) => this.choose(target));
    this.picture.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.choose(event.target);
    });
  }

  choose(target) {
    const part = target.closest("[data-q]");
    if (part) this.stage.open(part.dataset.q);
  }

  build() {
    const { run } = this.stage;
    set(this.picture, { "aria-label": this.stage.say("circuit", { cell: run.label }) });
    const squash = SIGN[run.formulas.h[1]];
    this.parts = BOARDS[run.cell]({ keeps: run.zKeeps, squash }).map((part) => ({ ...part, back: entering(part, run) }));
    this.picture.replaceChildren();
    for (const part of this.parts) this[part.kind](part);
  }

  wire(part) {
    const group = svg("g", { class: `wire-group ${part.role}` }, this.picture);
    if (part.q) group.dataset.q = part.q;
    part.line = svg("path", { class: `wire ${part.role}`, d: part.d, "marker-end": `url(#head-${HEADS[part.role] ?? "x"})` }, group);
    part.name = svg("text", { class: `number ${part.role} before`, x: part.x, y: part.y - 18, "text-anchor": part.anchor, ...carries(part.value) }, group);
    part.number = svg("text", { class: `number ${part.role}`, x: part.x, y: part.y, "text-anchor": part.anchor, ...carries(part.value, part.back) }, group);
    if (part.value[1] === "x") part.number.dataset.unit = 0;
    const beneath = [Y.conveyor, Y.show, Y.bus].some((y) => [8, 10].includes(y - part.y)) ? 27 : 15; // the wire, or the number
    part.former = svg("text", { class: `number former ${part.role}`, x: part.x, y: part.y + beneath, "text-anchor": part.anchor, ...carriesOriginal(part.value, part.back) }, group);
    part.group = group;
  }

  gate({ q, squash, x, y }) {
    const part = this.parts.find((found) => found.kind === "gate" && found.q === q);
    part.group = svg("g", { class: `gate ${this.stage.role(q)}`, "data-q": q, tabindex: 0, role: "button" }, this.picture);
    svg("rect", { class: "back", x: x - 30, y: y - 24, width: 60, height: 48, rx: 8 }, part.group);
    part.fill = svg("rect", { class: "fill", x: x - 30, y: y - 24, width: 60, height: 48, rx: 8 }, part.group);
    svg("text", { class: "letter", x, y: y - 4 }, part.group, this.stage.lettered(q));
    svg("text", { class: "squash", x, y: y + 15 }, part.group, squash);
    set(part.group, { "aria-label": this.stage.say(`name.${this.stage.run.cell === "rnn" ? "h" : q}`) });
  }

  op(part) {
    const { q, sign, x, y } = part;
    part.group = svg("g", { class: "op", "data-q": q }, this.picture);
    if (sign === "tanh") svg("rect", { x: x - 30, y: y - 17, width: 60, height: 34, rx: 17 }, part.group);
    else svg("circle", { cx: x, cy: y, r: 16 }, part.group);
    svg("text", { x, y: y + 6, class: sign === "tanh" ? "squash" : "sign" }, part.group, sign);
  }

  ghost({ d, key, x, y }) {
    const group = svg("g", { class: "ghost" }, this.picture);
    svg("path", { d }, group);
    svg("text", { x, y }, group, this.stage.say(key));
  }

  draw() {
    const { run, cursor } = this.stage;
    const phase = cursor.phase === null ? null : run.parts(cursor.back)[cursor.phase];
    for (const part of this.parts) {
      if (!part.group) continue;
      const now = phase?.includes(cursor.back ? this.gradient(part) : part.q);
      part.group.classList.toggle("dim", now === false);
      part.group.classList.toggle("now", now === true);
      part.group.classList.toggle("chosen", cursor.level > 1 && this.stage.sameQuantity(part.q));
      if (part.kind === "wire") this.drawWire(part);
      if (part.kind === "gate") {
        part.fill.style.fillOpacity = this.openness(part.q);
        part.group.classList.toggle("pinned", run.pinned(part.q, cursor.step, cursor.unit));
      }
    }
  }

  // The gradient that a part of the circuit speaks of.
  gradient({ gradient, q }) {
    return gradient ?? (q === null ? null : this.stage.run.gates.includes(q) ? `da_${q}` : `d${q}`);
  }

  openness(q) {
    const { run, cursor } = this.stage;
    const value = Math.abs(run.at(q, cursor.step)[cursor.unit]) / (run.limits[q] ?? 1);
    return clamp(Number.isNaN(value) ? 0 : value, 0, 1).toFixed(3);
  }

  drawWire(part) {
    const { run, cursor } = this.stage;
    const node = cursor.back ? part.back : part.value;
    const silent = node === null;
    const value = silent ? 0 : part.value[1] === "x" ? run.x[cursor.step][0] : run.number(node, cursor.step, cursor.unit);
    const size = cursor.back ? clamp(7 + Math.log10(Math.abs(value)) / 2, 0.75, 7) : 1.5 + 5 * Math.min(1, Math.abs(value) / (run.limits[part.role] ?? 1));
    const head = cursor.back && !silent ? "gradient" : HEADS[part.role] ?? "x";
    set(part.line, {
      "stroke-width": silent || !Number.isFinite(size) ? 0.75 : size.toFixed(2),
      class: `wire ${cursor.back && !silent ? "gradient" : part.role}`,
      "marker-end": cursor.back && !silent ? "none" : `url(#head-${head})`,
      "marker-start": cursor.back && !silent ? "url(#head-gradient)" : "none",
    });
    write(part.name, cursor.back ? "" : BEFORE[part.value[1]] ?? "");
    set(part.number, { class: `number ${cursor.back ? "gradient" : part.role}` });
    write(part.number, silent ? "" : this.caption(part, value));
    set(part.former, { class: `number former ${cursor.back ? "gradient" : part.role}` });
    write(part.former, silent || part.value[1] === "x" ? "" : former(this.stage, node));
  }

  caption(part, value) {
    const { run, cursor } = this.stage;
    if (cursor.back) return text(value);
    const sign = part.value[0] === "name" && run.pinned(part.value[1], cursor.step, cursor.unit) ? "≔ " : "";
    const named = NAMED.get(JSON.stringify(part.value));
    const name = named ? `${named} ${sign || "= "}` : sign;
    return name + text(value) + (part.value[1] === "x" && run.D > 1 ? " …" : "");
  }
}

const HEADS = { c: "c", h: "h", x: "x" };
const BEFORE = { c_prev: "C(t−1)", h_prev: "h(t−1)" };
const NAMED = new Map([["c", "C"], ["h", "h"], ["x", "x"]].map(([name, shown]) => [JSON.stringify(n(name)), shown]));
