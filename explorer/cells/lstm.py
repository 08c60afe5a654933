"""LSTM: two states, three gates.

i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)      what to let in
f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)      what to keep
g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)   the candidate (C̃_t in many texts)
o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho)      what to show
C_t = f_t ⊙ C_{t-1} + i_t ⊙ g_t                     long-term
h_t = o_t ⊙ tanh(C_t)                               short-term, the output
"""

from types import MappingProxyType

import numpy as np

from explorer.cells.base import (
    Backward,
    Cell,
    StepJacobians,
    aligned,
    arranged,
    blocks,
    buffer,
    free,
    named,
    parts,
    projected,
    stretches_backward,
)
from explorer.cells.clamp import EMPTY, cut, during, holding

GATES = ("i", "f", "g", "o")
FEWEST = 25  # steps of a stretch whose factors are made beforehand: the calls that make them cost, too
ORDER = ("o", "i", "f", "g")  # the three σ side by side, and (i, f) beside (g, C)


def equations(options) -> dict[str, str]:
    def gate(q, squash):
        return f"{squash}(W_i{q} @ x + b_i{q} + W_h{q} @ h_prev + b_h{q})"

    return {
        "f": gate("f", "sigmoid"),
        "i": gate("i", "sigmoid"),
        "g": gate("g", "tanh"),
        "c": "f * c_prev + i * g",
        "o": gate("o", "sigmoid"),
        "h": "o * tanh(c)",
    }


def chain(options, held=()) -> dict[str, str]:
    return {
        "dh": "dh_direct + W_hi.T @ da_i_next + W_hf.T @ da_f_next + W_hg.T @ da_g_next + W_ho.T @ da_o_next",
        "da_o": f"{free(held, 'o', 'h')}dh * tanh(c) * o * (1 - o)",
        "dc": f"{free(held, 'h')}dh * o * (1 - tanh(c) * tanh(c)) + {free(held, 'c_next')}dc_next * f_next",
        "da_g": f"{free(held, 'g', 'c')}dc * i * (1 - g * g)",
        "da_i": f"{free(held, 'i', 'c')}dc * g * i * (1 - i)",
        "da_f": f"{free(held, 'f', 'c')}dc * c_prev * f * (1 - f)",
    }


def ranges(options) -> dict[str, tuple[float, float]]:
    return {"i": (0, 1), "f": (0, 1), "g": (-1, 1), "o": (0, 1), "h": (-1, 1)}


def forward(params, x, state, options, held=EMPTY):
    """x (T, B, D), state {"h", "c": (B, H)} -> values {name: (T, B, H)}, tape."""
    (T, B, _), H, dtype = x.shape, params["weight_hh"].shape[1], x.dtype
    weight_ih, weight_hh, bias_ih, bias_hh = params.values()
    weights = [arranged(p, GATES, ORDER) for p in (weight_ih, weight_hh, bias_ih + bias_hh)]
    for p in weights:
        p[: 3 * H] *= 0.5  # σ(a) = ½ tanh(a/2) + ½
    weight_ih, weight_hh, bias = weights

    pre = projected(x, weight_ih, bias)
    rows = buffer(T + 1, 7 * H, B, dtype)
    step = np.zeros_like(rows[0])
    o, i_f, _g, c, tanh_c, h = parts(step, 1, 2, 1, 1, 1, 1)
    gates, σ, g_c = step[: 4 * H], step[: 3 * H], step[3 * H : 5 * H]
    h[...], c[...] = (state[q].T.reshape(h.shape) for q in ("h", "c"))
    rows[0] = step

    remember = aligned(weight_hh, "F").dot
    recurrent, half, products = np.empty_like(gates), np.full_like(σ, 0.5), np.empty_like(g_c)
    i_times_g, f_times_c = parts(products, 1, 1)
    add, mul, tanh = np.add, np.multiply, np.tanh
    open_gates = holding(add, held, ORDER, rows, gates)
    update, show = holding(add, held, ("c",), rows), holding(mul, held, ("h",), rows)
    for a, row in zip(pre, rows[1:]):
        remember(h, recurrent)
        add(a, recurrent, a)
        tanh(a, gates)
        mul(σ, half, σ)
        open_gates(σ, half, σ)
        mul(i_f, g_c, products)
        update(i_times_g, f_times_c, c)
        tanh(c, tanh_c)
        show(o, tanh_c, h)
        row[...] = step

    pre[:, : 3 * H] *= 2  # the halved sigmoid rows again as a_o, a_i, a_f
    values = named(rows[1:], (*ORDER, "c", "tanh_c", "h"), H) | named(pre, (f"a_{q}" for q in ORDER), H)
    return {q: values[q] for q in (*GATES, "c", "h", *(f"a_{q}" for q in GATES))}, rows


def slopes(rows, before, held):
    """How each quantity of a step follows its cause: the factors of the chain rule, (n, H[, B]) each.

    rows, before   the steps (n, 7H[, B]) and each one's predecessor
    held           what is held at these steps

    Returns ∂h/∂C, ∂h/∂a_o, ∂C/∂a_i, ∂C/∂a_f, ∂C/∂a_g, ∂C_t/∂C_{t-1}.
    """
    now, c_prev = blocks(rows, 7), blocks(before, 7)[4]
    if rows.ndim == 2:  # a block of one sequence is too short to run along
        now = np.ascontiguousarray(now)
    σ, g, tanh_c = now[:3], now[3], now[5]
    (o, i, f), (do, di, df) = σ, σ * (1 - σ)
    factors = (o * (1 - tanh_c * tanh_c), tanh_c * do, g * di, c_prev * df, i * (1 - g * g), f)
    leads_through = (("h",), ("o", "h"), ("i", "c"), ("f", "c"), ("g", "c"), ("c",))
    return [cut(held, factor, *names) for factor, names in zip(factors, leads_through)]


def backward(params, rows, dh_direct, options, later=None, held=EMPTY):
    """dh_direct (T, H[, B]): the direct ∂L/∂h_t."""
    H = dh_direct.shape[1]
    out = np.empty((len(dh_direct), 7 * H, *rows.shape[2:]), rows.dtype)
    step = np.zeros_like(out[0])  # total ∂C, ∂a_o, ∂a_i, ∂a_f, ∂a_g, what reaches C_{t-1}, total ∂h
    dc_later, dh = parts(step, 5, 1, 1)[1:]
    if later:
        dh[...], dc_later[...] = later["h"], later["c"]
    back_to_h = aligned(arranged(params["weight_hh"], GATES, ORDER)).T.dot
    loop = _backward_one if rows.ndim == 2 else _backward_batch
    loop(rows, dh_direct, step, out, back_to_h, held)

    dc, pre, _, total_dh = parts(out, 1, 4, 1, 1, axis=1)
    return Backward(
        pre=pre,
        state={"h": total_dh, "c": dc},
        initial={"h": dh, "c": dc_later},
        h_prev=rows[:-1, 6 * H :],
    )


def _backward_one(rows, dh_direct, step, out, back_to_h, held):
    """One sequence: a call costs more than what it computes, so one product finds all that follows ∂h and ∂C."""
    T, H = dh_direct.shape
    found, later_and_dh = step[: 6 * H], step[5 * H :].reshape(2, 1, H)
    da, dh = step[H : 5 * H], step[6 * H :]
    each = np.empty((2, 6, H), step.dtype)
    causes, products = each.reshape(-1), np.empty(12 * H, step.dtype)
    by_later, by_dh = parts(products, 6, 6)
    add, mul = np.add, np.multiply
    length = max(FEWEST, 2**17 // len(products))
    memory = np.empty((min(T, length), 12 * H), step.dtype)
    for steps in stretches_backward(T, length):
        factors = memory[: steps.stop - steps.start]
        _factors_of_one(factors, rows[1:][steps], rows[:-1][steps], during(held, steps))
        for direct, factor, row in zip(dh_direct[steps][::-1], factors[::-1], out[steps][::-1]):
            add(dh, direct, dh)
            each[...] = later_and_dh
            mul(causes, factor, products)
            add(by_later, by_dh, found)
            row[...] = step
            back_to_h(da, dh)  # what reaches h_{t-1} through the four gates


def _factors_of_one(factors, rows, before, held):
    """Fill (n, 12H): what ∂C, ∂a_o, ∂a_i, ∂a_f, ∂a_g, ∂C_{t-1} have of `later`, what reaches C_t, and of ∂h.

    ∂C = later + ∂h · ∂h/∂C, and all but ∂a_o follow ∂C.
    """
    of_later, of_dh = parts(blocks(factors, 12), 6, 6)
    of_dh[0], of_dh[1], *of_dc = slopes(rows, before, held)
    of_later[0], of_later[1] = 1, 0
    for k, factor in enumerate(of_dc, start=2):
        of_later[k] = factor
        np.multiply(factor, of_dh[0], of_dh[k])


def _backward_batch(rows, dh_direct, step, out, back_to_h, held):
    """Many sequences: the chain rule as it stands, with no more to compute than it asks for."""
    dc, da_o, da_i, da_f, da_g, dc_later, dh = parts(step, *[1] * 7)
    da, add, mul = step[len(dh) : 5 * len(dh)], np.add, np.multiply
    for steps in stretches_backward(len(out), max(FEWEST, 2**16 // step.size)):
        factors = slopes(rows[1:][steps], rows[:-1][steps], during(held, steps))
        backwards = (stretch[::-1] for stretch in (dh_direct[steps], out[steps], *factors))
        for direct, row, of_c, of_o, of_i, of_f, of_g, kept in zip(*backwards):
            add(dh, direct, dh)
            mul(dh, of_o, da_o)
            mul(dh, of_c, dc)
            add(dc, dc_later, dc)
            mul(dc, of_i, da_i)
            mul(dc, of_f, da_f)
            mul(dc, of_g, da_g)
            mul(dc, kept, dc_later)
            row[...] = step
            back_to_h(da, dh)


def jacobians(params, rows, options, held=EMPTY) -> StepJacobians:
    """∂C_t/∂h_{t-1} through i, f and g; ∂h_t/∂h_{t-1} through o and through C_t."""
    H = params["weight_hh"].shape[1]
    h_by_c, *by_gate, c_by_c = slopes(rows[1:], rows[:-1], held)
    W_i, W_f, W_g, W_o = parts(params["weight_hh"], *[1] * 4)

    by_h = np.empty((len(c_by_c), 2 * H, H), rows.dtype)
    by_o, by_i, by_f, by_g = (factor[:, :, None] for factor in by_gate)
    h_by_h, c_by_h = parts(by_h, 1, 1, axis=1)
    np.multiply(by_i, W_i, out=c_by_h)
    c_by_h += by_f * W_f
    c_by_h += by_g * W_g
    np.multiply(h_by_c[:, :, None], c_by_h, out=h_by_h)
    h_by_h += by_o * W_o
    return StepJacobians(by_h, np.concatenate([h_by_c * c_by_c, c_by_c], axis=1), h_by_c)


CELL = Cell(
    name="lstm",
    gates=GATES,
    order=ORDER,
    states=("h", "c"),
    ranges=ranges,
    keep="f",
    options=MappingProxyType({}),
    equations=equations,
    chain=chain,
    phases=(("f",), ("i",), ("g",), ("c",), ("o", "h")),
    phases_back=(("dh",), ("da_o",), ("dc",), ("da_g", "da_i", "da_f")),
    forward=forward,
    backward=backward,
    jacobians=jacobians,
    source="Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000",
)
