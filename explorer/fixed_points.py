"""Where a network would stay if its input stood still: the fixed points of one step, and what happens beside them.

With the input held at x, a step is a map of the state s (h, and C for an LSTM) to the next. A fixed point is a state
that it leaves alone; the eigenvalues of the Jacobian there say whether states beside it are drawn in (all below 1 in
size: an attractor, a memory) or leave (Sussillo & Barak 2013, "Opening the black box").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.check import real, shaped
from explorer.jacobian import whole_states
from explorer.trace import Trace
from explorer.unroll import Carried, run

ROUNDS, WANDERING = 40, 200  # of Newton; of the map itself, which ends in attractors
WORK = 2**16  # starts · (numbers in a state)²
EXACT = 1e-10  # the largest |F(s) − s| of a point that counts, relative to the size of s
APART = 1e-5  # nearer ones are one point
FAR = 1e3  # |s| beyond which a search is given up
STRIDE = 1.0  # the longest step of Newton in any coordinate


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A state that a step leaves where it is, under a held input.

    state         (S·H,), h and then C
    residual      the largest |F(s) − s| of a coordinate
    eigenvalues   (S·H,) complex, of the Jacobian of the step there, the largest first
    """

    state: np.ndarray
    residual: float
    eigenvalues: np.ndarray

    @property
    def attracts(self) -> bool:
        """Whether all states near enough are drawn to it."""
        return bool(np.abs(self.eigenvalues[0]) < 1)


def states_of(trace: Trace, sequence: int = 0) -> np.ndarray:
    """All states as one vector a step, (T, S·H)."""
    return np.concatenate([trace[q][:, sequence] for q in trace.cell.states], axis=1).astype(float)


def one_step(trace: Trace, x: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, Trace]:
    """One step of this layer from each of the states (n, S·H) under the input x (D,): (next states, their trace)."""
    params = {name: array.astype(float) for name, array in trace.params.items()}
    parts = np.split(np.asarray(states, float), len(trace.cell.states), axis=1)
    held = np.broadcast_to(real(shaped(x, (trace.D,), "x"), float, "x"), (1, len(states), trace.D))
    step = run(trace.cell.name, params, held, Carried(zip(trace.cell.states, parts)), **trace.options)
    return np.concatenate([step[q][0] for q in trace.cell.states], axis=1), step


def jacobians_of(step: Trace) -> np.ndarray:
    """∂s_1/∂s_0 of each sequence of a trace of one step: (B, S·H, S·H)."""
    B = step.B
    tape = step.tape if B > 1 else step.tape[:, :, None]
    rows = tape.transpose(2, 0, 1).reshape(2 * B, -1)  # before, after, before, after …: every other pair is a step
    made = step.cell.jacobians(step.params, rows, step.options)
    fields = (part[::2] for part in (made.by_h, made.by_c, made.h_by_c) if part is not None)
    return whole_states(type(made)(*fields))


@np.errstate(all="ignore")  # a step of a ReLU may overflow
def fixed_points(trace: Trace, x: np.ndarray, *, seed: int = 0) -> list[FixedPoint]:
    """The fixed points of this layer's step under the input x (D,) that a search finds, the most attracting first.

    Newton's method starts from states of the run, from what a long run under x ends in, and from states drawn with
    `seed`, fewer the larger the state is. Points are kept if they lie where the cell's h can lie, |s| ≤ 1,000, and
    pass the step once more. A search can miss points: what it finds are some.
    """
    n, rng = trace.H * len(trace.cell.states), np.random.default_rng(seed)
    count = int(np.clip(WORK // n**2, 8, 48))
    seen = states_of(trace)
    seen = seen[np.isfinite(seen).all(axis=1) & (np.abs(seen) < FAR).all(axis=1)]
    taken = seen[np.linspace(0, len(seen) - 1, min(len(seen), count // 3)).astype(int)] if len(seen) else seen
    reach = max(1.0, 1.5 * np.abs(seen).max(initial=0))
    drawn = rng.uniform(-reach, reach, (count - len(taken), n))
    drawn[:, : trace.H] = np.clip(drawn[:, : trace.H], *_bounds(trace))
    starts = np.concatenate([np.zeros((1, n)), taken, drawn])
    wandered = starts
    for _ in range(WANDERING):
        wandered, _ = one_step(trace, x, wandered)
        wandered = np.where(np.abs(wandered) < FAR, wandered, 0)
    _, first = np.unique(wandered.round(4), axis=0, return_index=True)
    return _distinct(trace, x, _newton(trace, x, np.concatenate([starts, wandered[first]])))


def _bounds(trace: Trace) -> tuple[float, float]:
    """Between what h can lie."""
    return trace.cell.ranges(trace.options).get("h", (-FAR, FAR))


def _newton(trace: Trace, x, states: np.ndarray) -> np.ndarray:
    """Newton's method on F(s) − s from all states side by side; returns those that have come to rest."""
    identity, rested = np.eye(states.shape[1]), [states[:0]]
    for _ in range(ROUNDS):
        after, step = one_step(trace, x, states)
        off = after - states
        rests = np.abs(off).max(axis=1) <= EXACT / 100 * np.maximum(1, np.abs(states).max(axis=1))
        rested.append(states[rests])
        if rests.all():
            break
        matrix = (identity - jacobians_of(step))[~rests]
        matrix += 1e-13 * identity  # a state on the edge between two basins has no one way to go
        ahead = np.linalg.solve(matrix, off[~rests, :, None])[:, :, 0]
        longest = np.abs(ahead).max(axis=1, keepdims=True)
        states = states[~rests] + ahead * np.minimum(1, STRIDE / np.maximum(longest, 1e-300))
        states = states[np.isfinite(states).all(axis=1) & (np.abs(states) < FAR).all(axis=1)]
        if not len(states):
            break
    return np.concatenate(rested)


def _distinct(trace: Trace, x, states: np.ndarray) -> list[FixedPoint]:
    """Those that pass the check, each once."""
    low, high = _bounds(trace)
    h = states[:, : trace.H]
    states = states[((h >= low) & (h <= high)).all(axis=1)]
    if not len(states):
        return []
    after, step = one_step(trace, x, states)
    residuals = np.abs(after - states).max(axis=1)
    fine = residuals <= EXACT * np.maximum(1, np.abs(states).max(axis=1))
    found, matrices = [], jacobians_of(step)
    for state, residual, matrix in zip(states[fine], residuals[fine], matrices[fine]):
        if any(np.abs(state - other.state).max() < APART * max(1, np.abs(state).max()) for other in found):
            continue
        values = np.linalg.eigvals(matrix)
        found.append(FixedPoint(state, float(residual), values[np.argsort(-np.abs(values))]))
    return sorted(found, key=lambda point: abs(point.eigenvalues[0]))
