// The stage: one run, one cursor, four levels, and a player that needs no server.
// Streamlit calls the default function again with new data and the same element: build once, then change what changed.

import { aligned, unpack } from "./packing.js";
import { isDark, living } from "./page.js";
import { tab } from "./tab.js";
import { Circuit } from "./circuit.js";
import { become, clamp, html, write } from "./drawing.js";
import { given, home, shownBy } from "./numbers.js";
import { Opening } from "./opening.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { asked } from "./proof.js";
import { Run } from "./run.js";
import { sentence } from "./sentence.js";
import { Strip } from "./strip.js";
import { filled, lettered, symbol } from "./written.js";

const CURSOR = "explorer:cursor"; // a step or unit chosen anywhere on the page
const REST = 500; // ms without a change, after which the URL is told
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const KEYS = {
  ArrowRight: (stage, shift) => stage.player.advance(shift ? "phase" : "step", 1),
  ArrowLeft: (stage, shift) => stage.player.advance(shift ? "phase" : "step", -1),
  PageDown: (stage) => stage.player.advance("phase", 1),
  PageUp: (stage) => stage.player.advance("phase", -1),
  ArrowUp: (stage) => stage.go({ unit: stage.cursor.unit + 1 }),
  ArrowDown: (stage) => stage.go({ unit: stage.cursor.unit - 1 }),
  Home: (stage) => stage.go({ step: 0 }),
  End: (stage) => stage.go({ step: stage.run.T - 1 }),
  " ": (stage) => stage.player.toggle(),
  Escape: (stage) => stage.up(),
};

export class Stage {
  // alive: whether it listens to the hand
  constructor(parent, alive = true) {
    this.host = parent.querySelector(".stage");
    this.host.replaceChildren();
    this.host.stage = this; // for whoever looks from outside
    this.strip = new Strip(this.host, this);
    this.player = new Player(this.host, this);
    this.sentence = html("p", { class: "sentence" }, this.host);
    this.crumbs = html("nav", { class: "crumbs" }, this.host);
    const below = html("div", { class: "below" }, this.host);
    this.circuit = new Circuit(below, this);
    this.panel = new Panel(below, this);
    this.aloud = html("p", { class: "aloud", role: "status" }, this.host);
    this.opening = new Opening(this);
    this.abort = new AbortController();
    this.source = import.meta.url;
    if (alive) this.listen();
  }

  listen() {
    const signal = { signal: this.abort.signal };
    document.addEventListener("keydown", (event) => this.key(event), signal);
    this.host.addEventListener("keydown", (event) => this.opening.press(event), { ...signal, capture: true });
    document.addEventListener(CURSOR, ({ detail }) => this.follow(detail), signal);
    this.host.addEventListener("click", (event) => this.press(event), { ...signal, capture: true });
    this.host.addEventListener("pointerover", ({ target }) => this.light(target), signal);
    this.host.addEventListener("focusin", ({ target }) => this.light(target), signal);
    this.crumbs.addEventListener("click", ({ target }) => target.dataset.level && this.go({ level: Number(target.dataset.level) }), signal);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.host);
  }

  // ---- what is shown ----

  show(data, tell) {
    const { about, run } = unpack(aligned(data));
    this.present(about, run, tell);
  }

  // about: everything but the run; run: its packed bytes
  present(about, run, tell) {
    const fresh = about.run !== this.about?.run; // another network or input
    const stays = this.about && tab.keeps; // the hand has gone on while the server was away
    const moved = about.cursor !== this.about?.cursor && !stays; // by something else than the hand on this stage
    const closed = fresh || moved ? { number: null } : {};
    const spoken = ["language", "names"].some((name) => JSON.stringify(about[name]) !== JSON.stringify(this.about?.[name]));
    Object.assign(this, { about, words: about.words, packed: run, tell });
    if (fresh) this.take(new Run(unpack(run)));
    this.cursor = this.bounded({ ...START, ...this.cursor, ...(moved ? this.wanted() : {}), ...closed });
    if (fresh || spoken || this.dark !== isDark(this.host)) this.build();
    this.draw();
  }

  // Another run; where only a convention changed, whether h is what it was.
  take(run) {
    const before = this.run;
    this.run = run;
    this.compared = before && run.differsByConvention(before) ? { same: run.sameStates(before) } : null;
  }

  wanted() {
    const { step, unit, level, quantity, back } = JSON.parse(this.about.cursor);
    return { step: step - 1, unit: unit - 1, level, quantity, back };
  }

  build() {
    this.dark = isDark(this.host);
    this.palette = this.about.palettes[this.dark ? 1 : 0];
    this.host.setAttribute("aria-label", this.say("stage", { cell: this.run.label }));
    for (const part of [this.strip, this.player, this.circuit, this.panel]) part.build();
  }

  resize() {
    const width = this.host.clientWidth;
    if (!this.run || !width || width === this.width) return;
    this.width = width;
    this.strip.build();
    this.draw();
  }

  draw() {
    for (const part of [this.strip, this.player, this.circuit, this.panel]) part.draw();
    this.host.dataset.level = this.cursor.level;
    this.drawCrumbs();
    become(this.sentence, sentence(this));
    this.lightAgain();
    this.host.dataset.drawn = String(Number(this.host.dataset.drawn ?? 0) + 1);
  }

  // ---- the one cursor ----

  bounded(cursor) {
    const { run } = this;
    const known = cursor.back ? run.chain : run.formulas;
    const quantity = cursor.quantity in known ? cursor.quantity : Object.keys(known)[0];
    return {
      ...cursor, quantity,
      phase: cursor.phase !== null && cursor.phase < run.parts(cursor.back).length ? cursor.phase : null,
      shown: run.states.includes(cursor.shown) ? cursor.shown : "h",
      step: clamp(cursor.step, 0, run.T - 1),
      unit: clamp(cursor.unit, 0, run.H - 1),
      level: clamp(cursor.level, 1, 3),
    };
  }

  // Change the cursor and draw at once; the page and the URL hear of it. Whoever goes on closes the number.
  go(change) {
    const before = this.cursor, stays = Object.keys(change).every((name) => LOOKS.includes(name));
    this.cursor = this.bounded({ ...before, number: stays ? before.number : null, ...change });
    const opens = this.opening.between(before, this.cursor);
    if (["back", "shown"].some((name) => this.cursor[name] !== before[name])) this.strip.paintOverview();
    this.draw();
    if (opens) requestAnimationFrame(opens);
    const { step, unit } = this.cursor;
    if (step !== before.step || unit !== before.unit) {
      this.announcing = true;
      document.dispatchEvent(new CustomEvent(CURSOR, { detail: { step: step + 1, unit: unit + 1, chosen: true } }));
      this.announcing = false;
    }
    if (!this.player.playing) this.rest();
  }

  follow({ step, unit, chosen }) {
    if (!this.announcing && chosen && step) this.go({ step: step - 1, ...(unit ? { unit: unit - 1 } : {}) });
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      write(this.aloud, this.sentence.textContent);
      this.tell("rest", this.place);
    }, REST);
  }

  // The cursor as the page and the URL know it.
  get place() {
    const { step, unit, level, quantity, back } = this.cursor;
    return { step: step + 1, unit: unit + 1, level, quantity, back };
  }

  // Open a number where its formula is taken apart, and ask for its proof.
  openNumber(number, part = null) {
    const { step, unit } = number, { back } = this.cursor;
    const to = home(number, this.run, back) ?? (part && !given(number, this.run) && this.found(part));
    this.player.pause();
    this.go({ ...(to ? { ...to, step, unit } : {}), number });
    this.panel.proof.scrollIntoView({ block: "nearest" });
    if (this.about.alone || given(number, this.run)) return;
    clearTimeout(this.resting); // the question says where the cursor is
    this.tell("prove", { cursor: this.place, number: asked(number) });
  }

  // A number that is pressed is opened; what it stands in hears nothing of it.
  press(event) {
    this.opening.press(event);
    const number = shownBy(event.target, this);
    if (!number) return;
    event.stopPropagation();
    this.openNumber(number, event.target.closest("[data-q]")?.dataset.q);
  }

  open(quantity, term = null) {
    const found = this.found(quantity);
    if (found) this.go({ ...found, term, level: term === null ? 2 : 3 });
  }

  // Where a gate or state is taken apart.
  found(quantity) {
    const known = this.cursor.back ? this.run.chain : this.run.formulas;
    const other = this.cursor.back ? [`da_${quantity}`, `d${quantity}`] : [quantity];
    const found = [quantity, ...other].find((name) => name in known);
    return found ? { quantity: found, term: null, level: 2 } : null;
  }

  up() {
    if (this.cursor.phase !== null) this.go({ phase: null });
    else this.go({ level: this.cursor.level - 1 });
  }

  sameQuantity(q) {
    return q !== null && this.nameOf(this.cursor.quantity).replace(/^d/, "") === (this.run.cell === "rnn" ? "h" : q);
  }

  // The gate or state behind a name: da_f -> df, f -> f.
  nameOf(quantity) {
    return quantity.replace(/^da_/, "d");
  }

  // What a gate, state or gradient is called.
  titled(quantity) {
    return this.say(`name.${quantity === "da_h" ? quantity : this.nameOf(quantity)}`);
  }

  // What an input of a step is called; in a stack it is a unit of the layer below.
  channel(k, step) {
    return this.run.stacked ? this.say("below_k", { k: k + 1 }) : this.run.network(step).channels[k] ?? `x[${k + 1}]`;
  }

  role(quantity) {
    return { z: "f", n: "g" }[quantity] ?? (this.run.cell === "rnn" && quantity === "h" ? "g" : quantity);
  }

  say = (key, values = {}) => filled(this.words[key] ?? `[${key}]`, values);

  // ---- names, as the chosen texts write them ----

  get letters() {
    return this.about.names.letters;
  }

  lettered(quantity) {
    return lettered(quantity, this.letters);
  }

  symbol(name) {
    return symbol(name, this.letters);
  }

  // Quantities with the gates among them in the order of the chosen texts; backwards, the last one first.
  listed(quantities) {
    const { order } = this.about.names;
    const gate = (quantity) => order.indexOf(quantity.replace(/^da_/, ""));
    const isGate = (quantity) => gate(quantity) >= 0 && (this.run.cell !== "rnn");
    const gates = quantities.filter(isGate).sort((a, b) => (gate(a) - gate(b)) * (this.cursor.back ? -1 : 1));
    return quantities.map((quantity) => (isGate(quantity) ? gates.shift() : quantity));
  }

  // ---- the hand ----

  key(event) {
    const act = KEYS[event.key];
    const inside = this.host.contains(event.target);
    const typing = event.target.matches("input, select, textarea, [contenteditable]") && !(inside && event.target.matches(".scrub"));
    const button = event.target.matches("button, [role=button], a") && (event.key === " " || event.key === "Enter");
    if (!act || event.ctrlKey || event.metaKey || event.altKey || typing || button) return;
    if (!inside && event.target !== document.body) return;
    if (event.target.matches(".scroll") && /Arrow(Up|Down)|Page|Home|End/.test(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    act(this, event.shiftKey);
  }

  // What is pointed at lights up everywhere: circuit, formulas, bars.
  light(target) {
    const found = target.closest?.("[data-q], [data-open]");
    this.lit = found ? this.nameOf(found.dataset.q ?? found.dataset.open).replace(/^d(?=.)/, "") : null;
    this.lightAgain();
  }

  lightAgain() {
    for (const node of this.host.querySelectorAll(".lit")) node.classList.remove("lit");
    if (!this.lit) return;
    for (const node of this.host.querySelectorAll("[data-q]")) {
      node.classList.toggle("lit", this.nameOf(node.dataset.q).replace(/^d(?=.)/, "") === this.lit);
    }
  }

  drawCrumbs() {
    const { cursor, run } = this;
    const names = [
      this.say("crumb_cell", { cell: run.label, t: cursor.step + 1 }),
      this.titled(cursor.quantity),
      this.say("crumb_sum"),
    ].slice(0, cursor.level);
    const said = names.join("›");
    if (said === this.crumbed) return;
    this.crumbed = said;
    this.crumbs.setAttribute("aria-label", this.say("crumbs"));
    this.crumbs.replaceChildren(...names.map((name, k) =>
      k + 1 < names.length
        ? html("button", { type: "button", "data-level": k + 1 }, null, name)
        : html("span", { "aria-current": "location" }, null, name)));
  }

  // Another stage of the same run in the same state, for drawing only.
  twin(parent) {
    const twin = new Stage(parent, false);
    const { about, words, run, compared, cursor } = this;
    Object.assign(twin, { about, words, run, compared, cursor: { ...cursor } });
    twin.build();
    return twin;
  }

  get calm() {
    return CALM.matches;
  }

  remove() {
    this.player.pause();
    this.player.saving.remove();
    clearTimeout(this.resting);
    this.abort.abort();
    this.watch?.disconnect();
  }
}

const START = { term: null, phase: null, folded: false, shown: "h", number: null };
const LOOKS = ["folded", "shown"]; // what changes nothing but the look

export default living(Stage);
