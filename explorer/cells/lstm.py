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
    arranged,
    buffer,
    chunks_backward,
    free,
    named,
    parts,
    projected,
)
from explorer.cells.clamp import EMPTY, cut, during, holding

GATES = ("i", "f", "g", "o")
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

    remember = np.asfortranarray(weight_hh).dot
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


def slopes(rows, before, slope, held):
    """How each quantity of a step follows its cause: the factors of the chain rule.

    rows, before   the steps (n, 7H[, B]) and each one's predecessor
    held           what is held at these steps
    slope          (n, 6H[, B]), filled with ∂h/∂C, ∂h/∂a_o, ∂C/∂a_i, ∂C/∂a_f, ∂C/∂a_g, ∂C_t/∂C_{t-1}
    """
    o_i_f, g, _, tanh_c, _ = parts(rows, 3, 1, 1, 1, 1, axis=1)
    c_prev = parts(before, 4, 1, 2, axis=1)[1]
    if rows.ndim == 2:  # a block of one sequence is too short to run along
        o_i_f, g, tanh_c, c_prev = map(np.ascontiguousarray, (o_i_f, g, tanh_c, c_prev))
    σ_slopes, (o, i, f) = 1 - o_i_f, parts(o_i_f, 1, 1, 1, axis=1)
    σ_slopes *= o_i_f
    do, di, df = parts(σ_slopes, 1, 1, 1, axis=1)
    dh_dc, dh_da_o, dc_da_i, dc_da_f, dc_da_g, dc_dc = parts(slope, *[1] * 6, axis=1)
    np.multiply(tanh_c, do, dh_da_o)
    np.multiply(g, di, dc_da_i)
    np.multiply(c_prev, df, dc_da_f)
    np.multiply(i, 1 - g * g, dc_da_g)
    np.multiply(o, 1 - tanh_c * tanh_c, dh_dc)
    dc_dc[...] = f
    if held:
        follows = ((dh_da_o, "o", "h"), (dc_da_i, "i", "c"), (dc_da_f, "f", "c"), (dc_da_g, "g", "c"))
        for factor, *names in (*follows, (dh_dc, "h"), (dc_dc, "c")):
            factor[...] = cut(held, factor, *names)


def backward(params, rows, dh_direct, options, later=None, held=EMPTY):
    """dh_direct (T, H[, B]): the direct ∂L/∂h_t."""
    T, H = dh_direct.shape[:2]
    out = np.empty((T, 6 * H, *rows.shape[2:]), rows.dtype)  # total ∂h, total ∂C | ∂a_o, ∂a_i, ∂a_f, ∂a_g
    step = np.zeros_like(rows[0])  # a row of `out`, and what reaches C_{t-1}
    dh, dc, _da_o, da_ifg_and_dc_later = parts(step, 1, 1, 1, 4)
    dc_and_da_o, da, dc_later, stored = step[H : 3 * H], step[2 * H : 6 * H], step[6 * H :], step[: 6 * H]
    if later:
        dh[...], dc_later[...] = later["h"], later["c"]
    dh_twice, dc_four_times = np.empty_like(dc_and_da_o), np.empty_like(da)
    each_dh, each_dc = dh_twice.reshape(2, *dh.shape), dc_four_times.reshape(4, *dc.shape)

    back_to_h = arranged(params["weight_hh"], GATES, ORDER).T.dot
    add, mul = np.add, np.multiply
    for steps, slope in chunks_backward(out):
        slopes(rows[1:][steps], rows[:-1][steps], slope, during(held, steps))
        by_dh, by_dc = parts(slope[::-1], 2, 4, axis=1)
        for direct, of_dh, of_dc, row in zip(dh_direct[steps][::-1], by_dh, by_dc, out[steps][::-1]):
            add(dh, direct, dh)
            each_dh[...] = dh  # copied side by side, so that one product serves what goes into C and ∂a_o
            mul(dh_twice, of_dh, dc_and_da_o)
            add(dc, dc_later, dc)
            each_dc[...] = dc  # and one ∂a_i, ∂a_f, ∂a_g and ∂C_{t-1}
            mul(dc_four_times, of_dc, da_ifg_and_dc_later)
            row[...] = stored
            back_to_h(da, dh)  # what reaches h_{t-1} through the four gates

    return Backward(
        pre=out[:, 2 * H :],
        state={"h": out[:, :H], "c": out[:, H : 2 * H]},
        initial={"h": dh, "c": dc_later},
        h_prev=rows[:-1, 6 * H :],
    )


def jacobians(params, rows, options, held=EMPTY) -> StepJacobians:
    """∂C_t/∂h_{t-1} through i, f and g; ∂h_t/∂h_{t-1} through o and through C_t."""
    H = params["weight_hh"].shape[1]
    slope = np.empty((len(rows) - 1, 6 * H), rows.dtype)
    slopes(rows[1:], rows[:-1], slope, held)
    h_by_c, *by_gate, c_by_c = parts(slope, *[1] * 6, axis=1)
    W_i, W_f, W_g, W_o = parts(params["weight_hh"], *[1] * 4)

    by_h = np.empty((len(slope), 2 * H, H), rows.dtype)
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
