"""GRU: one state, two gates.

    r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)           look back or not
    z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)           keep the old
    n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t-1} + b_hn))   the candidate
    h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t-1}

Two conventions differ between the texts:

reset_after   True: r multiplies the recurrent product, as above (PyTorch, cuDNN, Keras' default).
              False: r multiplies h before it, n = tanh(W_in x + b_in + W_hn (r ⊙ h_{t-1}) + b_hn) (Cho 2014).
z_keeps       True: z = 1 keeps the old state, as above (Cho 2014, PyTorch, Keras).
              False: z = 1 takes the new one, h_t = (1 − z) ⊙ h_{t-1} + z ⊙ n (Chung 2014). This is a
              label only: the same network, with the signs of z's weights turned round.
"""

from types import MappingProxyType

import numpy as np

from explorer.cells.base import (
    Backward,
    Cell,
    StepJacobians,
    arranged,
    buffer,
    free,
    named,
    outer,
    parts,
    projected,
    summed,
)
from explorer.cells.clamp import EMPTY, cut, holding

GATES = ("r", "z", "n")
ORDER = ("n", "r", "z")  # so that both (n, r, z) and (r, z, recurrent part of n) are contiguous


def equations(options) -> dict[str, str]:
    def gate(q):
        return f"sigmoid(W_i{q} @ x + b_i{q} + W_h{q} @ h_prev + b_h{q})"

    recurrent = "r * (W_hn @ h_prev + b_hn)" if options["reset_after"] else "W_hn @ (r * h_prev) + b_hn"
    old, new = ("z", "(1 - z)") if options["z_keeps"] else ("(1 - z)", "z")
    return {
        "r": gate("r"),
        "z": gate("z"),
        "n": f"tanh(W_in @ x + b_in + {recurrent})",
        "h": f"{new} * n + {old} * h_prev",
    }


def chain(options, held=()) -> dict[str, str]:
    keep, take, pull = ("z", "(1 - z)", "h_prev - n") if options["z_keeps"] else ("(1 - z)", "z", "n - h_prev")
    kept = f"{free(held, 'h_next')}dh_next * {keep.replace('z', 'z_next')}"
    if options["reset_after"]:
        via_n, reset = "W_hn.T @ (da_n_next * r_next)", "da_n * (W_hn @ h_prev + b_hn)"
    else:
        via_n, reset = "r_next * (W_hn.T @ da_n_next)", "(W_hn.T @ da_n) * h_prev"
    return {
        "dh": f"dh_direct + {kept} + W_hr.T @ da_r_next + W_hz.T @ da_z_next + {via_n}",
        "da_n": f"{free(held, 'n', 'h')}dh * {take} * (1 - n * n)",
        "da_z": f"{free(held, 'z', 'h')}dh * ({pull}) * z * (1 - z)",
        "da_r": f"{free(held, 'r')}{reset} * r * (1 - r)",
    }


def ranges(options) -> dict[str, tuple[float, float]]:
    return {"r": (0, 1), "z": (0, 1), "n": (-1, 1), "h": (-1, 1)}


def relabelled(params, options):
    """The same network with z = 1 keeping the old state, whichever way round z was labelled."""
    if options["z_keeps"]:
        return params
    sign = np.repeat([1, -1, 1], len(params["bias_hh"]) // 3).astype(params["bias_hh"].dtype)
    return {name: (array.T * sign).T for name, array in params.items()}


def read_as_keep(held, options):
    """The same for the values at which z is held."""
    return held if options["z_keeps"] or "z" not in held else held | {"z": 1 - held["z"]}


def forward(params, x, state, options, held=EMPTY):
    """x (T, B, D), state {"h": (B, H)} -> values {name: (T, B, H)}, tape."""
    params, held = relabelled(params, options), read_as_keep(held, options)
    (T, B, _), H = x.shape, params["weight_hh"].shape[1]
    halved = np.repeat(np.array([1, 0.5, 0.5], x.dtype), H)
    weight_ih, weight_hh, bias_ih, bias_hh = (arranged(p, GATES, ORDER) for p in params.values())
    weight_ih, weight_hh = weight_ih * halved[:, None], weight_hh * halved[:, None]
    bias_ih, bias_hh = bias_ih * halved, bias_hh * halved
    outside = np.repeat(np.array([not options["reset_after"], 1, 1], x.dtype), H)

    pre = projected(x, weight_ih, bias_ih + outside * bias_hh)
    rows = buffer(T + 1, 5 * H, B, x.dtype)
    step = np.zeros_like(rows[0])
    step[4 * H :] = state["h"].T.reshape(step[4 * H :].shape)
    rows[0] = step
    loop = _forward_after if options["reset_after"] else _forward_before
    loop(weight_hh, bias_hh[:H], pre, step, rows, held)

    pre[:, H:] *= 2  # the halved sigmoid rows again as a_r, a_z
    values = named(rows[1:], ("r", "z", "q" if options["reset_after"] else "s", "n", "h"), H)
    values |= named(pre, (f"a_{q}" for q in ORDER), H)
    if not options["z_keeps"]:
        values["z"], values["a_z"] = 1 - values["z"], -values["a_z"]
    return values, rows


def _forward_after(weight_hh, bias_hn, pre, step, rows, held):
    """Fill `pre` (T, 3H[, B]) and `rows`, (r, z, q = W_hn h + b_hn, n, h) each."""
    rz, q, n, h = parts(step, 2, 1, 1, 1)
    r, z = parts(rz, 1, 1)
    H = len(h)
    W, recurrent = np.asfortranarray(weight_hh), np.empty_like(pre[0])
    recurrent_n, recurrent_rz = parts(recurrent, 1, 2)
    half, part, bias = np.full_like(rz, 0.5), np.empty_like(h), np.empty_like(h)
    bias.T[...] = bias_hn
    add, sub, mul, tanh = np.add, np.subtract, np.multiply, np.tanh
    open_gates, propose, mix = _holding(held, rows)
    for a_n, a_rz, row in zip(pre[:, :H], pre[:, H:], rows[1:]):
        W.dot(h, recurrent)
        add(a_rz, recurrent_rz, a_rz)
        tanh(a_rz, rz)
        mul(rz, half, rz)
        open_gates(rz, half, rz)
        add(recurrent_n, bias, q)
        mul(r, q, part)
        add(a_n, part, a_n)
        propose(a_n, n)
        sub(h, n, part)
        mul(z, part, part)
        mix(n, part, h)  # n + z (h − n)
        row[...] = step


def _forward_before(weight_hh, bias_hn, pre, step, rows, held):
    """Fill `pre` (T, 3H[, B]) and `rows`, (r, z, s = r ⊙ h, n, h) each."""
    rz, s, n, h = parts(step, 2, 1, 1, 1)
    r, z = parts(rz, 1, 1)
    H = len(h)
    W_n, W_rz = np.asfortranarray(weight_hh[:H]), np.asfortranarray(weight_hh[H:])
    recurrent_rz, recurrent_n = np.empty_like(rz), np.empty_like(h)
    half, part = np.full_like(rz, 0.5), np.empty_like(h)
    add, sub, mul, tanh = np.add, np.subtract, np.multiply, np.tanh
    open_gates, propose, mix = _holding(held, rows)
    for a_n, a_rz, row in zip(pre[:, :H], pre[:, H:], rows[1:]):
        W_rz.dot(h, recurrent_rz)
        add(a_rz, recurrent_rz, a_rz)
        tanh(a_rz, rz)
        mul(rz, half, rz)
        open_gates(rz, half, rz)
        mul(r, h, s)
        W_n.dot(s, recurrent_n)
        add(a_n, recurrent_n, a_n)
        propose(a_n, n)
        sub(h, n, part)
        mul(z, part, part)
        mix(n, part, h)  # n + z (h − n)
        row[...] = step


def _holding(held, rows):
    """The functions that end the gates, the candidate and the state in a loop's step."""
    return (
        holding(np.add, held, ("r", "z"), rows),
        holding(np.tanh, held, ("n",), rows),
        holding(np.add, held, ("h",), rows),
    )


def slopes(rows, held):
    """rows (T + 1, 5H[, B]) -> h_{t-1}, r, q or s, and the factors, (T, H[, B]) each.

    The factors are ∂r/∂a_r, ∂h/∂a_n, ∂h/∂a_z and, beside the gates, ∂h_t/∂h_{t-1}.
    """
    h_prev, (r, z, m, n) = parts(rows[:-1], 4, 1, axis=1)[1], parts(rows[1:], *[1] * 5, axis=1)[:4]
    dh_da_n, dh_da_z = (1 - z) * (1 - n * n), (h_prev - n) * z * (1 - z)
    factors = ((r * (1 - r), "r"), (dh_da_n, "n", "h"), (dh_da_z, "z", "h"), (z, "h"))
    return h_prev, r, m, *(cut(held, *factor) for factor in factors)


def backward(params, rows, dh_direct, options, later=None, held=EMPTY):
    """dh_direct (T, H[, B]): the direct ∂L/∂h_t."""
    params = relabelled(params, options)
    H = dh_direct.shape[1]
    h_prev, r, m, *factors = slopes(rows, held)
    W = arranged(params["weight_hh"], GATES, ORDER)
    loop = _backward_after if options["reset_after"] else _backward_before
    out, initial = loop(W, dh_direct, h_prev, r, m, *factors, later)

    if not options["z_keeps"]:
        out[:, 2 * H : 3 * H] *= -1
    pre, da_rz = out[:, : 3 * H], out[:, H : 3 * H]

    def recurrent():
        if options["reset_after"]:
            by_product = out[:, H : 4 * H]  # of r, z and q = W_hn h + b_hn
            return {"weight_hh": outer(by_product, h_prev)[0], "bias_hh": summed(by_product)}
        da_n = out[:, :H]
        return {
            "weight_hh": np.concatenate([*outer(da_rz, h_prev), *outer(da_n, m)]),
            "bias_hh": np.concatenate([summed(da_rz), summed(da_n)]),
        }

    return Backward(pre=pre, state={"h": out[:, 4 * H :]}, initial={"h": initial}, recurrent=recurrent)


def _backward_after(W, dh_direct, h_prev, r, q, dr_da_r, dh_da_n, dh_da_z, keep, later):
    """-> rows of (∂a_n, ∂a_r, ∂a_z, ∂q, total ∂h), and ∂h_0."""
    slope = np.concatenate([keep, dh_da_n, dh_da_n * q * dr_da_r, dh_da_z, dh_da_n * r], axis=1)
    out, H = np.empty_like(slope), keep.shape[1]
    step, dh_five_times = np.zeros((6 * H, *out.shape[2:]), out.dtype), np.empty_like(out[0])
    kept, _da_n, recurrent, dh = parts(step, 1, 1, 3, 1)
    kept_and_da, stored, each_dh = step[: 5 * H], step[H:], dh_five_times.reshape(5, *dh.shape)
    if later:
        dh[...] = later["h"]
    W_T = np.concatenate([W[H:], W[:H]]).T
    add, mul = np.add, np.multiply
    for direct, factors, row in zip(dh_direct[::-1], slope[::-1], out[::-1]):
        add(dh, direct, dh)
        each_dh[...] = dh  # copied side by side, so that one product serves what is kept, ∂a_n, ∂a_r, ∂a_z and ∂q
        mul(dh_five_times, factors, kept_and_da)
        row[...] = stored
        W_T.dot(recurrent, dh)
        add(dh, kept, dh)
    return out, dh


def _backward_before(W, dh_direct, h_prev, r, s, dr_da_r, dh_da_n, dh_da_z, keep, later):
    """-> rows of (∂a_n, ∂a_r, ∂a_z, ∂s, total ∂h), and ∂h_0."""
    slope = np.concatenate([dh_da_n, h_prev * dr_da_r, dh_da_z, r, keep], axis=1)
    out = np.empty_like(slope)
    step, local = np.zeros_like(out[0]), np.empty_like(out[0])
    da_n, da_r, da_z, ds, dh = parts(step, *[1] * 5)
    by_n, by_r, by_z, by_s, by_h = parts(local, *[1] * 5)
    H = len(dh)
    if later:
        dh[...] = later["h"]
    da_rz, kept, W_nT, W_rzT = step[H : 3 * H], np.empty_like(dh), W[:H].T, W[H:].T
    add, mul = np.add, np.multiply
    for direct, factors, row in zip(dh_direct[::-1], slope[::-1], out[::-1]):
        local[...] = factors
        add(dh, direct, dh)
        mul(dh, by_n, da_n)
        mul(dh, by_z, da_z)
        W_nT.dot(da_n, ds)
        mul(ds, by_r, da_r)
        row[...] = step
        mul(dh, by_h, kept)
        W_rzT.dot(da_rz, dh)
        add(dh, kept, dh)
        mul(ds, by_s, kept)
        add(dh, kept, dh)
    return out, dh


def jacobians(params, rows, options, held=EMPTY) -> StepJacobians:
    """∂h_t/∂h_{t-1}: what is kept, on the diagonal; through z; through n; through r."""
    W_r, W_z, W_n = parts(relabelled(params, options)["weight_hh"], *[1] * 3)
    h_prev, r, q, dr_da_r, dh_da_n, dh_da_z, keep = (factor[:, :, None] for factor in slopes(rows, held))
    if options["reset_after"]:
        new = r * W_n + q * dr_da_r * W_r
    else:  # r is inside the product: W_n (r ⊙ h)
        reset = h_prev * dr_da_r * W_r
        np.einsum("tuu->tu", reset)[...] += r[:, :, 0]
        new = W_n @ reset
    by_h = dh_da_n * new + dh_da_z * W_z
    np.einsum("tuu->tu", by_h)[...] += keep[:, :, 0]
    return StepJacobians(by_h)


CELL = Cell(
    name="gru",
    gates=GATES,
    order=ORDER,
    states=("h",),
    ranges=ranges,
    keep="z",
    options=MappingProxyType({"reset_after": (True, False), "z_keeps": (True, False)}),
    equations=equations,
    chain=chain,
    phases=(("r",), ("z",), ("n",), ("h",)),
    phases_back=(("dh",), ("da_n", "da_z"), ("da_r",)),
    forward=forward,
    backward=backward,
    jacobians=jacobians,
    source="Cho et al. 2014 (arXiv 1406.1078); Chung et al. 2014 (arXiv 1412.3555)",
)
