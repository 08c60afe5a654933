"""What the laboratory measures, each number once for all visitors; the cache is bounded in bytes.

A sentence, its figure and the next movement of the cursor ask for the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached
from cachetools.keys import hashkey

from explorer.deep import DeepGradients, deep_backprop
from explorer.experiment import KINDS, Experiment
from explorer.figures.plane import Plane, grid
from explorer.figures.theme import bounds
from explorer.fixed_points import FixedPoint, fixed_points, one_step, states_of
from explorer.jacobian import all_pairs, all_pairs_cost, jacobian_at, singular_values, state_jacobians
from explorer.measures import norm, slopes_and_weights
from explorer.paths import PathSplit, path_split
from explorer.performing import direct_gradient, matched, perform, truncated
from explorer.scaled import Scaled, log10_norm, spectra
from explorer.ui.drawing import MEGABYTE, performed

PAIRS = 2e9  # multiplications that the map of all pairs may take; more steps t are left out
CLOUD = 8e6  # (numbers in a state)³ · steps for the cloud of singular values
GAINS = np.arange(0.2, KINDS["gain"].high + 0.01, 0.2)


def _bytes(value) -> int:
    """What a value holds, near enough: its arrays, wherever they are."""
    if isinstance(value, np.ndarray):
        return 200 + value.nbytes
    if is_dataclass(value):
        return sum(_bytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 64


numbers = LRUCache(96 * MEGABYTE, _bytes)
_lock = Lock()


def remembered(function: Callable) -> Callable:
    """Keep what the function returned, with everything else that the laboratory has measured."""
    return cached(numbers, key=partial(hashkey, function.__name__), lock=_lock)(function)


@remembered
def deep(experiment: Experiment) -> DeepGradients:
    """The gradients of an experiment at any depth."""
    return deep_backprop(performed(experiment).trace, direct_gradient(experiment))


def curve(experiment: Experiment, state: str = "h") -> np.ndarray:
    """log₁₀ ‖∂L/∂state_t‖, (T,)."""
    return deep(experiment).log10_norms(state)[:, 0]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several networks side by side.

    curves   name -> (T,), log₁₀ of the norms; the median of several seeds
    spread   name -> (2, T), the lowest and highest of the seeds; empty for one seed
    rivals   name -> the experiments
    """

    curves: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    rivals: dict[str, tuple[Experiment, ...]]


@remembered
def compared(experiment: Experiment, fair: str) -> Comparison:
    """All networks on the experiment's input, and the LSTM's gradient along C."""
    rivals = matched(experiment, fair)
    rows = {name: np.stack([curve(e) for e in group]) for name, group in rivals.items()}
    rows["lstm_c"] = np.stack([curve(e, "c") for e in rivals["lstm"]])
    with np.errstate(invalid="ignore"):
        curves = {name: np.median(logs, axis=0) for name, logs in rows.items()}
    several = {name: logs for name, logs in rows.items() if len(logs) > 1}
    spread = {name: np.stack([logs.min(axis=0), logs.max(axis=0)]) for name, logs in several.items()}
    return Comparison(curves, spread, rivals)


@remembered
def factors(experiment: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """log₁₀ of what φ′ and W_hh of each step multiply an RNN's gradient by, (T,) each; NaN after the loss."""
    with np.errstate(divide="ignore"):
        slopes, weights = slopes_and_weights(performed(experiment).trace, deep(experiment))
    return slopes[:, 0], weights[:, 0]


@remembered
def step_spectra(experiment: Experiment) -> tuple[range, np.ndarray]:
    """(steps, log₁₀ of the singular values of their Jacobians (steps, S·H)); as many steps as the cost allows."""
    trace = performed(experiment).trace
    width = len(trace.cell.states) * trace.H
    stride = max(1, int(np.ceil(trace.T * max(width, 16) ** 3 / CLOUD)))
    steps = range(1, trace.T + 1, stride)
    spans = [steps] if stride == 1 else [range(t, t + 1) for t in steps]
    jacobians = np.concatenate([state_jacobians(trace, span) for span in spans])
    with np.errstate(divide="ignore"):
        return steps, np.log10(spectra(jacobians))


@remembered
def split(experiment: Experiment) -> PathSplit:
    """The two roads of ∂C_t/∂C_k of an LSTM, t the step of the last loss."""
    return path_split(performed(experiment).trace, experiment.steps_with_loss[-1] + 1)


@remembered
def pairs(experiment: Experiment) -> tuple[int, np.ndarray]:
    """(every so-manieth t, log₁₀ ‖∂h_t/∂h_k‖ (T + 1, T + 1)), within the cost that a page may take."""
    trace = performed(experiment).trace
    every = next(n for n in range(1, trace.T + 1) if all_pairs_cost(trace, every=n)[0] <= PAIRS or n == trace.T)
    return every, all_pairs(trace, every=every)


@remembered
def one_pair(experiment: Experiment, t: int, k: int) -> tuple[Scaled, np.ndarray]:
    """∂h_t/∂h_k as a matrix, and log₁₀ of its singular values."""
    trace = performed(experiment).trace
    return jacobian_at(trace, t, k), singular_values(trace, t, k)


@remembered
def step_sizes(experiment: Experiment, steps: tuple[int, ...]) -> list[tuple[float, float]]:
    """(log₁₀ of the largest singular value, log₁₀ of the Frobenius norm) of the state Jacobian of each step."""
    trace = performed(experiment).trace
    found = []
    for t in steps:
        (jacobian,) = state_jacobians(trace, range(t, t + 1))
        with np.errstate(divide="ignore"):
            largest = float(np.log10(np.linalg.norm(jacobian, 2))) if np.isfinite(jacobian).all() else np.nan
            found.append((largest, float(log10_norm(jacobian, axes=2))))
    return found


@remembered
def weight_sizes(experiment: Experiment) -> np.ndarray:
    """log₁₀ of the norm of the gradient of all weights together, at each of GAINS; NaN where it overflows."""
    logs = []
    for gain in GAINS:
        made = perform(experiment.replace(gain=float(gain)))
        parts = [norm(array.ravel()) for layer in made.grads.layers for array in layer.params.values()]
        with np.errstate(divide="ignore"):
            logs.append(np.log10(norm(np.array(parts))))
    return np.where(np.isposinf(logs), np.nan, logs)


@dataclass(frozen=True, eq=False)
class Cut:
    """Truncated backpropagation beside the whole.

    curve   (T,), log₁₀ ‖∂L/∂h_t‖ with the gradient cut
    kept    the norm of the cut ∂L/∂W_hh over that of the whole
    cosine  between the two
    """

    curve: np.ndarray
    kept: float
    cosine: float


@remembered
def cut(experiment: Experiment, window: int) -> Cut:
    """Backpropagation cut at every `window` steps."""
    made = performed(experiment)
    states, weights = truncated(made, window)
    part, whole = weights["weight_hh"].ravel(), made.grads.params["weight_hh"].ravel()
    sizes = norm(part), norm(whole)
    if not (np.isfinite(sizes).all() and min(sizes) > 0):  # no number, or none to measure by
        return Cut(log10_norm(states["h"]), float("nan"), float("nan"))
    return Cut(log10_norm(states["h"]), float(sizes[0] / sizes[1]), float((part / sizes[0]) @ (whole / sizes[1])))


@dataclass(frozen=True, eq=False)
class Portrait:
    """The states of a run in a plane, and the map of one step there.

    plane, limit   the plane, and how far it is shown
    states         (T, S·H)
    flow           (n, 2), where the step takes the states at `grid(limit)`, less where they are
    points         the fixed points under the input of the step
    """

    plane: Plane
    limit: float
    states: np.ndarray
    flow: np.ndarray
    points: list[FixedPoint]


@remembered
def portrait(experiment: Experiment, t: int) -> Portrait:
    """The last layer's states under the input of step t, for a state of at least two numbers."""
    trace = performed(experiment).trace
    x, states = trace.x[t - 1, 0], states_of(trace)
    found = fixed_points(trace, x)
    view = _plane(trace.cell.name, trace.H, states)
    shadows = [view.shadow(states), *([view.shadow(np.array([p.state for p in found]))] if found else [])]
    limit = bounds(np.concatenate(shadows))
    here = view.points(grid(limit), states[t - 1])
    after, _ = one_step(trace, x, here)
    return Portrait(view, limit, states, view.shadow(after) - view.shadow(here), found)


def _plane(cell: str, H: int, states: np.ndarray) -> Plane:
    """h₁–h₂ for two units, h–C for one unit of an LSTM, else the first two principal components of the states."""
    T, n = states.shape
    spread = states - states.mean(axis=0)
    if n == 2 or H == 2:
        axes, names = np.eye(2, n), ("h_1", "h_2") if H == 2 else ("h_1", "c_1")
        origin = np.zeros(n)
    else:
        axes, names, origin = np.linalg.svd(spread, full_matrices=n > T)[2][:2], ("pc_1", "pc_2"), states.mean(axis=0)
        axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]  # of two signs the same one
    inside = spread @ axes.T
    whole = np.square(spread).sum()
    return Plane(origin, axes, names, n == 2, float(np.square(inside).sum() / whole) if whole else 1.0)
