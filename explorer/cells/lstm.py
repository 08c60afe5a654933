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

from explorer.cells.base import Backward, Cell, arranged, buffer, named, outer, parts, projected, summed

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


def ranges(options) -> dict[str, tuple[float, float]]:
    return {"i": (0, 1), "f": (0, 1), "g": (-1, 1), "o": (0, 1), "h": (-1, 1)}


def forward(params, x, state, options):
    """x (T, B, D), state {"h", "c": (B, H)} -> values {name: (T, B, H)}, tape."""
    (T, B, _), H, dtype = x.shape, params["weight_hh"].shape[1], x.dtype
    halved = np.repeat(np.array([0.5, 0.5, 0.5, 1], dtype), H)
    weight_ih, weight_hh, bias_ih, bias_hh = (arranged(p, GATES, ORDER) for p in params.values())

    pre = projected(x, weight_ih * halved[:, None], (bias_ih + bias_hh) * halved)
    rows = buffer(T + 1, 7 * H, B, dtype)
    step = np.zeros_like(rows[0])
    o, i_f, g, c, tanh_c, h = parts(step, 1, 2, 1, 1, 1, 1)
    gates, σ, g_c = step[: 4 * H], step[: 3 * H], step[3 * H : 5 * H]
    h[...], c[...] = (state[q].T.reshape(h.shape) for q in ("h", "c"))
    rows[0] = step

    W = np.asfortranarray(weight_hh * halved[:, None])
    recurrent, half, products = np.empty_like(gates), np.full_like(σ, 0.5), np.empty_like(g_c)
    i_times_g, f_times_c = parts(products, 1, 1)
    dot, add, mul, tanh, copy = np.dot, np.add, np.multiply, np.tanh, np.positive
    for a, row in zip(pre, rows[1:]):
        dot(W, h, recurrent)
        add(a, recurrent, a)
        tanh(a, gates)
        mul(σ, half, σ)
        add(σ, half, σ)
        mul(i_f, g_c, products)
        add(i_times_g, f_times_c, c)
        tanh(c, tanh_c)
        mul(o, tanh_c, h)
        copy(step, row)

    pre[:, : 3 * H] *= 2  # the halved sigmoid rows again as a_o, a_i, a_f
    values = named(rows[1:], (*ORDER, "c", "tanh_c", "h"), H) | named(pre, (f"a_{q}" for q in ORDER), H)
    return {q: values[q] for q in (*GATES, "c", "h", *(f"a_{q}" for q in GATES))}, rows


def slopes(rows, H):
    """How each quantity of a step follows its cause, (T, 6H[, B]): the factors of the chain rule.

    ∂h/∂a_o, ∂C/∂a_i, ∂C/∂a_f, ∂C/∂a_g, ∂h/∂C, and ∂C_t/∂C_{t-1} = f.
    """
    slope = np.empty((len(rows) - 1, 6 * H, *rows.shape[2:]), rows.dtype)
    chunk = max(1, 2**16 // step_size(slope))  # so that the pieces stay in the cache
    for start in range(0, len(slope), chunk):
        now = rows[1 + start : 1 + start + chunk]
        c_prev = rows[start : start + len(now), 4 * H : 5 * H]
        σ, o, i, f = now[:, : 3 * H], now[:, :H], now[:, H : 2 * H], now[:, 2 * H : 3 * H]
        g, tanh_c = now[:, 3 * H : 4 * H], now[:, 5 * H : 6 * H]
        s = slope[start : start + len(now)]
        s_σ, s_o, s_i, s_f = s[:, : 3 * H], s[:, :H], s[:, H : 2 * H], s[:, 2 * H : 3 * H]
        s_g, s_h, s_c = s[:, 3 * H : 4 * H], s[:, 4 * H : 5 * H], s[:, 5 * H :]

        np.multiply(σ, σ, s_σ)
        np.subtract(σ, s_σ, s_σ)  # σ′ = σ(1 − σ)
        np.multiply(s_o, tanh_c, s_o)
        np.multiply(s_i, g, s_i)
        np.multiply(s_f, c_prev, s_f)
        np.multiply(g, g, s_g)
        np.multiply(s_g, i, s_g)
        np.subtract(i, s_g, s_g)  # i (1 − g²)
        np.multiply(tanh_c, tanh_c, s_h)
        np.multiply(s_h, o, s_h)
        np.subtract(o, s_h, s_h)  # o (1 − tanh² C)
        s_c[...] = f
    return slope


def step_size(rows) -> int:
    """Numbers in one row."""
    return rows[0].size


def backward(params, rows, dh_direct, options):
    """dh_direct (T, H[, B]): the direct ∂L/∂h_t."""
    T, H = len(dh_direct), dh_direct.shape[1]
    slope = slopes(rows, H)
    out = np.empty_like(slope)
    step, local = np.zeros_like(out[0]), np.empty_like(out[0])
    da_o, da_i, da_f, da_g, dh, dc = parts(step, *[1] * 6)
    dh_da_o, dc_da_i, dc_da_f, dc_da_g, dh_dc, dc_dc = parts(local, *[1] * 6)
    da, via_h = step[: 4 * H], np.empty_like(dh)

    W_T = arranged(params["weight_hh"], GATES, ORDER).T
    dot, add, mul, copy = np.dot, np.add, np.multiply, np.positive
    for direct, factors, row in zip(dh_direct[::-1], slope[::-1], out[::-1]):
        copy(factors, local)
        add(dh, direct, dh)
        mul(dh, dh_dc, via_h)
        add(dc, via_h, dc)
        mul(dh, dh_da_o, da_o)
        mul(dc, dc_da_i, da_i)
        mul(dc, dc_da_f, da_f)
        mul(dc, dc_da_g, da_g)
        copy(step, row)
        mul(dc, dc_dc, dc)  # what reaches C_{t-1} along the conveyor
        dot(W_T, da, dh)  # what reaches h_{t-1} through the four gates

    pre = out[:, : 4 * H]
    weight_hh, bias_hh = outer(pre, rows[:-1, 6 * H :]), summed(pre)
    return Backward(
        pre=pre,
        state={"h": out[:, 4 * H : 5 * H], "c": out[:, 5 * H :]},
        initial={"h": dh, "c": dc},
        recurrent={
            "weight_hh": arranged(weight_hh, ORDER, GATES),
            "bias_hh": arranged(bias_hh, ORDER, GATES),
        },
    )


CELL = Cell(
    name="lstm",
    gates=GATES,
    order=ORDER,
    states=("h", "c"),
    ranges=ranges,
    keep="f",
    options=MappingProxyType({}),
    equations=equations,
    forward=forward,
    backward=backward,
    source="Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000",
)
