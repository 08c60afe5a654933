// L0: the network unrolled. An overview of all steps, units × time, and a lens of a few cells around the chosen one.

import { clamp, css, html, isLight, scale, set, svg, write } from "./drawing.js";
import { carries, carriesOriginal } from "./numbers.js";
import { allPinned, beside, Ghost } from "./surgery.js";
import { text } from "./written.js";

const LENS = 9, WIDTH = 124, HEIGHT = 176; // cells at most; pixels of one
const FLOOR = -12; // log10 of a gradient that is drawn as nothing
const LEFT = 24; // room for the wire that enters the first cell
const TRAVEL = 250; // ms from cell to cell
const ANSWER = 22; // room for what a form says, above h
const TOP = 34, BOX = { x: 22, y: 58, width: 60, height: 52 };

export class Strip {
  constructor(parent, stage) {
    this.stage = stage;
    this.node = html("div", { class: "strip" }, parent);
    this.overview = html("div", { class: "overview", tabindex: "-1" }, this.node);
    this.canvas = html("canvas", { "aria-hidden": "true" }, this.overview);
    this.marks = svg("svg", { class: "marks", preserveAspectRatio: "none", "aria-hidden": "true" }, this.overview);
    this.curve = svg("polyline", { class: "norm", "vector-effect": "non-scaling-stroke" }, this.marks);
    this.border = svg("path", { class: "border", "vector-effect": "non-scaling-stroke" }, this.marks); // of two networks
    this.glass = svg("rect", { class: "glass", "vector-effect": "non-scaling-stroke", y: 0.5 }, this.marks);
    this.now = svg("rect", { class: "now", y: 0 }, this.marks);
    this.legend = html("p", { class: "legend" }, this.node);
    this.lens = svg("svg", { class: "lens", role: "img", preserveAspectRatio: "xMidYMin meet" }, this.node);
    this.cells = [];
    this.ghost = new Ghost(this);
    this.listen();
  }

  listen() {
    const to = (event) => {
      const { left, width } = this.overview.getBoundingClientRect();
      this.stage.go({ step: Math.floor(((event.clientX - left) / width) * this.stage.run.T) });
    };
    this.overview.addEventListener("pointerdown", (event) => {
      this.overview.setPointerCapture(event.pointerId);
      to(event);
    });
    this.overview.addEventListener("pointermove", (event) => this.overview.hasPointerCapture(event.pointerId) && to(event));
    this.lens.addEventListener("click", ({ target }) => {
      const cell = target.closest("[data-step]");
      if (cell) this.stage.go({ step: Number(cell.dataset.step) });
    });
  }

  // A new run, new colours or another width: everything that a step does not change.
  build() {
    const { run, palette } = this.stage;
    this.signed = scale(palette.signed);
    this.violet = scale(palette.gradient);
    this.states = run.states.includes("c") ? ["h", "c"] : ["h"];
    const fits = clamp(Math.floor(this.node.clientWidth / WIDTH), 3, LENS);
    this.count = Math.min(run.T, fits % 2 ? fits : fits - 1);
    const above = run.form ? ANSWER : 0;
    set(this.lens, { viewBox: `${-LEFT} ${-above} ${this.count * WIDTH + 40 + LEFT} ${HEIGHT + above}`, "aria-label": this.stage.say("strip") });
    this.lens.style.maxWidth = `${(this.count * WIDTH + 40 + LEFT) * 1.5}px`;
    set(this.marks, { viewBox: `0 0 ${run.T} 100` });
    set(this.border, { d: run.second ? `M${run.second.from} 0V100` : "" });
    this.lens.replaceChildren(...this.arrowHeads());
    this.middle = Math.floor((this.count - 1) / 2); // where all cells slide together
    this.cells = Array.from({ length: this.count }, () => this.cell());
    this.entering = this.wires(svg("g", { class: "entering", transform: `translate(${20 - WIDTH} 0)` }, this.lens));
    this.particle = svg("circle", { class: "particle", r: 7 }, this.lens);
    this.loop = svg("path", { class: "loop wire h", d: this.loopPath(), "marker-end": "url(#head-h)" }, this.lens);
    this.paintOverview();
  }

  arrowHeads() {
    return ["x", "h", "c", "gradient"].map((name) => {
      const head = svg("marker", { id: `head-${name}`, class: `head ${name}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" });
      svg("path", { d: "M0 0L8 4L0 8Z" }, head);
      return head;
    });
  }

  cell() {
    const group = svg("g", { class: "step" }, this.lens);
    const middle = BOX.x + BOX.width / 2;
    const parts = { group };
    parts.box = svg("rect", { class: "box", rx: 8, ...BOX }, group);
    parts.name = svg("text", { class: "name", x: middle, y: 80 }, group);
    parts.t = svg("text", { class: "t", x: middle, y: 98 }, group);
    parts.feed = svg("path", { class: "wire x", d: `M${middle} 136V114`, "marker-end": "url(#head-x)" }, group);
    parts.x = svg("text", { class: "number x", x: middle, y: 150, "data-unit": 0, ...carries(["name", "x"]) }, group);
    parts.label = svg("text", { class: "label", x: middle, y: 167 }, group);
    parts.says = svg("text", { class: "says", x: middle, y: -6 }, group);
    parts.crosses = svg("text", { class: "crosses", x: (BOX.x + BOX.width + WIDTH + BOX.x) / 2 - 2, y: 122 }, group, this.stage.say("crosses"));
    svg("path", { class: "wire h up", d: `M${middle} 58V22`, "marker-end": "url(#head-h)" }, group);
    const out = svg("text", { class: "number h", x: middle, y: 14 }, group), h = [["name", "h"], ["name", "dh"]];
    parts.out = svg("tspan", carries(...h), out);
    parts.former = svg("tspan", carriesOriginal(...h), out);
    parts.loss = svg("text", { class: "loss", x: middle + 22, y: 30 }, group, "L");
    return Object.assign(parts, this.wires(group));
  }

  // The states that leave a cell to the right.
  wires(group) {
    const from = BOX.x + BOX.width, to = WIDTH + BOX.x - 3;
    const wires = { group };
    for (const state of this.states) {
      const y = state === "c" ? TOP + 36 : 98;
      wires[state] = svg("path", { class: `wire ${state}`, d: `M${from} ${y}H${to}`, "marker-end": `url(#head-${state})` }, group);
      wires[`${state}_number`] = svg("text", { class: `number ${state}`, x: (from + to) / 2 - 2, y: y - 7, ...carries(["name", state], this.stage.run.handedBack[state]) }, group);
    }
    return wires;
  }

  loopPath() {
    const x = 20 + this.middle * WIDTH + BOX.x;
    return `M${x + BOX.width} 98C${x + BOX.width + 50} 98 ${x + BOX.width + 50} 132 ${x + 30} 132C${x - 50} 132 ${x - 50} 98 ${x - 3} 98`;
  }

  // All steps at once: the units' values, or how much of the gradient arrives.
  paintOverview() {
    const { run, cursor } = this.stage;
    Object.assign(this.canvas, { width: run.T, height: run.H });
    const image = new ImageData(run.T, run.H);
    const shown = cursor.back ? "dh" : cursor.shown;
    const limit = run.limits[shown] ?? 1;
    for (let t = 0; t < run.T; t++) {
      const values = run.at(shown, t);
      for (let unit = 0; unit < run.H; unit++) {
        const value = values[unit];
        const colour = cursor.back
          ? this.violet((Math.log10(Math.abs(value)) - FLOOR) / -FLOOR)
          : this.signed((value / limit + 1) / 2);
        const alpha = Number.isNaN(value) ? 0 : 255; // what is no number is a gap
        image.data.set([...colour, alpha], 4 * ((run.H - 1 - unit) * run.T + t));
      }
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    write(this.legend, this.stage.say(cursor.back ? "legend_back" : "legend", {
      name: cursor.back ? "δh" : shown === "c" ? "C" : "h", limit: limit < 1e4 ? limit : text(limit), floor: text(10 ** FLOOR),
    }) + this.ghost.paint(shown));
    set(this.curve, { points: cursor.back ? this.normCurve() : "" });
  }

  normCurve() {
    const { run } = this.stage;
    const points = [];
    for (let t = 0; t < run.T; t++) {
      const height = clamp(Math.log10(run.norm("dh", t)), FLOOR, 2);
      if (Number.isNaN(height)) continue;
      points.push(`${t + 0.5},${95 - (90 * (height - FLOOR)) / (2 - FLOOR)}`);
    }
    return points.join(" ");
  }

  draw() {
    const { run, cursor } = this.stage;
    const first = clamp(cursor.step - this.middle, 0, run.T - this.count);
    const shownFirst = cursor.folded ? cursor.step - this.middle : first;
    set(this.glass, { x: first, width: this.count, height: 99 });
    set(this.now, { x: cursor.step, width: 1, height: 100 });
    this.node.classList.toggle("folded", cursor.folded);
    this.node.classList.toggle("back", cursor.back);
    set(this.entering.group, { "data-step": shownFirst - 1 });
    this.drawWires(this.entering, shownFirst - 1);
    for (let k = 0; k < this.count; k++) {
      const cell = this.cellOf(shownFirst + k);
      this.drawCell(cell, shownFirst + k);
      cell.group.style.transform = `translateX(${20 + (cursor.folded ? this.middle : k) * WIDTH}px)`;
    }
    if (this.before !== undefined && this.before !== cursor.step) this.send(this.before, cursor.step - shownFirst);
    this.before = cursor.step;
  }

  // A step keeps its cell while it is in the lens: from one step to the next all move and one is written anew.
  cellOf(step) {
    return this.cells[((step % this.count) + this.count) % this.count];
  }

  // A value travels into the chosen cell from the one before it, a gradient from the one after it; where the loss
  // sits, the gradient comes in from there. Where steps follow so fast that none would arrive, none sets out: an
  // animation would only make the next key wait for the screen's next frame.
  send(before, place) {
    const { run, cursor, calm } = this.stage, hurried = performance.now() - this.stepped < TRAVEL;
    this.stepped = performance.now();
    this.travelling?.cancel();
    if (hurried) return;
    if (calm || cursor.folded || cursor.step - before !== (cursor.back ? -1 : 1)) return;
    const x = 20 + place * WIDTH, from = BOX.x + BOX.width, enters = cursor.back && run.loss.includes(cursor.step + 1);
    const [start, end] = cursor.back ? [x + WIDTH + BOX.x, x + from] : [x - WIDTH + from, x + BOX.x];
    const middle = x + BOX.x + BOX.width / 2;
    const path = enters ? [[middle, 22], [middle, BOX.y]] : [[start, 98], [end, 98]];
    set(this.particle, { class: `particle ${cursor.back ? "gradient" : "h"}` });
    this.travelling = this.particle.animate(
      path.map(([left, top]) => ({ transform: `translate(${left}px, ${top}px)`, opacity: 1 })),
      { duration: TRAVEL, easing: "ease-out" },
    );
  }

  drawCell(cell, step) {
    const { run, cursor } = this.stage;
    const there = step >= 0 && step < run.T;
    const chosen = step === cursor.step;
    const state = [["chosen", chosen], ["beyond", !there], ["loses", there && run.loss.includes(step + 1)]];
    set(cell.group, { class: ["step", ...state.filter(([, holds]) => holds).map(([name]) => name)].join(" "), "data-step": step });
    if (!there) return;
    const h = run.at("h", step)[cursor.unit], delta = run.at("dh", step)[cursor.unit];
    const colour = cursor.back
      ? this.violet((Math.log10(run.norm("dh", step)) - FLOOR) / -FLOOR)
      : this.signed((h / (run.limits.h ?? 1) + 1) / 2);
    const known = !Number.isNaN(cursor.back ? run.norm("dh", step) : h);
    cell.box.style.fill = known ? css(colour) : "none";
    cell.box.classList.toggle("deep", known && isLight(colour) === this.stage.dark); // words on it take the colour of the page
    write(cell.t, cursor.folded ? "t" : `t = ${step + 1}`);
    const enters = run.form?.enters[step] ?? true;
    cell.feed.style.display = enters ? "" : "none";
    write(cell.x, run.form ? run.labels[step] : text(run.x[step][0]) + (run.D > 1 ? " …" : "")); // a word says more than its numbers
    write(cell.label, run.form ? "" : run.labels[step] ?? "");
    write(cell.name, run.form?.names[run.network(step) === run ? 0 : 1] ?? run.label);
    write(cell.says, run.form?.says[step] ?? "");
    cell.crosses.style.display = run.second?.from === step + 1 ? "" : "none";
    cell.box.classList.toggle("second", run.network(step) !== run);
    const before = (chosen || !cursor.back ? run.original : null)?.at(cursor.back ? "dh" : "h", step)[cursor.unit];
    write(cell.out, cursor.back ? `δ ${text(delta)}` : text(h));
    write(cell.former, beside(cursor.back ? delta : h, before));
    cell.box.classList.toggle("pinned", allPinned(run, step, cursor.unit).length > 0);
    this.drawWires(cell, step);
  }

  drawWires(wires, step) {
    const { run, cursor } = this.stage;
    for (const state of this.states) {
      const last = step >= run.T - 1;
      const away = step < -1 || step >= run.T;
      const value = away ? NaN
        : cursor.back ? (last ? 0 : run.number(run.handedBack[state], step, cursor.unit))
        : run.at(`${state}_prev`, Math.min(step + 1, run.T - 1))[cursor.unit];
      const shown = step === run.T - 1 && !cursor.back ? run.at(state, step)[cursor.unit] : value;
      const size = cursor.back ? clamp(1 + (Math.log10(Math.abs(shown)) - FLOOR) / 3, 0.5, 6) : 1.5 + 4 * Math.min(1, Math.abs(shown) / (run.limits[state] ?? 1));
      const ends = cursor.back ? { "marker-start": "url(#head-gradient)", "marker-end": "none" } : { "marker-end": `url(#head-${state})`, "marker-start": "none" };
      set(wires[state], { "stroke-width": Number.isFinite(size) ? size.toFixed(2) : 0.5, class: `wire ${cursor.back ? "gradient" : state}`, ...ends });
      write(wires[`${state}_number`], away ? "" : text(shown));
    }
  }
}
