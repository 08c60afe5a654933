"""Elman's RNN: one state, no gate.

h_t = φ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),  φ = tanh, ReLU or σ
"""

from types import MappingProxyType

import numpy as np

from explorer.cells.base import Backward, Cell, StepJacobians, buffer, free, named, projected
from explorer.cells.clamp import EMPTY, cut, holding

GATES = ("h",)
RANGE = {"tanh": (-1, 1), "sigmoid": (0, 1)}


def equations(options) -> dict[str, str]:
    return {"h": f"{options['activation']}(W_ih @ x + b_ih + W_hh @ h_prev + b_hh)"}


def chain(options, held=()) -> dict[str, str]:
    slope = {"tanh": "(1 - h * h)", "sigmoid": "h * (1 - h)", "relu": "positive(a_h)"}[options["activation"]]
    return {"dh": "dh_direct + W_hh.T @ da_h_next", "da_h": f"{free(held, 'h')}dh * {slope}"}


def ranges(options) -> dict[str, tuple[float, float]]:
    activation = options["activation"]
    return {"h": RANGE[activation]} if activation in RANGE else {}


def squash_into(activation: str, like: np.ndarray):
    """(a, h) -> None, writing φ(a) into h; the sigmoid expects a/2."""
    if activation == "tanh":
        return np.tanh
    if activation == "relu":
        zero = np.zeros_like(like)
        return lambda a, h: np.maximum(a, zero, out=h)
    half = np.full_like(like, 0.5)

    def sigmoid(a, h):
        np.tanh(a, h)
        np.multiply(h, half, h)
        np.add(h, half, h)

    return sigmoid


def slopes(activation: str, h: np.ndarray) -> np.ndarray:
    """φ′(a) as a function of h = φ(a), any shape. A ReLU is shut where h ≤ 0, so that NaN passes as in PyTorch."""
    if activation == "tanh":
        return 1 - h * h
    if activation == "relu":
        return (~(h <= 0)).astype(h.dtype)
    return h * (1 - h)


def sieve(slope: np.ndarray) -> np.ndarray:
    """Slopes of 0 and 1 as whole numbers of 0 bits and of 1 bits: with `bitwise_and` a number passes or becomes 0.

    A product would make NaN of 0 · ∞, where PyTorch's ReLU, which is shut, lets nothing through.
    """
    return -slope.astype(f"i{slope.itemsize}")


def bits(rows: np.ndarray) -> np.ndarray:
    """Floats seen as whole numbers of the same bits."""
    return rows.view(f"i{rows.itemsize}")


def forward(params, x, state, options, held=EMPTY):
    """x (T, B, D), state {"h": (B, H)} -> values {name: (T, B, H)}, tape."""
    (T, B, _), H, activation = x.shape, params["weight_hh"].shape[1], options["activation"]
    halved = x.dtype.type(0.5 if activation == "sigmoid" else 1)
    pre = projected(x, params["weight_ih"] * halved, (params["bias_ih"] + params["bias_hh"]) * halved)
    rows = buffer(T + 1, H, B, x.dtype)
    h = rows[0]
    h[...] = state["h"].T.reshape(h.shape)

    W = np.asfortranarray(params["weight_hh"] * halved)
    recurrent, squash = np.empty_like(h), holding(squash_into(activation, h), held, ("h",), rows)
    add = np.add
    for a, row in zip(pre, rows[1:]):
        W.dot(h, recurrent)
        add(a, recurrent, a)
        squash(a, row)
        h = row

    pre /= halved
    return named(rows[1:], ("h",), H) | named(pre, ("a_h",), H), rows


def backward(params, rows, dh_direct, options, later=None, held=EMPTY):
    """dh_direct (T, H[, B]): the direct ∂L/∂h_t."""
    slope = cut(held, slopes(options["activation"], rows[1:]), "h")
    pre, total = np.empty_like(slope), np.empty_like(slope)
    from_later = later["h"].copy() if later else np.zeros_like(slope[0])

    loop = _through_a_sieve if options["activation"] == "relu" else _through_slopes
    loop(params["weight_hh"].T, dh_direct, slope, pre, total, from_later)

    return Backward(
        pre=pre,
        state={"h": total},
        initial={"h": from_later},
        h_prev=rows[:-1],
    )


def _through_slopes(W_T, dh_direct, slope, pre, total, from_later):
    """Fill ∂L/∂a_t and the total ∂L/∂h_t, and in the end what reaches h_0."""
    add, mul = np.add, np.multiply
    for direct, dh_da, da, dh in zip(dh_direct[::-1], slope[::-1], pre[::-1], total[::-1]):
        add(from_later, direct, dh)
        mul(dh, dh_da, da)
        W_T.dot(da, from_later)


def _through_a_sieve(W_T, dh_direct, slope, pre, total, from_later):
    """The same for a ReLU."""
    add, let_through = np.add, np.bitwise_and
    backwards = (rows[::-1] for rows in (dh_direct, sieve(slope), pre, bits(pre), total, bits(total)))
    for direct, holes, da, da_bits, dh, dh_bits in zip(*backwards):
        add(from_later, direct, dh)
        let_through(dh_bits, holes, da_bits)
        W_T.dot(da, from_later)


def jacobians(params, rows, options, held=EMPTY) -> StepJacobians:
    """∂h_t/∂h_{t-1} = diag(φ′(a_t)) W_hh."""
    slope = cut(held, slopes(options["activation"], rows[1:]), "h")
    return StepJacobians(slope[:, :, None] * params["weight_hh"])


CELL = Cell(
    name="rnn",
    gates=GATES,
    order=GATES,
    states=("h",),
    ranges=ranges,
    keep=None,
    options=MappingProxyType({"activation": ("tanh", "relu", "sigmoid")}),
    equations=equations,
    chain=chain,
    phases=(("h",),),
    phases_back=(("dh",), ("da_h",)),
    forward=forward,
    backward=backward,
    jacobians=jacobians,
    source="Elman 1990",
)
