// How numbers, words and formulas are written; the same rules as explorer/numerals.py and explorer/i18n.

import { carried } from "./numbers.js";
import { anatomy, factors, ofAll } from "./run.js";

const SUPERSCRIPT = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((letter, digit) => [digit, letter])) };
const LOWERED = Object.fromEntries(Object.entries(SUPERSCRIPT).map(([plain, letter]) => [letter, plain]));
const raised = (power) => [...String(power)].map((letter) => SUPERSCRIPT[letter]).join("");

// A number as plain text: −0.0412, 3.1·10⁻⁹, ∞.
export function text(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const rounded = Number(value.toExponential(2));
  const power = Number(value.toExponential(2).split("e")[1]);
  const digits = power >= -3 && power < 4 ? rounded.toFixed(Math.max(0, 2 - power)) : value.toExponential(1);
  const [mantissa, outside] = digits.split("e");
  return mantissa.replace("-", "−") + (outside ? `·10${raised(Number(outside))}` : "");
}

// ---- words, with Korean particles and English nouns that fit what stands before them ----

const PARTICLES = { 은: "는", 이: "가", 을: "를", 과: "와", 으로: "로" };
const FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
const SPOKEN = { 0: "ㅇ", 1: "ㄹ", 3: "ㅁ", 6: "ㄱ", 7: "ㄹ", 8: "ㄹ", L: "ㄹ", M: "ㅁ", N: "ㄴ", R: "ㄹ" };

function finalConsonant(word) {
  const last = [...word].reverse().find((letter) => /[\p{L}\p{N}%∞⁻]/u.test(letter)) ?? "";
  if (last >= "가" && last <= "힣") return FINALS[(last.codePointAt(0) - "가".codePointAt(0)) % 28].trim();
  if (last && "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".includes(last)) return "ㅂ";
  return SPOKEN[last.toUpperCase()] ?? "";
}

export function withParticle(word, particle) {
  const final = finalConsonant(word);
  const vowel = !final || (particle === "으로" && final === "ㄹ");
  return word + (vowel ? PARTICLES[particle] : particle);
}

// A number and what it counts, the noun given in the plural.
const counted = (number, noun) => `${number} ${number === "1" ? noun.replace(/s$/, "") : noun}`;

// A text with its {name}, {name:은} and {name:steps} filled in.
export function filled(words, values = {}) {
  return words.replace(/\{(\w+)(?::([^}]+))?\}/g, (_, name, fitting) => {
    const value = String(values[name]);
    if (!fitting) return value;
    return fitting in PARTICLES ? withParticle(value, fitting) : counted(value, fitting);
  });
}

// ---- formulas as MathML ----

const CAPITAL = { c: "C" };
const SQUASH = { sigmoid: "σ", tanh: "tanh", relu: "ReLU", positive: "1", root: "√" };
const mi = (name) => `<mi${name.length > 1 ? ' mathvariant="normal"' : ""}>${name}</mi>`;
const mo = (sign) => `<mo>${sign}</mo>`;
const OPEN = '<mo stretchy="false">(</mo>', CLOSE = '<mo stretchy="false">)</mo>';
const BARS = '<mo stretchy="false">‖</mo>';
// What has come together of ∂L/∂W_hh on the way back: over the gates, and the steps from this one to the last.
const GROWN = `<munder>${mo("∑")}<mrow><mi>k</mi>${mo("≥")}<mi>t</mi></mrow></munder><msub><mi>δ</mi><mrow><mi>a</mi>${mo(",")}<mi>k</mi></mrow></msub><msubsup><mi>h</mi><mrow><mi>k</mi>${mo("−")}<mn>1</mn></mrow><mi mathvariant="normal">T</mi></msubsup>`;
const brackets = (inner) => `<mrow>${OPEN}${inner}${CLOSE}</mrow>`;

// The quantity that a name speaks of: c_prev -> c, da_f -> da_f, W_if -> null.
export const quantityOf = (name) => (/^[Wb]_/.test(name) ? null : name.replace(/^free_/, "").replace(/_(prev|next|direct)$/, ""));

// letters   gate -> [as a quantity, as an index], where others write it otherwise: { g: ["C̃", "c̃"] }
export function symbol(name, letters = {}) {
  const indexed = (gate) => letters[gate]?.[1] ?? CAPITAL[gate] ?? gate;
  if (/^[Wb]_/.test(name)) return `<msub>${mi(name[0])}<mi mathvariant="normal">${name[2]}${indexed(name.slice(3))}</mi></msub>`;
  if (name.startsWith("free_")) return `<msub><mi mathvariant="normal">𝟙</mi>${symbol(name.slice(5), letters)}</msub>`;
  const step = name.endsWith("_prev") ? "t−1" : name.endsWith("_next") ? "t+1" : "t";
  const quantity = quantityOf(name);
  const letter = quantity.replace(/^d?(a_)?/, "");
  const shown = lettered(letter, letters);
  const index = /^(d?a_)/.test(quantity) ? `${indexed(letter)},${step}` : step;
  const base = quantity.startsWith("da_") ? "δ" : quantity.startsWith("a_") ? "a" : quantity.startsWith("d") ? `δ${shown}` : shown;
  const said = `<msub><mi>${base}</mi><mi>${index}</mi></msub>`;
  const written = name === "dh_direct" ? `<msub><mi>δ</mi><mi>L,t</mi></msub>` : said;
  return `<mrow class="q" data-q="${quantity}">${written}</mrow>`;
}

// The letter of a gate or state.
export const lettered = (quantity, letters = {}) => letters[quantity]?.[0] ?? CAPITAL[quantity] ?? quantity;

export function numeral(value) {
  const [mantissa, power] = text(value).split("·10");
  const number = (digits) => (digits[0] === "−" ? `${mo("−")}<mn>${digits.slice(1)}</mn>` : `<mn>${digits}</mn>`);
  if (power === undefined) return `<mrow>${number(mantissa)}</mrow>`;
  const plain = [...power].map((letter) => LOWERED[letter]).join("").replace("-", "−");
  return `<mrow>${number(mantissa)}${mo("·")}<msup><mn>10</mn><mrow>${number(plain)}</mrow></msup></mrow>`;
}

// A formula with `leaf` for each name and for each single weight or value; a matrix product is written out, or given as
// one number by `whole`.
// Both are told whether they stand first, where a minus needs no brackets.
export function formula(node, leaf, whole = null, times = "⊙", first = true) {
  const inner = (part, leads = true) => formula(part, leaf, whole, times, leads);
  const [kind, a, b] = node;
  const grouped = (part, when, leads) => (when.includes(part[0]) ? brackets(inner(part)) : inner(part, leads));
  switch (kind) {
    case "+": return `${inner(a, first)}${mo("+")}${inner(b, false)}`;
    case "-": return `${inner(a, first)}${mo("−")}${grouped(b, "+-", false)}`;
    case "*": return `${grouped(a, "+-", first)}${mo(ofAll(node) ? "·" : times)}${grouped(b, "+-", false)}`;
    case "/": return `${inner(a, first)}${mo("/")}${inner(b, false)}`;
    case "square": return `<msup>${based(grouped(a, "*", false))}<mn>2</mn></msup>`;
    case "@": return whole ? whole(node, first) : `${inner(a)}${grouped(b, "+-*@", false)}`;
    case "call": return `${mo(SQUASH[a])}${brackets(inner(b))}`;
    case "T": return inner(a).replace("<mi>W</mi>", "<mi>Wᵀ</mi>"); // an index and an exponent at once stand too far apart
    case "number": return `<mn>${a}</mn>`;
    default: return leaf(node, first);
  }
}

// What is raised to a power: a power of ten in brackets.
const based = (number) => (number.includes("<msup>") && !number.includes(OPEN) ? brackets(number) : number);
const between = (sign) => `<mo form="infix">${sign}</mo>`;
const EQUALS = between("=");
const FEW = 2; // factors that stay together
const math = (inner) => `<math><mrow>${inner}</mrow></math>`;

// head = formula, in pieces: a line may break before each sign of its sum, and within a long product.
function equation(head, node, leaf, whole, times = "⊙", equals = EQUALS) {
  const { squash, terms } = anatomy(node);
  const written = terms.flatMap(({ sign, node: term }, k) => {
    const before = k ? between(sign > 0 ? "+" : "−") : head + equals + (squash ? mo(SQUASH[squash]) + OPEN : "") + (sign > 0 ? "" : mo("−"));
    const after = squash && k === terms.length - 1 ? CLOSE : "";
    const leads = !k && sign > 0, parts = factors(term);
    if (parts.length <= FEW) return before + formula(term, leaf, whole, times, leads) + after;
    const factor = (part, first) => ("+-".includes(part[0]) ? brackets(formula(part, leaf, whole, times)) : formula(part, leaf, whole, times, first));
    return parts.map((part, place) => (place ? between(times) : before) + factor(part, leads && !place) + (place === parts.length - 1 ? after : ""));
  });
  return `<span class="formula">${written.map(math).join("")}</span>`;
}

// What stands for a name, or for one weight of a matrix, or one value of a vector.
export function inLetters(letters, unit) {
  const leaf = ([kind, a, k, ...rest]) => {
    if (kind === "name") return symbol(a, letters);
    if (kind === "grown") return BARS + GROWN + BARS;
    if (kind === "norm") return `${BARS}${[a, k, ...rest].filter(Boolean).map((part) => formula(part, leaf)).join(mo(","))}${BARS}`;
    const place = kind === "pick" ? `${unit + 1},${k + 1}` : k + 1;
    return `${a[0] === "name" || a[0] === "T" ? formula(a, leaf) : brackets(formula(a, leaf))}${mo("[")}<mn>${place}</mn>${mo("]")}`;
  };
  return leaf;
}

export function inSymbols(quantity, node, letters) {
  return equation(symbol(quantity, letters), node, inLetters(letters));
}

// A formula that has no name of its own. A norm of several numbers may break between them.
export function bare(node, letters, unit) {
  if (node[0] === "norm" && node.length > 2) {
    const parts = node.slice(1).map((part) => formula(part, inLetters(letters)));
    const pieces = parts.map((part, k) => (k ? "" : BARS) + part + (k < parts.length - 1 ? mo(",") : BARS));
    return `<span class="formula">${pieces.map(math).join("")}</span>`;
  }
  return equation("", node, inLetters(letters, unit), undefined, "⊙", "");
}

// A formula with one unit's numbers: first the terms, then their sum and the result. Each number can be opened.
export function inNumbers(result, node, run, t, unit) {
  const given = (value, first) => (value < 0 && !first ? brackets(numeral(value)) : numeral(value));
  const number = (part, first) => {
    const [of, at] = part[0] === "at" ? [part[1], part[2]] : [part];
    return `<mrow class="q" data-q="${(of[0] === "name" && quantityOf(of[1])) || ""}" ${carried(of, at)}>${given(run.number(part, t, unit), first)}</mrow>`;
  };
  const whole = (product, first) => `<mrow ${carried(product)}>${given(run.number(product, t, unit), first)}</mrow>`;
  const { squash, sum } = anatomy(node);
  const name = result[0] === "name" ? result[1] : "";
  const inside = name ? ["name", `a_${name}`] : sum;
  const squashed = squash && squash !== "root" ? math(`${EQUALS}${mo(SQUASH[squash])}<mrow ${carried(inside)}>${brackets(numeral(run.number(sum, t, unit)))}</mrow>`) : "";
  const last = math(`${EQUALS}<mrow class="q result" data-q="${name}" ${carried(result)}>${numeral(run.number(result, t, unit))}</mrow>`);
  const apart = node[0] !== "@" && (node === result ? ["+", "-", "*", "/"].includes(node[0]) : true);
  return `${apart ? equation("", node, number, whole, "·") : ""}<span class="formula">${squashed}${last}</span>`;
}
