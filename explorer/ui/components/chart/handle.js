// A level in a figure that can be dragged, or moved with the arrow keys, on a logarithmic axis.

import { element } from "./page.js";

const PAUSE = 150; // ms after the last key
const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

export class Handle {
  // tell(value) hears where it was let go; what `signal` ends is not heard of again
  constructor(figure, plot, tell, signal) {
    Object.assign(this, { figure, plot, tell, signal });
    signal.addEventListener("abort", () => clearTimeout(this.telling));
  }

  // about: what the figure says of it, { value, low, high, step, label }, the numbers as log10; none, and it goes.
  place(about) {
    if (!about) {
      this.node?.remove();
      this.node = undefined;
      return;
    }
    if (!this.node) this.make();
    if (this.about !== about) {
      this.about = about;
      this.held = about.value;
    }
    this.draw();
  }

  draw() {
    const { label, low, high } = this.about, { xaxis, yaxis } = this.plot._fullLayout;
    Object.assign(this.node.style, {
      left: `${xaxis._offset}px`, width: `${xaxis._length}px`, top: `${yaxis._offset + yaxis.d2p(this.held)}px`,
    });
    const size = Number((10 ** this.held).toPrecision(2)).toString();
    this.node.firstChild.textContent = `${label} ${size}`;
    for (const [name, value] of Object.entries({ label, valuemin: low, valuemax: high, valuenow: this.held, valuetext: size })) {
      this.node.setAttribute(`aria-${name}`, value);
    }
  }

  make() {
    const node = (this.node = element("div", "handle", this.figure)), signal = { signal: this.signal };
    element("span", "", node);
    node.tabIndex = 0;
    node.setAttribute("role", "slider");
    node.setAttribute("aria-orientation", "vertical");
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      event.preventDefault();
      node.focus();
    }, signal);
    node.addEventListener("pointermove", (event) => {
      if (!node.hasPointerCapture(event.pointerId)) return;
      const { yaxis } = this.plot._fullLayout;
      this.move(yaxis.p2d(event.clientY - this.figure.getBoundingClientRect().top - yaxis._offset));
    }, signal);
    node.addEventListener("pointerup", () => this.tell(this.held), signal);
    node.addEventListener("keydown", (event) => {
      const steps = STEPS[event.key];
      if (!steps) return;
      event.preventDefault();
      this.move(this.held + steps * this.about.step);
      clearTimeout(this.telling);
      this.telling = setTimeout(() => this.tell(this.held), PAUSE);
    }, signal);
  }

  move(value) {
    const { low, high, step } = this.about;
    this.held = Number((Math.round(Math.min(high, Math.max(low, value)) / step) * step).toFixed(6));
    this.draw();
  }
}
