"""Weights to start from, drawn with a seed."""

from __future__ import annotations

import numbers

import numpy as np

from explorer.cells import CELLS
from explorer.check import known
from explorer.unroll import conventions

SCHEMES = ("pytorch", "xavier", "orthogonal", "identity", "spectral")


def init_params(
    cell: str,
    D: int,
    H: int,
    *,
    seed: int = 0,
    scheme: str = "pytorch",
    forget_bias: float = 0.0,
    chrono: int | None = None,
    gain: float = 1.0,
    layers: int = 1,
    dtype="float64",
    **options,
):
    """Draw the weights of a cell, in PyTorch's names and layout.

    D, H         inputs a step, units of a layer
    scheme       "pytorch"     everything uniform in ±1/√H (PyTorch's default)
                 "xavier"      uniform in ±√(6/(fan in + fan out)) a gate, biases 0 (Glorot & Bengio 2010)
                 "orthogonal"  weight_hh orthogonal a gate, biases 0 (Saxe et al. 2013), weight_ih Xavier
                 "identity"    weight_hh the identity a gate, biases 0 (IRNN; Le et al. 2015), weight_ih Xavier
                               (the paper draws it from N(0, 0.001²))
                 "spectral"    as "pytorch", weight_hh scaled to the spectral radius `gain` a gate
    gain         multiplies weight_hh; under "spectral" it is the spectral radius
    forget_bias  added to the bias of the gate that keeps: f of the LSTM, z of the GRU
    chrono       the longest dependency in steps: the bias of f is drawn as ln U(1, chrono − 1), that of i is
                 its negative; likewise z of the GRU (Tallec & Ollivier 2018). Goes with forget_bias = 0.
    layers       more than one returns a tuple of weights, the layer that reads the input first
    options      the cell's conventions; `z_keeps=False` of the GRU turns the signs of z's weights round, so that
                 the same seed is the same network under both labels

    Returns {"weight_ih": (G·H, D), "weight_hh": (G·H, H), "bias_ih": (G·H,), "bias_hh": (G·H,)}.
    Raises ValueError for a wrong name or number, in one sentence.
    """
    kind = CELLS[known(cell, CELLS, "cell")]
    options = conventions(kind, options)
    known(scheme, SCHEMES, "scheme")
    for name, value in (("D", D), ("H", H), ("layers", layers)):
        if not (isinstance(value, numbers.Real) and value >= 1 and value % 1 == 0):
            raise ValueError(f"{name} must be a whole number of at least 1, but is {value!r}")
    if not (isinstance(seed, numbers.Integral) and seed >= 0):  # None would draw another network every time
        raise ValueError(f"seed must be a whole number of at least 0, but is {seed!r}")
    if dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, but is {dtype}")
    for name, value in (("gain", gain), ("forget_bias", forget_bias), ("chrono", 0 if chrono is None else chrono)):
        if not isinstance(value, numbers.Real):
            raise ValueError(f"{name} must be a number, but is {value!r}")
    if not np.isfinite([gain, forget_bias]).all():
        raise ValueError(f"gain and forget_bias must be finite, but are {gain} and {forget_bias}")
    if kind.keep is None and (forget_bias or chrono is not None):
        raise ValueError(f"{cell} has no gate that keeps: leave forget_bias at 0 and chrono out")
    if chrono is not None and (forget_bias or not 3 <= chrono < np.inf):
        raise ValueError("chrono must be at least 3 steps, with forget_bias left at 0")

    rng = np.random.default_rng(seed)
    stack = tuple(
        _layer(kind, int(D if layer == 0 else H), int(H), rng, scheme, forget_bias, chrono, gain, options, dtype)
        for layer in range(int(layers))
    )
    return stack if layers > 1 else stack[0]


def _layer(cell, D, H, rng, scheme, forget_bias, chrono, gain, options, dtype) -> dict[str, np.ndarray]:
    G = len(cell.gates)
    if scheme in ("pytorch", "spectral"):
        bound = H**-0.5
        weight_ih, weight_hh, bias_ih, bias_hh = (
            rng.uniform(-bound, bound, shape) for shape in ((G, H, D), (G, H, H), (G, H), (G, H))
        )
    else:
        weight_ih = _xavier(rng, (G, H, D))
        weight_hh = {
            "xavier": lambda: _xavier(rng, (G, H, H)),
            "orthogonal": lambda: np.stack([_orthogonal(rng, H) for _ in range(G)]),
            "identity": lambda: np.stack([np.eye(H)] * G),
        }[scheme]()
        bias_ih, bias_hh = np.zeros((2, G, H))
    if scheme == "spectral":
        weight_hh /= np.abs(np.linalg.eigvals(weight_hh)).max(axis=1)[:, None, None]
    weight_hh *= gain

    if cell.keep:
        keep = cell.gates.index(cell.keep)
        bias_ih[keep] += forget_bias
        if chrono is not None:
            bias_ih[keep], bias_hh[keep] = np.log(rng.uniform(1, chrono - 1, H)), 0
            if "i" in cell.gates:
                i = cell.gates.index("i")
                bias_ih[i], bias_hh[i] = -bias_ih[keep], 0
        if not options.get("z_keeps", True):
            for array in (weight_ih, weight_hh, bias_ih, bias_hh):
                array[keep] *= -1
    arrays = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    return {name: array.reshape(G * H, *array.shape[2:]).astype(dtype) for name, array in arrays.items()}


def _xavier(rng, shape) -> np.ndarray:
    bound = (6 / (shape[-1] + shape[-2])) ** 0.5
    return rng.uniform(-bound, bound, shape)


def _orthogonal(rng, H) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((H, H)))
    return q * np.sign(np.diag(r))  # the signs make the draw uniform over all rotations
