// Where a level comes from: a frame grows from what was pressed into what opens, and on the way up it shrinks back into
// where that is taken apart. It lies over the stage and moves nothing: what is shown is there at once.

import { html } from "./drawing.js";

const LASTS = 200; // ms
const PARTS = "[data-q], [data-open], [data-n], .lens [data-step]";

export class Opening {
  constructor(stage) {
    this.stage = stage;
    this.frame = html("div", { class: "opening", "aria-hidden": "true", hidden: "" }, stage.host);
  }

  // Remember what was pressed while the stage answers to it.
  press({ target }) {
    this.pressed = target.closest?.(PARTS);
    setTimeout(() => (this.pressed = null));
  }

  // Before the stage is drawn for another cursor: the motion to start when it is, if there is one.
  between(before, after) {
    const { stage, pressed } = this;
    if (stage.calm || stage.player.playing) return null;
    const { panel, circuit } = stage;
    if (after.level < before.level) return this.shrinking(this.place(panel.parts));
    if (!pressed) return null;
    const deeper = after.level > before.level || (after.level > 1 && after.quantity !== before.quantity);
    const cell = pressed.closest(".lens [data-step]")?.querySelector(".box");
    if (!deeper && !(cell && after.step !== before.step)) return null;
    const from = this.place(cell ?? pressed);
    return () => this.move(from, this.place(deeper ? panel.parts : circuit.node));
  }

  shrinking(from) {
    return () => {
      const { cursor, panel, circuit } = this.stage;
      const gate = this.stage.nameOf(cursor.quantity).replace(/^d/, "");
      const to = cursor.level > 1 ? panel.node.querySelector(".bar[data-term]") : circuit.node.querySelector(`[data-q="${gate}"]`);
      if (to) this.move(this.place(to), from, "reverse");
    };
  }

  // A place on the stage, wherever the page is scrolled.
  place(node) {
    const { left, top, width, height } = node.getBoundingClientRect(), host = this.stage.host.getBoundingClientRect();
    return { left: left - host.left, top: top - host.top, width, height };
  }

  // From the small place to the large one. The frame is as large as that, so that its line is never thick.
  move(small, large, direction = "normal") {
    const { frame } = this;
    for (const [name, value] of Object.entries(large)) frame.style[name] = `${value}px`;
    frame.hidden = false;
    for (const running of frame.getAnimations()) running.cancel();
    const at = `translate(${small.left - large.left}px, ${small.top - large.top}px) scale(${small.width / large.width}, ${small.height / large.height})`;
    const moving = frame.animate([{ transform: at, opacity: 1 }, { transform: "none", opacity: 0.2 }], { duration: LASTS, easing: "ease-out", direction });
    moving.onfinish = () => (frame.hidden = true);
  }
}
