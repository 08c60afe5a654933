"""Every number derived from a Trace or its Gradients.

Norms are Euclidean, over the units of one layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer.deep import DeepGradients
from explorer.scaled import log10_norm
from explorer.trace import Gradients, Trace

ALIVE, DEAD, EXPLODING = 1e-1, 1e-6, 1e3  # the bands of every gradient axis
SHUT, OPEN = 0.1, 0.9  # Karpathy, Johnson & Li 2015 (arXiv 1506.02078) count saturation beyond these


def norm(array: np.ndarray) -> np.ndarray:
    """The norm over the last axis, (…, H) -> (…).

    Where the square would come near the ends of floats, the entries are scaled by the largest first, so that a gradient
    of 1e-200 does not vanish.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        squares = np.asarray(np.vecdot(array, array))
        ends = np.finfo(squares.dtype)
        extreme = ~((squares > ends.tiny / ends.eps**2) & (squares < ends.max * ends.eps))
        sizes = np.asarray(np.sqrt(squares))
        if extreme.any():
            rows = array[extreme]
            largest = np.abs(rows).max(axis=-1)
            scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
            sizes[extreme] = scale * np.sqrt(np.square(rows / scale[..., None]).sum(axis=-1))
    return sizes[()]


def norms(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The norm of each quantity at each step, {name: (T, B)}: of a Trace's values, of grads.state, grads.pre."""
    return {name: norm(array) for name, array in arrays.items()}


def saturation(gate: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """The shares of a gate below 0.1 (shut) and above 0.9 (open), each in [0, 1].

    axis -1 counts units at every step, axis 0 counts steps for every unit, as Karpathy et al. 2015 do. NaN where one of
    those counted is NaN.
    """
    unknown = np.isnan(gate).any(axis=axis)
    shut, opened = (gate < SHUT).mean(axis=axis), (gate > OPEN).mean(axis=axis)
    return np.where(unknown, np.nan, shut)[()], np.where(unknown, np.nan, opened)[()]


def half_life(trace: Trace) -> np.ndarray:
    """Steps until the gate that keeps has halved the memory, ln ½ / ln f per unit: (T, B, H).

    Taken from the pre-activation, ln σ(a) = −ln(1 + e⁻ᵃ), so that it stays right where f rounds to 1.
    Raises ValueError for a cell without such a gate.
    """
    if trace.cell.keep is None:
        raise ValueError(f"{trace.cell.name} has no gate that keeps, so its memory has no half-life")
    a = trace[f"a_{trace.cell.keep}"]
    if not trace.options.get("z_keeps", True):
        a = -a
    with np.errstate(all="ignore"):  # a gate that lets nothing slip keeps for ever
        lost = np.logaddexp(0, -a)
        if trace.cell.keep in trace.held:  # its pre-activation has no say
            pinned = trace.held[trace.cell.keep][:, None]
            lost = np.where(np.isnan(pinned), lost, 0 - np.log(_kept(trace, pinned)))
        return np.log(2) / lost


def _kept(trace: Trace, gate: np.ndarray) -> np.ndarray:
    """The share of the memory that a value of the keep gate keeps."""
    return gate if trace.options.get("z_keeps", True) else 1 - gate


def gradient_half_life(log10_norms: np.ndarray) -> np.ndarray:
    """Steps in which a gradient norm has halved on average on its way from the loss back to each step: (T, …).

    log10_norms   (T, …), as `DeepGradients.log10_norms` gives them, of a loss at the last step only

    Infinite where the norm has not shrunk, 0 where nothing arrives, NaN at the last step itself and where one of the
    two norms is no finite number. Beside `half_life`, the promise of the gate, it is what the gradient does.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = log10_norms[-1] - log10_norms
        steps = np.arange(len(lost))[::-1].reshape(-1, *[1] * (lost.ndim - 1))
        lives = steps * np.log10(2) / np.maximum(lost, 0)
    lives[np.isposinf(log10_norms) | np.isposinf(log10_norms[-1])] = np.nan
    lives[-1] = np.nan
    return lives


def moved(trace: Trace, original: Trace, name: str = "h") -> np.ndarray:
    """How far a run lies from another of the same sizes, ‖q_t − q_t′‖ of one quantity: (T, B)."""
    with np.errstate(invalid="ignore", over="ignore"):  # of two runs that have overflown nothing is left to compare
        return norm(trace[name] - original[name])


def reach(distance: np.ndarray, size: np.ndarray, share: float = 0.01) -> int | None:
    """The last step, counted from 1, at which a distance (T,) is more than a share of a size (T,); None if never.

    Where one of the two is no number, nothing says that the distance has become small: that counts as more.
    """
    beyond = np.flatnonzero(~(distance <= share * size))
    return int(beyond[-1]) + 1 if len(beyond) else None


def slopes_and_weights(trace: Trace, grads: DeepGradients) -> tuple[np.ndarray, np.ndarray]:
    """By what a step of an RNN changes the gradient: log₁₀ of the factors of φ′ and of W_hh, (T, B) each.

    The gradient on its way from h_t to h_{t-1} is multiplied by φ′(a_t), then by W_hhᵀ; the factors are
    ‖∂L/∂a_t‖ / ‖∂L/∂h_t‖ and ‖W_hhᵀ ∂L/∂a_t‖ / ‖∂L/∂a_t‖. With the loss at the last step only, both together
    summed over the steps t … T are log₁₀ ‖∂L/∂h_{t-1}‖ − log₁₀ ‖∂L/∂h_T‖. NaN where no gradient is left,
    or where it is no finite number.

    Raises ValueError for a gated cell: its gradient is a sum over several roads, and no one factor is saturation's.
    """
    if trace.cell.gates != ("h",):
        raise ValueError(
            f"the gradient of {trace.cell.name} is a sum over several roads, not one product of slopes and weights: "
            "expected an rnn"
        )
    pre = grads.pre["h"]
    with np.errstate(all="ignore"):
        total, after, before = (log10_norm(rows) for rows in (grads.state["h"], pre, pre @ trace.params["weight_hh"]))
        return after - total, before - after


def depth(gradient: np.ndarray, threshold: float = DEAD) -> int | None:
    """How many steps back from the loss a gradient norm (T,) first falls to `threshold` or below, else None.

    The loss is taken to sit at the last step with a gradient.
    """
    with np.errstate(divide="ignore"):
        return dies(np.log10(gradient), threshold)


def dies(log10_norms: np.ndarray, threshold: float = DEAD) -> int | None:
    """The same for log₁₀ of the norms (T,), which know no underflow."""
    alive = np.flatnonzero(~np.isneginf(log10_norms))
    last = alive[-1] if len(alive) else len(log10_norms) - 1
    below = np.flatnonzero(log10_norms[: last + 1] <= np.log10(threshold))
    return int(last - below[-1]) if len(below) else None


def overflow(trace: Trace, *, below: bool = True) -> int | None:
    """The first step, counted from 1, at which a state of any layer is no finite number; None if all are.

    below   look at the layers below in a stack, too
    """
    layers = trace.layers if below else (trace,)
    states = (layer[q] for layer in layers for q in layer.cell.states)
    sound = np.all([np.isfinite(rows).all(axis=(1, 2)) for rows in states], axis=0)
    return None if sound.all() else int(sound.argmin()) + 1


def gradient_overflow(grads: Gradients) -> int | None:
    """The last step, counted from 1, of whose states in any layer the gradient is no finite number: where it has
    overflown on its way back; None if all are.
    """
    totals = (rows for layer in grads.layers for rows in layer.state.values())
    sound = np.all([np.isfinite(rows).all(axis=(1, 2)) for rows in totals], axis=0)
    return None if sound.all() else int(np.flatnonzero(~sound)[-1]) + 1
