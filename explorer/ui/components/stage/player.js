// Play, pause, step, sub-step, scrub; forwards with the values, backwards with the gradient.

import { html, set, write } from "./drawing.js";
import { Saving } from "./saving.js";

const RATE = 1.5; // steps a second at speed 1; eight times that is as fast as a large area may change
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const ICONS = {
  first: "M4 3v10M13 3L6 8l7 5z", previous: "M11 3L4 8l7 5z", play: "M4 2l10 6-10 6z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M5 3l7 5-7 5z", last: "M12 3v10M3 3l7 5-7 5z", back_phase: "M10 4L6 8l4 4", on_phase: "M6 4l4 4-4 4",
  less: "M3 8h10", more: "M3 8h10M8 3v10",
};

export class Player {
  constructor(parent, stage) {
    this.stage = stage;
    this.node = html("div", { class: "player", role: "toolbar" }, parent);
    this.buttons = {};
    const row = html("div", { class: "row" }, this.node);
    for (const name of ["first", "previous", "play", "next", "last"]) this.button(name, row);
    this.scrub = html("input", { type: "range", class: "scrub", min: 0, step: 1 }, row);
    this.place = html("output", { class: "place" }, row);
    const more = html("div", { class: "row" }, this.node);
    for (const name of ["back_phase", "on_phase"]) this.button(name, more);
    this.phase = html("output", { class: "phase" }, more);
    this.speed = html("select", { class: "speed" }, more);
    for (const speed of SPEEDS) html("option", { value: speed }, this.speed, `${speed}×`);
    this.speed.value = 1;
    this.button("less", more);
    this.unit = html("output", { class: "unit" }, more);
    this.button("more", more);
    this.back = html("button", { type: "button", class: "worded" }, more);
    this.folded = html("button", { type: "button", class: "worded" }, more);
    this.shown = html("button", { type: "button", class: "worded" }, more);
    this.saving = new Saving(more, stage);
    this.listen();
  }

  button(name, parent) {
    const button = html("button", { type: "button", class: `icon ${name}` }, parent);
    this.buttons[name] = button;
    this.face(button, name);
  }

  face(button, name) {
    const line = ["back_phase", "on_phase", "less", "more"].includes(name);
    button.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true" class="${line ? "line" : ""}"><path d="${ICONS[name]}"/></svg>`;
  }

  listen() {
    const acts = {
      first: () => this.stage.go({ step: 0 }),
      last: () => this.stage.go({ step: this.stage.run.T - 1 }),
      previous: () => this.advance("step", -1),
      next: () => this.advance("step", 1),
      play: () => this.toggle(),
      back_phase: () => this.advance("phase", -1),
      on_phase: () => this.advance("phase", 1),
      less: () => this.stage.go({ unit: this.stage.cursor.unit - 1 }),
      more: () => this.stage.go({ unit: this.stage.cursor.unit + 1 }),
    };
    for (const [name, act] of Object.entries(acts)) this.buttons[name].addEventListener("click", act);
    this.scrub.addEventListener("input", () => this.stage.go({ step: Number(this.scrub.value) }));
    this.back.addEventListener("click", () => this.turn());
    this.folded.addEventListener("click", () => this.fold());
    this.shown.addEventListener("click", () => this.stage.go({ shown: this.stage.cursor.shown === "h" ? "c" : "h" }));
    this.speed.addEventListener("change", () => this.playing && this.play());
  }

  build() {
    const { stage } = this;
    this.node.setAttribute("aria-label", stage.say("player"));
    for (const [name, button] of Object.entries(this.buttons)) this.label(button, name);
    this.scrub.setAttribute("aria-label", stage.say("scrub"));
    this.speed.setAttribute("aria-label", stage.say("speed"));
    this.scrub.max = stage.run.T - 1;
    this.shown.hidden = !stage.run.states.includes("c");
    for (const name of ["less", "more"]) this.buttons[name].hidden = stage.run.H === 1;
    this.saving.build();
  }

  label(button, name) {
    const words = this.stage.say(`player_${name}`);
    set(button, { "aria-label": words, title: words });
  }

  draw() {
    const { cursor, run } = this.stage;
    this.scrub.value = cursor.step;
    this.scrub.setAttribute("aria-valuetext", `t = ${cursor.step + 1}`);
    write(this.place, this.stage.say("place", { t: cursor.step + 1, T: run.T }));
    write(this.unit, this.stage.say("unit_of", { unit: cursor.unit + 1, H: run.H }));
    write(this.phase, this.stage.say("phase_of", { phase: cursor.phase === null ? "–" : cursor.phase + 1, count: run.parts(cursor.back).length }));
    write(this.back, this.stage.say(cursor.back ? "to_forward" : "to_back"));
    set(this.back, { "aria-pressed": cursor.back });
    write(this.folded, this.stage.say(cursor.folded ? "unfold" : "fold"));
    set(this.folded, { "aria-pressed": cursor.folded });
    write(this.shown, this.stage.say(cursor.shown === "h" ? "show_c" : "show_h"));
    this.shown.disabled = cursor.back;
  }

  // One step to the right or left, or one sub-step on (1) or back (−1), in the order in which the cell computes:
  // forwards in time with the values, backwards with the gradient. After the last sub-step comes the next step.
  advance(by, direction) {
    const { cursor, run } = this.stage;
    if (by === "step") return this.stage.go({ step: cursor.step + direction });
    const { length } = run.parts(cursor.back);
    const phase = (cursor.phase ?? (direction > 0 ? -1 : 0)) + direction;
    if (phase >= 0 && phase < length) return this.stage.go({ phase });
    const step = cursor.step + direction * (cursor.back ? -1 : 1);
    if (step >= 0 && step < run.T) this.stage.go({ step, phase: direction > 0 ? 0 : length - 1 });
  }

  get end() {
    return this.stage.cursor.back ? 0 : this.stage.run.T - 1;
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.stage.cursor.step === this.end) this.stage.go({ step: this.stage.cursor.back ? this.stage.run.T - 1 : 0 });
    this.play();
  }

  // With the sub-steps lit, it plays them one after the other.
  play() {
    clearInterval(this.playing);
    this.playing = setInterval(() => {
      const { cursor } = this.stage;
      const there = cursor.step === this.end && (cursor.phase === null || cursor.phase === this.stage.run.parts(cursor.back).length - 1);
      if (there) return this.pause();
      if (cursor.phase === null) this.advance("step", cursor.back ? -1 : 1);
      else this.advance("phase", 1);
    }, 1000 / (RATE * Number(this.speed.value)));
    this.face(this.buttons.play, "pause");
    this.label(this.buttons.play, "pause");
  }

  pause() {
    if (!this.playing) return;
    clearInterval(this.playing);
    this.playing = null;
    this.face(this.buttons.play, "play");
    this.label(this.buttons.play, "play");
    this.stage.rest();
  }

  // Backwards begins where the loss sits.
  turn() {
    const { cursor, run } = this.stage;
    this.pause();
    this.stage.strip.before = run.loss.at(-1); // so that δ is seen to enter
    this.stage.go(cursor.back ? { back: false, phase: null } : { back: true, phase: null, step: run.loss.at(-1) - 1 });
  }

  fold() {
    const { node } = this.stage.strip;
    node.classList.toggle("moving", !this.stage.calm);
    this.stage.go({ folded: !this.stage.cursor.folded });
    setTimeout(() => node.classList.remove("moving"), 320);
  }
}
