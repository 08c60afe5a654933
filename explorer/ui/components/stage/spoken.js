// Words with numbers in them that can be opened. Until the words are complete, a number is its digits between two marks.

import { html } from "./drawing.js";
import { carries } from "./numbers.js";
import { text } from "./written.js";

const FIRST = 0xe000, END = "\ue800"; // for private use: no letter and no digit, so that particles look past them
const MARKED = /([\ue000-\ue7ff][^\ue800]*\ue800)/;

export class Spoken {
  constructor() {
    this.numbers = [];
  }

  // more   what else its element carries: { "data-step": 3 } where that is not the cursor's
  number(value, node, more = {}, written = text(value)) {
    this.numbers.push({ ...carries(node), ...more });
    return String.fromCharCode(FIRST + this.numbers.length - 1) + written + END;
  }

  // A share, as a percentage.
  share(value, node) {
    return this.number(value, node, {}, `${(100 * value).toFixed(0)} %`);
  }

  markup(words) {
    const holder = html("span");
    holder.append(...this.nodes(words));
    return holder.innerHTML;
  }

  // The nodes of the words.
  nodes(words) {
    return words.split(MARKED).filter(Boolean).map((part) => {
      const number = this.numbers[part.charCodeAt(0) - FIRST];
      return number ? html("span", number, null, part.slice(1, -1)) : document.createTextNode(part);
    });
  }
}
