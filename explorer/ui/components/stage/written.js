// How numbers, words and formulas are written; the same rules as explorer/numerals.py and explorer/i18n.

import { anatomy } from "./run.js";

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

// ---- words, with Korean particles that fit what stands before them ----

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

// A text with its {name} and {name:은} filled in.
export function filled(words, values = {}) {
  return words.replace(/\{(\w+)(?::([^}]+))?\}/g, (_, name, particle) =>
    particle ? withParticle(String(values[name]), particle) : String(values[name]));
}

// ---- formulas as MathML ----

const CAPITAL = { c: "C" };
const SQUASH = { sigmoid: "σ", tanh: "tanh", relu: "ReLU", positive: "1" };
const mi = (name) => `<mi${name.length > 1 ? ' mathvariant="normal"' : ""}>${name}</mi>`;
const mo = (sign) => `<mo>${sign}</mo>`;
const OPEN = '<mo stretchy="false">(</mo>', CLOSE = '<mo stretchy="false">)</mo>';
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

// A formula with `leaf` for each name; a matrix product is written out, or given as one number by `whole`.
// Both are told whether they stand first, where a minus needs no brackets.
export function formula(node, leaf, whole = null, times = "⊙", first = true) {
  const inner = (part, leads = true) => formula(part, leaf, whole, times, leads);
  const [kind, a, b] = node;
  const grouped = (part, when, leads) => (when.includes(part[0]) ? brackets(inner(part)) : inner(part, leads));
  switch (kind) {
    case "+": return `${inner(a, first)}${mo("+")}${inner(b, false)}`;
    case "-": return `${inner(a, first)}${mo("−")}${grouped(b, "+-", false)}`;
    case "*": return `${grouped(a, "+-", first)}${mo(times)}${grouped(b, "+-", false)}`;
    case "@": return whole ? whole(node, first) : `${inner(a)}${grouped(b, "+-*@", false)}`;
    case "call": return `${mo(SQUASH[a])}${brackets(inner(b))}`;
    case "T": return `<msup>${inner(a)}${mo("⊤")}</msup>`;
    case "number": return `<mn>${a}</mn>`;
    default: return leaf(a, first);
  }
}

const between = (sign) => `<mo form="infix">${sign}</mo>`;
const EQUALS = between("=");
const math = (inner) => `<math><mrow>${inner}</mrow></math>`;

// head = formula, in pieces: a line may break before each sign of its sum.
function equation(head, node, leaf, whole, times) {
  const { squash, terms } = anatomy(node);
  const written = terms.map(({ sign, node: term }, k) => {
    const before = k ? between(sign > 0 ? "+" : "−") : EQUALS + (squash ? mo(SQUASH[squash]) + OPEN : "") + (sign > 0 ? "" : mo("−"));
    return before + formula(term, leaf, whole, times, !k && sign > 0) + (squash && k === terms.length - 1 ? CLOSE : "");
  });
  return `<span class="formula">${math(head + written[0])}${written.slice(1).map(math).join("")}</span>`;
}

export function inSymbols(quantity, node, letters) {
  const leaf = (name) => symbol(name, letters);
  return equation(leaf(quantity), node, leaf);
}

// The formula with one unit's numbers: first the terms, then their sum and the result.
export function inNumbers(quantity, node, run, t, unit) {
  const given = (value, first) => (value < 0 && !first ? brackets(numeral(value)) : numeral(value));
  const leaf = (name, first) => `<mrow class="q" data-q="${quantityOf(name)}">${given(run.number(["name", name], t, unit), first)}</mrow>`;
  const whole = (product, first) => given(run.number(product, t, unit), first);
  const result = `<mrow class="q result" data-q="${quantity}">${numeral(run.number(["name", quantity], t, unit))}</mrow>`;
  const { squash, sum } = anatomy(node);
  const squashed = squash ? math(EQUALS + mo(SQUASH[squash]) + brackets(numeral(run.number(sum, t, unit)))) : "";
  return `${equation("", node, leaf, whole, "·")}<span class="formula">${squashed}${math(EQUALS + result)}</span>`;
}
