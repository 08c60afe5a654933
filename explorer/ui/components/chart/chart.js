// One Plotly figure. Streamlit calls the default function again with new data and the same element:
// build once, then let Plotly.react change what changed.

import { toCSV } from "./csv.js";
import { Handle } from "./handle.js";
import { aligned, unpack } from "./packing.js";
import { download, element, isDark, living } from "./page.js";

const FEW = 10; // steps, of which Plotly would draw halves
const CURSOR = "explorer:cursor"; // a step that is hovered or clicked in any chart of the page

let loading;
function loadPlotly(url) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = undefined; reject(new Error(url)); };
    document.head.appendChild(script);
  });
  return loading;
}

// Figures come in the light palette; in the dark each colour is exchanged for its partner in DARK (see __init__.py).
function recoloured(json) {
  return json.replace(/#[0-9a-f]{6}\b/gi, (colour) => DARK[colour.toLowerCase()] ?? colour);
}

// On a projector every written size grows; on a phone it shrinks a little.
const NARROW = 480, LEGEND_LINE = 16;
function enlarge(node, scale) {
  if (scale === 1 || typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (/font$/.test(key) && value.size) value.size *= scale;
    else if (key === "margin") for (const side of "lrtb") value[side] &&= value[side] * scale;
    else enlarge(value, scale);
  }
}

const same = (a, b) => a.length === b.length && a.every((value, k) => value === b[k]);

const icon = (path) => `<svg viewBox="0 0 16 16" width="1em" height="1em" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="${path}"/></svg>`;
const RESET = icon("M3 3v4h4M3.5 7a5.5 5.5 0 1 1-.8 3.5");
const FULL = icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4");

class Chart {
  constructor(parent) {
    this.host = parent.querySelector(".gate-chart");
    const head = element("div", "head", this.host);
    this.title = element("h3", "", head);
    this.tools = element("div", "tools", head);
    this.figure = element("figure", "", this.host);
    this.figure.setAttribute("role", "figure");
    this.figure.tabIndex = 0;
    this.plot = element("div", "plot", this.figure);
    this.overlay = element("div", "overlay", this.figure);
    this.caption = element("p", "caption", this.host);
    this.caption.setAttribute("aria-hidden", "true"); // the figure is labelled by the same words
    this.abort = new AbortController();
    const signal = { signal: this.abort.signal };
    document.addEventListener(CURSOR, (event) => this.follow(event.detail), signal);
    this.figure.addEventListener("keydown", (event) => this.walk(event), signal);
    this.handle = new Handle(this.figure, this.plot, (value) => this.trigger("drag", { value }), this.abort.signal);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.figure);
    this.looked = {}; // what was zoomed into, by axis
    this.inSight = false; // what nobody sees is not drawn: a key on a slider redraws two charts, not five
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries.at(-1).isIntersecting;
      if (this.inSight && this.plot.dataset.waiting) this.draw();
    }, { root: this.host.closest("[data-testid=stMain]"), rootMargin: "200px" });
    this.sight.observe(this.figure);
    for (const [name, face, act] of [
      ["reset", RESET, () => this.resetZoom()],
      ["svg", "SVG", () => this.save("svg")],
      ["png", "PNG", () => this.save("png")],
      // the mark in front tells a spreadsheet that Hangul is UTF-8
      ["csv", "CSV", () => this.take(new Blob(["\uFEFF", toCSV(this.spec)], { type: "text/csv" }), "csv")],
      ["full", FULL, () => (document.fullscreenElement ? document.exitFullscreen() : this.figure.requestFullscreen())],
    ]) {
      const button = element("button", name, this.tools);
      button.type = "button";
      button.innerHTML = face;
      button.disabled = true; // until there is something to take away
      button.addEventListener("click", act, signal);
    }
  }

  show(packed, trigger) {
    const here = this.walking && this.data.cursor; // a late answer does not pull back a hand that walks on
    const data = (this.data = unpack(aligned(packed)));
    if (here) data.cursor = here;
    this.trigger = trigger;
    document.documentElement.lang = data.language; // for a reader's voice
    this.figure.setAttribute("aria-label", data.alt);
    this.title.textContent = data.title;
    this.title.hidden = !data.title;
    this.caption.textContent = data.alt;
    this.caption.hidden = !data.caption;
    for (const button of this.tools.children) {
      button.title = data.words[button.className];
      button.setAttribute("aria-label", data.words[button.className]);
    }
    this.plot.style.minHeight = `${this.height()}px`;
    this.plot.dataset.waiting = "true";
    if (this.inSight) this.draw();
  }

  // Plotly does one thing after the other to a plot.
  afterwards(task) {
    this.busy = (this.busy ?? Promise.resolve()).then(task, task);
  }

  // Several requests in a row are one drawing.
  draw() {
    this.afterwards(() => this.plot.dataset.waiting && this.drawNow());
  }

  async drawNow() {
    if (this.abort.signal.aborted) return;
    const { data } = this;
    const dark = isDark(this.host);
    const drawn = this.drawn;
    if (drawn?.dark !== dark || drawn.scale !== data.scale || !same(drawn.figure, data.figure)) {
      this.drawn = { dark, scale: data.scale, figure: data.figure };
      let Plotly;
      try {
        Plotly = await loadPlotly(data.plotly);
      } catch {
        this.drawn = undefined;
        this.plot.textContent = data.words.failed;
        return;
      }
      this.spec = unpack(data.figure, dark ? recoloured : undefined);
      const { layout } = this.spec;
      const looked = layout.meta?.zoom ? {} : this.looked;
      this.home = Object.fromEntries(Object.entries(layout)
        .filter(([name, axis]) => /^[xy]axis\d*$/.test(name) && axis.range)
        .map(([name, axis]) => [`${name}.range`, [...axis.range]])); // Plotly writes a zoom into the layout it is given
      if (layout.meta?.home) this.home["xaxis.range"] = layout.meta.home;
      this.keepZoom(layout, looked);
      layout.height = this.height();
      layout.width = this.width();
      enlarge(this.spec, data.scale * (layout.width < NARROW ? 0.85 : 1));
      if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page
      const config = { displayModeBar: false, displaylogo: false, doubleClick: false, responsive: false, showTips: false };
      const first = !this.plot.data;
      await Plotly.react(this.plot, this.spec.data, layout, config);
      if (first) this.listen();
      this.wholeTicks();
      for (const button of this.tools.children) button.disabled = false;
      this.bringIntoView(layout.meta?.focus);
      this.plot.dataset.drawn = String(Number(this.plot.dataset.drawn ?? 0) + 1);
    }
    if (data === this.data) delete this.plot.dataset.waiting;
    this.drawCursor();
  }

  // What was zoomed into stays in sight, as far as the new figure has it.
  keepZoom(layout, looked) {
    this.looked = {};
    for (const [name, [from, to]] of Object.entries(looked)) {
      const home = this.home[name], [low, high] = home ? [Math.min(...home), Math.max(...home)] : [];
      const range = [from, to].map((end) => Math.min(Math.max(end, low), high));
      if (range[0] !== range[1] && home) this.looked[name] = layout[name.split(".")[0]].range = range;
    }
  }

  // Remember what somebody zooms into; all of an axis is no zoom.
  lookedAt(change) {
    const axes = new Set(Object.keys(change).map((key) => key.split(".")[0]));
    for (const [name, home] of Object.entries(this.home).filter(([name]) => axes.has(name.split(".")[0]))) {
      const range = [...this.plot._fullLayout[name.split(".")[0]].range];
      if (same(range, home)) delete this.looked[name];
      else this.looked[name] = range;
    }
  }

  // Where a drawing is wider than the screen, its chosen step goes to the middle.
  bringIntoView(step) {
    if (step == null || this.figure.scrollWidth <= this.figure.clientWidth) return;
    const { xaxis } = this.plot._fullLayout;
    this.figure.scrollLeft = xaxis._offset + xaxis.d2p(step) - this.figure.clientWidth / 2;
  }

  listen() {
    this.plot.on("plotly_click", ({ points: [point] }) => {
      const step = Math.round(point.x);
      const unit = this.spec.layout.meta?.units?.includes(point.data.yaxis ?? "y") ? Math.round(point.y) : null;
      if (!this.data.clickable) return;
      if (point.data.meta?.steps) return this.trigger("click", { step: point.pointNumber + 1, unit: null });
      if (!this.spec.layout.meta?.cursor) return;
      this.announce(step, unit, true);
      this.trigger("click", { step, unit });
    });
    this.plot.on("plotly_hover", ({ points: [point] }) => {
      if (this.spec.layout.meta?.cursor) this.announce(Math.round(point.x), null, false);
    });
    this.plot.on("plotly_doubleclick", () => this.resetZoom());
    this.plot.on("plotly_unhover", () => this.announce(null, null, false));
    this.plot.on("plotly_relayout", (change) => {
      this.lookedAt(Object.fromEntries(Object.entries(change).filter(([key]) => /axis\d*\.(range|autorange)/.test(key))));
      this.wholeTicks();
      this.drawCursor();
      if (Object.keys(change).some((name) => name.startsWith("xaxis."))) this.zoomed();
    });
  }

  // Between two steps there is no tick, however near one looks (see theme.step_axis).
  wholeTicks() {
    if (!this.spec.layout.meta?.cursor) return;
    const change = {};
    for (const [name, { range, tickmode }] of Object.entries(this.plot._fullLayout).filter(([name]) => /^xaxis\d*$/.test(name))) {
      const wanted = Math.abs(range[1] - range[0]) < FEW ? "linear" : "auto"; // by ones, or Plotly's choice
      if (tickmode === "array" || tickmode === wanted) continue; // the figure says where its ticks are
      Object.assign(change, { [`${name}.tickmode`]: wanted, [`${name}.dtick`]: 1 });
    }
    if (Object.keys(change).length) window.Plotly.relayout(this.plot, change);
  }

  // What a click chooses, the arrow keys choose too: they walk from step to step, in a picture also from unit to unit.
  walk(event) {
    const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    const cursor = this.data?.cursor;
    if (right === undefined || event.target !== this.figure || !cursor || !this.data.clickable || !this.spec) return;
    const { meta } = this.spec.layout;
    const picture = meta?.units && this.spec.data[0].z;
    if (!meta?.cursor || (up && !picture)) return;
    event.preventDefault();
    const within = (value, most) => Math.min(Math.max(value, 1), most);
    const step = within(cursor.step + right, this.home["xaxis.range"][1] - 0.5);
    const unit = picture ? within(cursor.unit + up, picture.length) : null;
    this.announce(step, unit, true);
    clearTimeout(this.walking);
    this.walking = setTimeout(() => {
      this.walking = undefined;
      this.trigger("click", { step, unit });
    }, 150);
  }

  // A figure with more numbers than a screen has columns is drawn anew from all of them, for what is looked at.
  zoomed() {
    if (!this.spec.layout.meta?.zoom) return;
    clearTimeout(this.zooming);
    this.zooming = setTimeout(() => {
      if (this.abort.signal.aborted) return;
      const [first, last] = this.plot._fullLayout.xaxis.range;
      this.trigger("zoom", { first: Math.floor(first), last: Math.ceil(last) });
    }, 150);
  }

  announce(step, unit, chosen) {
    document.dispatchEvent(new CustomEvent(CURSOR, { detail: { step, unit, chosen } }));
  }

  follow({ step, unit, chosen }) {
    if (!this.spec?.layout.meta?.cursor) return;
    if (chosen && this.data.cursor) this.data.cursor = { step, unit: unit ?? this.data.cursor.unit };
    this.hovered = chosen ? null : step;
    this.drawCursor();
  }

  drawCursor() {
    this.handle.place(this.plot._fullLayout && this.spec?.layout.meta?.handle);
    const full = this.plot._fullLayout;
    this.overlay.replaceChildren();
    if (!full || !this.spec.layout.meta?.cursor) return;
    const { xaxis } = full;
    const panels = Object.keys(full).filter((name) => /^yaxis\d*$/.test(name)).map((name) => full[name]);
    const vertical = (step, name) => {
      const x = xaxis.d2p(step);
      if (step == null || x < 0 || x > xaxis._length) return;
      for (const { _offset, _length } of panels) {
        const line = element("div", name, this.overlay);
        Object.assign(line.style, { left: `${xaxis._offset + x}px`, top: `${_offset}px`, height: `${_length}px` });
      }
    };
    vertical(this.hovered, "hover");
    const cursor = this.data.cursor;
    if (!cursor) return;
    vertical(cursor.step, "now");
    const { units = [], rows_after: before, half = 0.5 } = this.spec.layout.meta; // half of what a row is high
    const rows = before === undefined ? units.map((name) => [name, cursor.unit]) : [["y", cursor.step - before]]; // its rows are steps
    for (const [name, at] of rows) {
      const axis = full[name.replace("y", "yaxis")];
      const [top, bottom] = [axis.d2p(at + half), axis.d2p(at - half)].sort((a, b) => a - b);
      if (bottom <= 0 || top >= axis._length) continue;
      const row = element("div", "row", this.overlay);
      Object.assign(row.style, {
        left: `${xaxis._offset}px`, width: `${xaxis._length}px`,
        top: `${axis._offset + Math.max(top, 0)}px`, height: `${Math.min(bottom, axis._length) - Math.max(top, 0)}px`,
      });
    }
  }

  // On a phone a legend stands one name upon the other; the picture below it keeps its height.
  height() {
    const lines = this.figure.clientWidth < NARROW ? Math.max(0, this.data.named - 2) : 0;
    return (this.data.height + LEGEND_LINE * lines) * this.data.scale;
  }

  width() {
    return Math.max(this.figure.clientWidth, this.spec.layout.meta?.least ?? 0) || undefined;
  }

  resize() {
    if (!this.plot._fullLayout || !this.figure.clientWidth) return;
    const width = this.width();
    const height = document.fullscreenElement === this.figure ? innerHeight - 32 : this.height();
    if (Math.abs(width - this.plot._fullLayout.width) < 1 && height === this.plot._fullLayout.height) return;
    if (width < NARROW !== this.plot._fullLayout.width < NARROW) return this.anew(); // with letters and a legend of that width
    this.afterwards(async () => {
      if (this.abort.signal.aborted) return;
      await window.Plotly.relayout(this.plot, { width, height });
      this.drawCursor();
    });
  }

  // From nothing: Plotly would leave a legend the room that it had.
  anew() {
    this.afterwards(() => window.Plotly.purge(this.plot));
    this.drawn = undefined;
    this.plot.dataset.waiting = "true";
    this.draw();
  }

  resetZoom() {
    const drawn = Object.entries(this.home).filter(([name]) => name.split(".")[0] in this.plot._fullLayout); // an axis without lines is not
    window.Plotly.relayout(this.plot, structuredClone(Object.fromEntries(drawn)));
  }

  async save(format) {
    const { width, height } = this.plot._fullLayout;
    const image = await window.Plotly.toImage(this.plot, { format, width, height, scale: format === "png" ? 3 : 1 });
    const blob = format === "svg"
      ? new Blob([decodeURIComponent(image.slice(image.indexOf(",") + 1))], { type: "image/svg+xml" })
      : await (await fetch(image)).blob();
    this.take(blob, format);
  }

  take(blob, ending) {
    download(blob, `${this.data.file}.${ending}`);
  }

  remove() {
    clearTimeout(this.walking);
    this.abort.abort();
    this.observer.disconnect();
    this.sight.disconnect();
    this.host.replaceChildren();
    this.afterwards(() => this.plot.data && window.Plotly.purge(this.plot));
  }
}

export default living(Chart);
