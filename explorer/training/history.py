"""What has been seen of a training: a few numbers of every update, pictures of some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

MOST = 256  # pictures kept; when they are full, every other one goes
NUMBERS = ("loss", "score", "norm", "rate", "distance")


@dataclass(frozen=True, eq=False)
class Record:
    """One update.

    update     counted from 1
    loss, score   before the weights were changed
    norm       of the gradient, before it was clipped
    rate       the learning rate of this update
    distance   of its batch
    reach      state -> (T,), log₁₀ of the norm of the total ∂L/∂ of the last layer's state at each step, over the batch
    gates      gate -> (H,), how far each unit's gate stands open, averaged over steps and sequences
    exploded   loss or gradient were no finite numbers; the weights are as before
    """

    update: int
    loss: float
    score: float
    norm: float
    rate: float
    distance: int
    reach: Mapping[str, np.ndarray] = field(default_factory=dict)
    gates: Mapping[str, np.ndarray] = field(default_factory=dict)
    exploded: bool = False


class History:
    """The numbers of every update, and the pictures (reach and gates) of at most 256, evenly spread."""

    def __init__(self):
        self.numbers: dict[str, list[float]] = {name: [] for name in NUMBERS}
        self.pictures: list[Record] = []
        self.every = 1  # updates from one picture to the next

    def __len__(self) -> int:
        return len(self.numbers["loss"])

    def __getitem__(self, name: str) -> np.ndarray:
        """One of the numbers of every update, (updates,)."""
        return np.array(self.numbers[name], float)

    def add(self, record: Record) -> None:
        for name, numbers in self.numbers.items():
            numbers.append(getattr(record, name))
        if (record.update - 1) % self.every == 0 and not record.exploded:
            self.pictures.append(record)
        if len(self.pictures) > MOST:
            self.every *= 2
            self.pictures = [kept for kept in self.pictures if (kept.update - 1) % self.every == 0]

    def score(self, window: int, distance: int) -> float:
        """The mean score of the last updates at one distance; −inf if there are fewer than `window`."""
        here = np.array(self.numbers["distance"][-window:]) == distance
        full = len(here) == window and here.all()
        return float(np.mean(self.numbers["score"][-window:])) if full else -np.inf

    def first(self, goal: float, window: int, distance: int) -> int | None:
        """The update after which the mean score of the last ones at this distance first reached the goal."""
        scores = np.where(self["distance"] == distance, self["score"], -np.inf)
        if len(scores) < window:
            return None
        means = np.lib.stride_tricks.sliding_window_view(scores, window).mean(axis=1)
        reached = np.flatnonzero(means >= goal)
        return int(reached[0]) + window if len(reached) else None

    def reach(self, state: str = "h") -> np.ndarray:
        """The map of the gradient, (pictures, T): log₁₀ of its norm at each step, NaN where a sequence was shorter.

        The steps are those before the end: the last column is always the last step.
        """
        rows = [kept.reach[state] for kept in self.pictures]
        longest = max(map(len, rows), default=0)
        return np.array([np.pad(row, (longest - len(row), 0), constant_values=np.nan) for row in rows])

    def gates(self, gate: str) -> np.ndarray:
        """How far each unit's gate stood open, (pictures, H)."""
        return np.array([kept.gates[gate] for kept in self.pictures])
