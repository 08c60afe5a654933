// L1 to L3 in words and numbers: the cell's formulas, one of them taken apart, one of its sums in full.

import { become, clamp, fill, html, svg } from "./drawing.js";
import { carries } from "./numbers.js";
import { proof } from "./proof.js";
import { anatomy, factors, FUNCTIONS, names, origin, product, SLOPES } from "./run.js";
import { Spoken } from "./spoken.js";
import { freeNote, note, pinnedCard } from "./surgery.js";
import { bare, formula, inLetters, inNumbers, inSymbols, text } from "./written.js";

const CURVE = { width: 260, height: 120, reach: 6 };

export class Panel {
  constructor(parent, stage) {
    this.stage = stage;
    this.node = html("section", { class: "panel" }, parent);
    this.proof = html("div", { class: "proof", role: "group" }, this.node);
    this.parts = html("div", { class: "parts" }, this.node);
    this.node.addEventListener("keydown", (event) => this.walk(event));
    this.node.addEventListener("click", ({ target }) => {
      if (target.closest("[data-prove]")) this.stage.openNumber(this.opened());
      const to = target.closest("[data-open]");
      if (to) this.stage.open(to.dataset.open, to.dataset.term === undefined ? null : Number(to.dataset.term));
    });
  }

  build() {
    this.cards = {};
    set(this.node, "aria-label", this.stage.say("panel"));
  }

  draw() {
    const { cursor } = this.stage;
    const drawn = [null, () => this.cell(), () => this.gate(), () => this.sum()][cursor.level]();
    become(this.parts, drawn);
    proof(this.stage, this.proof);
  }

  // The number that the chosen level is about.
  opened() {
    const { cursor } = this.stage;
    const sum = cursor.level === 3 ? this.chosenSum() : null;
    return { node: sum ?? ["name", cursor.quantity], step: cursor.step, unit: cursor.unit };
  }

  // Up and down through the products of a sum.
  walk(event) {
    const buttons = [...this.node.querySelectorAll(".sum button")], at = buttons.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[to]?.focus();
  }

  // L1: every formula of the step, in symbols and in numbers.
  cell() {
    const { run, cursor } = this.stage;
    const known = cursor.back ? run.chain : run.formulas;
    const phase = cursor.phase === null ? null : run.parts(cursor.back)[cursor.phase];
    return this.stage.listed(Object.keys(known)).map((quantity) => {
      const node = known[quantity], card = this.card(quantity);
      const usual = () => inSymbols(quantity, node, this.stage.letters) + inNumbers(["name", quantity], node, run, cursor.step, cursor.unit) + freeNote(this.stage, node);
      card.classList.toggle("dim", phase !== null && !phase.includes(quantity));
      fill(card, this.name(quantity) + (pinnedCard(this.stage, quantity, node) ?? usual()));
      return card;
    });
  }

  card(quantity) {
    return (this.cards[quantity] ??= html("button", { type: "button", class: "card", "data-open": quantity }));
  }

  name(quantity) {
    return `<span class="what">${this.stage.titled(quantity)}</span>`;
  }

  written(node) {
    return formula(node, inLetters(this.stage.letters));
  }

  // L2: the terms as bars, what they add up to, and the squashing of it with its slope.
  gate() {
    const { run, cursor } = this.stage;
    const node = run.formula(cursor.quantity);
    const { squash, sum, terms } = anatomy(node);
    const head = html("div", { class: "head" });
    head.innerHTML = this.name(cursor.quantity) + inSymbols(cursor.quantity, node, this.stage.letters) + this.surgery(node);
    const values = terms.map(({ sign, node: term }) => sign * run.number(term, cursor.step, cursor.unit));
    const whole = run.number(sum, cursor.step, cursor.unit);
    const limit = Math.max(...[...values, whole].map(Math.abs).filter(Number.isFinite), 1e-300);
    const bars = html("div", { class: "bars" });
    terms.forEach(({ sign, node: term }, k) => bars.append(this.bar(sign > 0 ? term : ["-", ["number", 0], term], values[k], limit, product(term) ? k : null)));
    bars.append(this.total(["name", squash ? `a_${cursor.quantity}` : cursor.quantity], whole, limit, squash));
    const parts = [head, bars];
    const held = run.pinned(cursor.quantity, cursor.step, cursor.unit); // then its slope has no say
    if (squash && SLOPES[squash] && !held) parts.push(this.curve(squash, whole));
    if (terms.length === 1) parts.push(this.factorList(terms[0].node));
    return parts;
  }

  // What an operation says about a formula, if anything.
  surgery(node) {
    const { run, cursor } = this.stage;
    const held = run.pinned(cursor.quantity, cursor.step, cursor.unit);
    return (held ? note(this.stage, cursor.quantity, node) : "") + freeNote(this.stage, node);
  }

  bar(term, value, limit, opens) {
    const { cursor } = this.stage;
    const leads = opens === null ? carries(term) : { "data-open": cursor.quantity, "data-term": opens };
    const row = html("button", { type: "button", class: `bar ${origin(term)}`, ...leads });
    const from = origin(term) === "input" && this.stage.run.stacked ? "below" : origin(term);
    row.innerHTML = `<span class="from">${this.stage.say(`from.${from}`)}</span>${bare(term, this.stage.letters)}`;
    row.append(track(value, limit), html("span", { class: "value", ...carries(term) }, null, text(value)));
    return row;
  }

  total(node, value, limit, squash) {
    const row = html("button", { type: "button", class: "bar total", ...carries(node) });
    row.innerHTML = `<span class="from">${this.stage.say(squash ? "sum_before" : "sum_is")}</span><math></math>`;
    row.append(track(value, limit), html("span", { class: "value" }, null, text(value)));
    return row;
  }

  // A product has no terms to add: its factors, one under the other.
  factorList(node) {
    const { run, cursor } = this.stage;
    const list = html("div", { class: "factors" });
    const found = factors(node);
    found.forEach((factor, k) => {
      const value = run.number(factor, cursor.step, cursor.unit);
      const row = html("button", { type: "button", class: "factor", ...carries(factor) }, list);
      row.innerHTML = `<span>${k ? "×" : ""}</span><math>${this.written(factor)}</math>`;
      html("span", { class: "value" }, row, text(value));
    });
    return list;
  }

  curve(squash, at) {
    const { width, height } = CURVE;
    const reach = Math.max(CURVE.reach, Math.min(60, Math.abs(at) * 1.2 || 0));
    const [low, high] = { sigmoid: [0, 1], tanh: [-1, 1], relu: [0, reach] }[squash];
    const x = (a) => ((a + reach) / (2 * reach)) * width;
    const y = (value) => 8 + (1 - (value - low) / (high - low)) * (height - 16);
    const holder = html("figure", { class: "squashing" });
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" }, holder);
    const points = Array.from({ length: 81 }, (_, k) => -reach + (k / 40) * reach);
    svg("path", { class: "axis", d: `M0 ${y(0)}H${width}M${x(0)} 0V${height}` }, picture);
    svg("path", { class: "function", d: `M${points.map((a) => `${x(a).toFixed(1)} ${y(FUNCTIONS[squash](a)).toFixed(1)}`).join("L")}` }, picture);
    const value = FUNCTIONS[squash](at), slope = SLOPES[squash](at);
    const along = reach / 3, place = clamp(at, -reach, reach);
    svg("path", { class: "tangent", d: `M${x(place - along)} ${y(value - slope * along)}L${x(place + along)} ${y(value + slope * along)}` }, picture);
    svg("circle", { class: "point", cx: x(place), cy: y(value), r: 5 }, picture);
    const spoken = new Spoken(), { quantity } = this.stage.cursor, inside = ["name", `a_${quantity}`];
    const shown = { at: spoken.number(at, inside), value: spoken.number(value, ["name", quantity]), slope: spoken.number(slope, slopeOf(squash, ["name", quantity], inside)) };
    const caption = html("figcaption", {}, holder);
    caption.append(...spoken.nodes(this.stage.say("slope", { squash: { sigmoid: "σ", tanh: "tanh", relu: "ReLU" }[squash], ...shown })));
    set(picture, "aria-label", caption.textContent);
    return holder;
  }

  // The sum that is chosen to be shown in full; null where the formula has none.
  chosenSum() {
    const { run, cursor } = this.stage;
    const { terms } = anatomy(run.formula(cursor.quantity));
    const memory = terms.findLastIndex(({ node }) => product(node)); // without a choice, that over the memory
    const term = terms[clamp(cursor.term ?? memory, 0, terms.length - 1)]?.node;
    return term ? product(term) : null;
  }

  // L3: every product of one sum, the largest first, and what they add up to.
  sum() {
    const { run, cursor } = this.stage, inner = this.chosenSum();
    if (!inner) return this.gate();
    const products = run.products(inner, cursor.step, cursor.unit).map((found) => ({ ...found, product: found.weight * found.value }));
    products.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const whole = run.number(inner, cursor.step, cursor.unit);
    const head = html("div", { class: "head" });
    head.innerHTML = `${this.name(cursor.quantity)}<math>${this.written(inner)}</math><p>${this.stage.say("sum_of", { count: products.length, unit: cursor.unit + 1 })}</p>${this.surgery(run.formula(cursor.quantity))}`;
    const table = html("table", { class: "sum" });
    const limit = Math.max(...products.map((found) => Math.abs(found.product)), 1e-300);
    const header = html("tr", {}, html("thead", {}, table));
    for (const word of ["sum_from", "sum_weight", "sum_value", "sum_product"]) html("th", { scope: "col" }, header, this.stage.say(word));
    html("th", {}, header, "");
    const body = html("tbody", {}, table);
    const input = names(inner[2]).includes("x");
    for (const [place, { k, weight, value, product: result }] of products.entries()) {
      const row = html("tr", {}, body);
      html("th", { scope: "row" }, row, input ? this.stage.channel(k, cursor.step) : this.stage.say("unit_k", { k: k + 1 }));
      html("td", carries(["pick", inner[1], k, inner[2]]), row, text(weight));
      html("td", { ...carries(inner[2]), "data-unit": k }, row, text(value));
      html("button", { type: "button", tabindex: place ? -1 : 0, ...carries(["pick", inner, k]) }, html("td", {}, row), text(result));
      html("td", { class: "drawn" }, row).append(track(result, limit));
    }
    const foot = html("tr", {}, html("tfoot", {}, table));
    html("th", { scope: "row", colspan: 3 }, foot, this.stage.say("sum_is"));
    html("td", carries(inner), foot, text(whole));
    html("td", {}, foot);
    const holder = html("div", { class: "scroll", tabindex: 0, role: "group" });
    set(holder, "aria-label", this.stage.say("sum_of", { count: products.length, unit: cursor.unit + 1 }));
    holder.append(table);
    return [head, holder];
  }
}

const set = (node, name, value) => node.setAttribute(name, value);

// The slope of a squashing function as a formula of its value, or of what goes into it.
function slopeOf(squash, value, inside) {
  const rest = (node) => ["-", ["number", 1], node];
  return { sigmoid: ["*", value, rest(value)], tanh: rest(["*", value, value]), relu: ["call", "positive", inside] }[squash];
}

// A bar from the middle, rightwards for what is positive.
function track(value, limit) {
  const share = Number.isFinite(value) ? clamp(Math.abs(value) / limit, 0, 1) : 1;
  const holder = html("span", { class: "track" });
  const fill = html("span", { class: value < 0 ? "fill negative" : "fill" }, holder);
  fill.style.width = `${(50 * share).toFixed(1)}%`;
  return holder;
}
