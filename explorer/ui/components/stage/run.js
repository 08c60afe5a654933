// A run as the stage sees it: every named number of every step, and formulas worked out from them.
// Formulas are trees: ["+", left, right], ["name", "W_if"], … (explorer/equations.py, tree).

export const FUNCTIONS = {
  sigmoid: (a) => 0.5 * Math.tanh(0.5 * a) + 0.5,
  tanh: Math.tanh,
  relu: (a) => (Number.isNaN(a) ? a : Math.max(a, 0)),
  positive: (a) => (a <= 0 ? 0 : 1),
};
export const SLOPES = {
  sigmoid: (a) => FUNCTIONS.sigmoid(a) * (1 - FUNCTIONS.sigmoid(a)),
  tanh: (a) => 1 - Math.tanh(a) ** 2,
  relu: FUNCTIONS.positive,
};
export const PASSED = "passed"; // the gradient that leaves the step
const PARTS = { W_i: "weight_ih", W_h: "weight_hh", b_i: "bias_ih", b_h: "bias_hh" };

export class Run {
  constructor(packed) {
    Object.assign(this, packed); // see stage/__init__.py, staged
    if (packed.second) this.x = [...packed.x, ...packed.second.x];
    this.zeros = new Float32Array(this.H);
    this.ones = this.zeros.map(() => 1);
    this.handedBack = Object.fromEntries(this.states.map((state) => [state, handedBack(this.chain[`d${state}`])]));
    if (packed.former) this.original = new Run({ ...packed, ...packed.former, former: null, held: {} });
  }

  // The vector that a name means at step t (from 0).
  at(name, t) {
    if (name.endsWith("_prev")) return this.at(name.slice(0, -5), t - 1);
    if (name.endsWith("_next")) return this.at(name.slice(0, -5), t + 1);
    if (t < 0) return this.initial[name];
    if (t >= this.T) return name.startsWith("free_") ? this.ones : this.zeros; // nothing comes after the last step
    if (name === "x") return this.x[t];
    if (name === "dh_direct") return this.direct[t];
    if (name.startsWith("free_")) return this.free(name.slice(5), t);
    if (name.slice(0, 3) in PARTS) return this.block(name, t);
    return (this.grads[name] ?? this.values[name])[t];
  }

  // 1 for each unit of which a quantity is free at step t, 0 where it is pinned.
  free(quantity, t) {
    return this.zeros.map((_, unit) => (this.pinned(quantity, t, unit) ? 0 : 1));
  }

  // Whether an operation pins a gate or state of a unit at step t.
  pinned(quantity, t, unit) {
    const held = this.held[quantity]?.[t][unit];
    return held !== undefined && !Number.isNaN(held);
  }

  // The network that runs at step t: the first of two, whose channels and params these are, or the second.
  network(t) {
    return this.second && t >= this.second.from ? this.second : this;
  }

  // The rows of one gate in a stacked weight or bias of the network at step t.
  block(name, t) {
    const first = this.gates.indexOf(name.slice(3)) * this.H;
    return this.network(t).params[PARTS[name.slice(0, 3)]].slice(first, first + this.H);
  }

  // The value of a formula for one unit (from 0).
  number(node, t, unit) {
    const [kind, a, b, beside] = node;
    switch (kind) {
      case "+": return this.number(a, t, unit) + this.number(b, t, unit);
      case "-": return this.number(a, t, unit) - this.number(b, t, unit);
      case "/": return this.number(a, t, unit) / this.number(b, t, unit);
      case "square": return this.number(a, t, unit) ** 2;
      case "grown": return this.weightGradient(t);
      case "norm": return Math.hypot(...this.normed(node).map((part) => this.number(part, t, unit)));
      case "*": return this.number(a, t, unit) * this.number(b, t, unit);
      case "@": return this.products(node, t, unit).reduce((sum, { weight, value }) => sum + weight * value, 0);
      case "call": return FUNCTIONS[a](this.number(b, t, unit));
      case "number": return a;
      case "pick": return a[0] === "@" ? this.product(a, t, unit, b) : this.weight(a, beside ? this.weighed(beside, t) : t, unit, b);
      case "at": return this.number(a, t, b);
      case "name": return this.at(a, t)[unit];
    }
    throw new Error(`a formula cannot hold ${kind}`);
  }

  product(sum, t, unit, k) {
    const { weight, value } = this.products(sum, t, unit)[k];
    return weight * value;
  }

  weight(matrix, t, row, column) {
    return matrix[0] === "T" ? this.weight(matrix[1], t, column, row) : this.block(matrix[1], t)[row][column];
  }

  // The step whose network's weights a matrix product at step t takes: a gradient comes by those of where it comes from.
  weighed(vector, t) {
    return names(vector).some((name) => name.endsWith("_next")) ? t + 1 : t;
  }

  // The numbers that a norm is made of: the units of a vector, or numbers that are one for all units.
  normed([, ...parts]) {
    return parts.flatMap((part) => (ofAll(part) ? [part] : Array.from(this.zeros, (_, unit) => ["at", part, unit])));
  }

  // How many products a matrix product adds up.
  width([, , vector]) {
    return vector[1] === "x" ? this.D : this.H;
  }

  // The products that a matrix product adds up for one unit.
  products([, matrix, vector], t, unit) {
    const values = this.vector(vector, t);
    const from = this.weighed(vector, t);
    const weights = matrix[0] === "T" ? Array.from(this.block(matrix[1][1], from), (row) => row[unit]) : this.block(matrix[1], from)[unit];
    return Array.from(values, (value, k) => ({ k, weight: weights[k], value }));
  }

  vector(node, t) {
    return node[0] === "name" ? this.at(node[1], t) : Array.from({ length: this.H }, (_, k) => this.number(node, t, k));
  }

  norm(name, t) {
    return Math.hypot(...this.at(name, t));
  }

  // ‖∂L/∂a_t h_{t−1}ᵀ‖ over all gates, what a step adds to ∂L/∂W_hh: the norm of an outer product is that of its norms.
  added() {
    return ["norm", ...this.gates.map((gate) => {
      const [delta, before] = this.outerNodes(gate);
      return ["*", ["norm", delta], ["norm", before]];
    })];
  }

  // Whether another run is of the same network and input, written in another convention.
  differsByConvention(other) {
    const alike = ["cell", "T", "H", "D"].every((name) => this[name] === other[name]) && same(this.x, other.x);
    return alike && (this.zKeeps !== other.zKeeps) !== (this.resetAfter !== other.resetAfter) && same(this.initial, other.initial)
      && same(this.params.weight_ih, other.params.weight_ih, Math.abs);
  }

  sameStates(other) {
    return same(this.values.h, other.values.h);
  }

  // The sub-steps of a step: forwards the textbook's; backwards the chain rule's, and last what goes on to t−1.
  parts(back) {
    return back ? [...this.phasesBack, [PASSED]] : this.phases;
  }

  formula(quantity) {
    return this.formulas[quantity] ?? this.chain[quantity];
  }

  // ‖Σ_{k ≥ t} ∂L/∂a_k h_{k−1}ᵀ‖: how ∂L/∂W_hh grows as the gradient comes back.
  weightGradient(t) {
    this.grown ??= this.growth();
    return this.grown[t];
  }

  growth() {
    const rows = this.gates.length * this.H, sum = new Float64Array(rows * this.H), grown = [];
    for (let t = this.T - 1; t >= 0; t--) {
      let total = 0;
      if (this.network(t) !== this.network(t + 1)) sum.fill(0); // other weights
      this.gates.forEach((gate, g) => {
        const { delta, before } = this.outer(gate, t);
        for (let u = 0; u < this.H; u++) {
          for (let k = 0; k < this.H; k++) {
            const place = (g * this.H + u) * this.H + k;
            sum[place] += delta[u] * before[k];
            total += sum[place] * sum[place];
          }
        }
      });
      grown[t] = Math.sqrt(total);
    }
    return grown;
  }

  // ∂L/∂W_h of a gate is the sum of delta · beforeᵀ; a reset gate multiplies one of the two for the candidate.
  outerNodes(gate) {
    const delta = ["name", `da_${gate}`], before = ["name", "h_prev"], reset = (node) => ["*", ["name", "r"], node];
    if (this.cell !== "gru" || gate !== "n") return [delta, before];
    return this.resetAfter ? [reset(delta), before] : [delta, reset(before)];
  }

  outer(gate, t) {
    const [delta, before] = this.outerNodes(gate).map((node) => this.vector(node, t));
    return { delta, before };
  }
}

// What the step after hands back to a state: those terms of its gradient that come from there.
function handedBack(formula) {
  return terms(formula).map(({ node }) => node).filter((node) => origin(node) === "later").reduce((sum, node) => ["+", sum, node]);
}

// Whether two nests of numbers hold the same numbers, bit by bit.
function same(a, b, as = (value) => value) {
  if (typeof a === "number") return Object.is(as(a), as(b));
  return Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((key) => same(a[key], b[key], as));
}

// ---- the anatomy of a formula ----

export function names(node) {
  if (node[0] === "name") return [node[1]];
  return node.slice(1).flatMap((part) => (Array.isArray(part) ? names(part) : []));
}

// The squashing function if the formula is one of a sum, and the signed terms of that sum.
export function anatomy(formula) {
  const squash = formula[0] === "call" ? formula[1] : null;
  return { squash, sum: squash ? formula[2] : formula, terms: terms(squash ? formula[2] : formula) };
}

function terms(node, sign = 1) {
  if (node[0] === "+" || node[0] === "-") return [...terms(node[1], sign), ...terms(node[2], node[0] === "+" ? sign : -sign)];
  return [{ sign, node }];
}

export function factors(node) {
  return node[0] === "*" ? [...factors(node[1]), ...factors(node[2])] : [node];
}

// Whether a number is one for all units: a norm, or made of norms.
export function ofAll(node) {
  return ["norm", "grown"].includes(node[0]) || (["*", "/"].includes(node[0]) && ofAll(node[1]) && ofAll(node[2]));
}

// Where a term comes from: "input", "memory", "later" (the step after), "bias", or "here".
export function origin(node) {
  const found = names(node);
  if (found.includes("x")) return "input";
  if (found.some((name) => name.endsWith("_next"))) return "later";
  if (found.some((name) => name.endsWith("_prev"))) return "memory";
  return found.every((name) => name.startsWith("b_")) ? "bias" : "here";
}

// The matrix product inside a term, if it has one.
export function product(node) {
  if (node[0] === "@") return node;
  for (const part of node.slice(1)) {
    const found = Array.isArray(part) ? product(part) : null;
    if (found) return found;
  }
  return null;
}
