"""Find the counter: which units follow the number that the task must keep in mind, and what breaks without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.check import whole
from explorer.training.models import Stack
from explorer.training.runs import TrainingRun
from explorer.training.tasks import Batch


@dataclass(frozen=True)
class Following:
    """How one unit of the last layer follows the count.

    state        "h" or "c"
    unit         an array index, from 0
    correlation  from −1 to 1, over all steps of all sequences that have a count
    slope        of the straight line through the unit's values: how much it changes a count
    """

    state: str
    unit: int
    correlation: float
    slope: float

    @property
    def r2(self) -> float:
        """The share of the unit's variance that the count explains."""
        return self.correlation**2


def followers(run: TrainingRun, batch: Batch | None = None) -> tuple[Following, ...]:
    """All units of h, and of an LSTM's C, the one that follows the count most closely first.

    batch   a probe of the run's task if not given. Raises ValueError for a task without a count.
    """
    batch = _with_count(run, batch)
    counted = ~np.isnan(batch.count)
    count = batch.count[counted] - batch.count[counted].mean()
    (trace,) = run.model(run.weights, batch.x, batch.scored).memory.traces
    found = []
    for state in trace.cell.states:
        values = trace[state][counted].astype(float)  # (N, H)
        values -= values.mean(axis=0)
        together, spread = count @ values, np.sqrt((values**2).sum(axis=0) * (count @ count))
        correlation = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)
        slope = together / max(count @ count, np.finfo(float).tiny)
        found += [Following(state, unit, float(correlation[unit]), float(slope[unit])) for unit in range(trace.H)]
    return tuple(sorted(found, key=lambda unit: -unit.r2))


def lesioned(run: TrainingRun, units: Sequence[int], layer: int = -1) -> dict[str, np.ndarray]:
    """The weights with all ways out of some units cut: to their own layer, to the next one, to the readout.

    Nobody reads h of such a unit any more, which is the same as holding it at 0; its own C goes on inside it.
    """
    stack: Stack = run.model.stack
    layer = whole(layer, -stack.layers, stack.layers - 1, "layer") % stack.layers
    units = [whole(unit, 0, stack.H - 1, "unit") for unit in units]
    above = stack.name("weight_ih", layer + 1) if layer + 1 < stack.layers else "readout.weight"
    weights = {name: array.copy() for name, array in run.weights.items()}
    for name in (stack.name("weight_hh", layer), above):
        weights[name][:, units] = 0
    return weights


def score_by_count(run: TrainingRun, batch: Batch | None = None, weights=None) -> dict[int, float]:
    """{count: the share of right answers at steps with this count}, of other weights if given: see `lesioned`."""
    batch = _with_count(run, batch)
    answer = run.model(run.weights if weights is None else weights, batch.x, batch.scored)
    right = run.task.right(answer.answers, batch.wanted[batch.scored])
    count = batch.count[batch.scored]
    return {int(value): float(right[count == value].mean()) for value in np.unique(count)}


def score_by_distance(run: TrainingRun, distances: Sequence[int], B: int = 64, weights=None) -> dict[int, float]:
    """{distance: score} of sequences never seen, at distances beyond the trained one, too."""
    return {distance: run.score(distance, B, weights) for distance in distances}


def _with_count(run: TrainingRun, batch: Batch | None) -> Batch:
    batch = run.probe(B=64) if batch is None else batch
    if batch.count is None:
        raise ValueError(f"{run.task.name} has no count to follow: take brackets or anbn")
    return batch
