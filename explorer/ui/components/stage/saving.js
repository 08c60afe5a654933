// What can be taken away: a picture, a film, the whole run.

import { html, set, write } from "./drawing.js";
import { covered, film } from "./film.js";
import { download } from "./page.js";
import { painted, picture } from "./picture.js";
import { replay } from "./replay.js";

const KINDS = {
  svg: async (stage) => new Blob([picture(stage)], { type: "image/svg+xml" }),
  png: async (stage) => new Promise((resolve) => painted(picture(stage), 2).then((canvas) => canvas.toBlob(resolve, "image/png"))),
  film: (stage, saving) => film(stage, (share) => saving.tell(share), saving.abort.signal),
  replay: (stage) => replay(stage),
};
const ENDINGS = { svg: "svg", png: "png", film: "apng.png", replay: "html" };

export class Saving {
  constructor(parent, stage) {
    this.stage = stage;
    this.node = html("details", { class: "saving" }, parent);
    this.title = html("summary", { class: "worded" }, this.node);
    const menu = html("div", { class: "menu" }, this.node);
    this.buttons = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, html("button", { type: "button", "data-save": kind }, menu)]));
    this.state = html("p", { role: "status" }, menu);
    for (const [kind, button] of Object.entries(this.buttons)) {
      button.addEventListener("click", () => (this.abort && kind === "film" ? this.abort.abort() : this.save(kind)));
    }
    this.node.addEventListener("toggle", () => !this.abort && this.name("film")); // its way may have turned
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.node.open) return;
      event.stopPropagation();
      this.node.open = false;
      this.title.focus();
    });
  }

  build() {
    write(this.title, this.stage.say("save"));
    for (const kind of Object.keys(KINDS)) this.name(kind);
    this.buttons.replay.hidden = !this.stage.about.css; // a replay has no server to take its scripts from
  }

  name(kind) {
    const { all, count } = covered(this.stage);
    write(this.buttons[kind], this.stage.say(kind === "film" && count < all ? "save_film_some" : `save_${kind}`, { all, count }));
  }

  tell(share) {
    write(this.buttons.film, this.stage.say("save_cancel", { share: Math.round(100 * share) }));
  }

  async save(kind) {
    if (this.abort) return;
    this.abort = new AbortController();
    set(this.node, { "data-busy": kind });
    write(this.state, "");
    const { file } = this.stage.about, { step } = this.stage.cursor;
    const place = kind === "film" || kind === "replay" ? "" : `_t${step + 1}`;
    try {
      download(await KINDS[kind](this.stage, this), `${file}${place}.${ENDINGS[kind]}`);
    } catch (fault) {
      write(this.state, this.stage.say(fault.name === "AbortError" ? "save_cancelled" : "save_failed"));
    } finally {
      this.abort = null;
      this.node.removeAttribute("data-busy");
      this.name(kind);
    }
  }

  remove() {
    this.abort?.abort();
  }
}
