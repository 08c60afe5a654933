"""A training under way: one update after the other, put away and taken up again at any of them.

Batch n follows from the data seed and n alone, so there is no state of a generator to keep, networks that are
trained side by side see the same batches, and a run taken up again goes on bit by bit as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.check import whole
from explorer.deep import deep_backprop
from explorer.measures import norm
from explorer.training.history import History, Record
from explorer.training.losses import LOSSES
from explorer.training.models import Answer, Reader, packed, views
from explorer.training.optimisers import CLIPPING, SCHEDULES, blank_memory
from explorer.training.parts import Memory, Reached
from explorer.training.settings import Settings
from explorer.training.specification import VOLUME, Training
from explorer.training.tasks import Batch, Task

LEARN, PROBE = 1, 2  # what a batch is for: the second number of its seed
WINDOW = 20  # updates over which a score is averaged before a task counts as learnt
QUIET = {"all": "ignore"}  # a training that explodes is a result, not a fault; and NumPy then need not look


class Exploded(ValueError):
    """A loss or a gradient is no finite number."""


@dataclass(frozen=True, eq=False)
class Look:
    """One batch through a model, forward and backward.

    loss, score   of its answers
    answers       (N, K), in the order of what is scored
    memory        what the stack that reads did: its traces
    gradient      {name: ∂L/∂weights}
    reached       the gradient at every step of it
    """

    loss: float
    score: float
    answers: np.ndarray
    memory: Memory
    gradient: dict
    reached: Reached


def look(model: Reader, weights, task: Task, batch: Batch, truncate: int = 0) -> Look:
    """Answer a batch, and go back through it. Raises Exploded if the loss is no finite number."""
    answer = model(weights, batch.x, batch.scored, truncate)
    loss, slope = cost(task, answer, batch)
    gradient, reached = answer.back(slope)
    return Look(loss, task.score(answer.answers, batch), answer.answers, answer.memory, gradient, reached)


def cost(task: Task, answer: Answer, batch: Batch) -> tuple[float, np.ndarray]:
    """The loss of a task, and its slope by the answers."""
    wanted = batch.wanted[batch.scored]
    loss, slope = LOSSES[task.loss](answer.answers, wanted if task.loss == "cross_entropy" else wanted[:, None])
    return sound(loss, slope)


def sound(loss: float, slope: np.ndarray) -> tuple[float, np.ndarray]:
    """Both as they are; raises Exploded if they are no finite numbers."""
    if not (np.isfinite(loss) and np.isfinite(slope).all()):
        raise Exploded(f"the loss is {loss}")
    return loss, slope


class Run:
    """A training under way; `TrainingRun`, `TranslationRun` and `ReviewRun` say what is looked at.

    training   what is trained, and how
    vector     all weights, one vector; `weights` are the same by name
    memory     what the optimiser remembers, {name: vector}
    count      updates made
    distance   how hard the next batch is; only that of a task grows
    history    what has been seen of every update
    exploded   a loss, a gradient or a weight was no finite number; the last good weights stay
    """

    goal: float  # the score from which it counts as learnt
    distances: tuple[int, int]  # the first and the full distance

    def __init__(self, training: Settings):
        self.training, self.model = training, training.model
        self.rewind()

    def look(self, update: int) -> Look:
        """The batch of an update, counted from 0, through the weights of now."""
        raise NotImplementedError

    def rewind(self) -> None:
        """Back to the weights it started from."""
        self.vector = self.training.draw()
        self.memory = blank_memory(self.training.rule, self.vector)
        self.count, self.exploded, self.history = 0, False, History()
        self.distance = self.distances[0]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """{name: weights}, views of `vector`."""
        return views(self.vector, self.model.shapes)

    @property
    def birth(self) -> dict[str, np.ndarray]:
        """{name: weights} that it started from."""
        return views(self.training.draw(), self.model.shapes)

    @property
    def finished(self) -> bool:
        """As many updates as planned, or an explosion."""
        return self.exploded or self.count >= self.training.updates

    @property
    def learnt(self) -> int | None:
        """The update after which the mean score of the last 20 first reached the goal at the full distance, or None."""
        return self.history.first(self.goal, WINDOW, self.distances[1])

    def step(self) -> Record:
        """Make one update. Raises ValueError if the run is finished."""
        if self.finished:
            why = "it has exploded" if self.exploded else f"all {self.count} updates are made"
            raise ValueError(f"this training is finished, {why}: rewind it, or plan more updates")
        t, distance, full = self.training, self.distance, self.distances[1]
        rate = t.rate * SCHEDULES[t.schedule](self.count, t.updates)
        try:
            with np.errstate(**QUIET):
                seen = self.look(self.count)
                length = self._update(seen, rate)
        except Exploded:
            self.exploded = True
            record = Record(self.count + 1, np.nan, np.nan, np.inf, rate, distance, exploded=True)
        else:
            record = Record(self.count + 1, seen.loss, seen.score, length, rate, distance, *_inside(seen))
        self.count += 1
        self.history.add(record)
        if distance < full and self.history.score(WINDOW, distance) >= self.goal:
            self.distance = min(full, distance + 1 + distance // 10)
        return record

    def _update(self, seen: Look, rate: float) -> float:
        """Change the weights; returns the norm of the gradient before it was clipped."""
        t = self.training
        gradient = packed(seen.gradient, self.model.shapes, self.vector.dtype)
        length = CLIPPING[t.clip](gradient, t.clip_at)
        new = self.vector.copy()
        if np.isfinite(length):
            t.rule.step(new, gradient, self.memory, rate, self.count + 1)
        if not (np.isfinite(length) and np.isfinite(new).all()):
            raise Exploded(f"the gradient has norm {length}")
        self.vector = new
        return length

    def advance(self, updates: int | None = None) -> Iterator[Record]:
        """Make so many updates, or all that are planned, and yield each one's Record; fewer if it is finished."""
        goes = self.training.updates if updates is None else whole(updates, 0, 10**9, "updates")
        while goes and not self.finished:
            yield self.step()
            goes -= 1


class TrainingRun(Run):
    """A `Training` under way: a `Run` whose distance grows if `training.harder`."""

    def __init__(self, training: Training):
        self.task, self.goal = training.of, training.of.goal
        self.distances = (training.of.distances[0] if training.harder else training.distance, training.distance)
        super().__init__(training)

    def batch(self, update: int) -> Batch:
        """The batch of an update, counted from 0, at the distance of now."""
        return self.task.batch([self.training.data_seed, LEARN, update], self.distance, self.training.B)

    def look(self, update: int) -> Look:
        return look(self.model, self.weights, self.task, self.batch(update), self.training.truncate)

    def probe(self, distance: int | None = None, B: int = 8) -> Batch:
        """A batch that is never trained on; the same for every network with this data seed."""
        distance = self.training.distance if distance is None else distance
        return self.task.batch([self.training.data_seed, PROBE, distance], distance, B)

    def score(self, distance: int | None = None, B: int = 256, weights=None) -> float:
        """The share that is right of sequences never seen, at any distance; of other weights than now, if given."""
        weights, probe = self.weights if weights is None else weights, self.probe(distance, B)
        T, at_once = len(probe.x), max(1, VOLUME // (len(probe.x) * self.training.H * self.training.layers))
        answers = np.empty((T, B, self.task.K))
        with np.errstate(**QUIET):
            for start in range(0, B, at_once):  # as many sequences at a time as memory has room for
                part = slice(start, start + at_once)
                scored = probe.scored[:, part]
                if scored.any():
                    answers[:, part][scored] = self.model(weights, probe.x[:, part], scored).answers
        return self.task.score(answers[probe.scored], probe)

    def reach(self, weights=None) -> dict[str, np.ndarray]:
        """log₁₀ ‖∂L/∂h_t‖, for an LSTM also of C_t, of a probe: (T,) each, however small; of other weights, if given.

        `run.reach(run.birth)` is the gradient at birth.
        """
        weights, probe = self.weights if weights is None else weights, self.probe()
        with np.errstate(**QUIET):
            answer = self.model({name: array.astype(float) for name, array in weights.items()}, probe.x, probe.scored)
            deep = deep_backprop(answer.memory.traces[0], answer.direct(cost(self.task, answer, probe)[1]))
        return {q: _root_of_squares(deep.log10_norms(q)) for q in deep.state}


def _inside(seen: Look) -> tuple[dict, dict]:
    """log₁₀ of the gradient that reaches each step, {state: (T,)}; each unit's gates on average, {gate: (H,)}."""
    traces, states = seen.memory.traces, seen.reached.grads[0].state
    with np.errstate(divide="ignore"):
        reach = {q: np.log10(np.linalg.norm(norm(seen.reached.total(q)), axis=1)) for q in states}
    steps = sum(trace.T for trace in traces)
    gates = {
        q: sum(trace[q].sum(axis=0) for trace in traces).mean(axis=0) / steps
        for q in traces[0].cell.gates
        if len(traces[0].cell.gates) > 1
    }
    return reach, gates


def _root_of_squares(logs: np.ndarray) -> np.ndarray:
    """log₁₀ √Σ 10^(2 logs) over the last axis."""
    top = logs.max(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isfinite(top), top + 0.5 * np.log10((10 ** (2 * (logs - top[:, None]))).sum(axis=-1)), top)
