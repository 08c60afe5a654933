"""The training of a network that reads prices day by day, and after each says the next one.

It reads how much the price has changed, and its answer is the change to come, which is added to the price of today;
changes are in units of their own standard deviation over the first three quarters. The last quarter is held out, and
the last fifth of what is before it is for validation, to choose settings by.
A naive forecast stands beside it: tomorrow's price is today's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.check import finite, real, shaped
from explorer.datasets.prices import table
from explorer.training.losses import mse
from explorer.training.models import Reader, Stack
from explorer.training.parts import Memory
from explorer.training.runs import LEARN, QUIET, Look, Run, sound
from explorer.training.settings import Settings

LEAST, MOST = 12, 2000  # prices
STRETCH = 40  # steps that a batch is cut from
HELD_OUT, VALIDATION = 0.25, 0.2  # shares of all changes, and of those that are left


@dataclass(frozen=True)
class Forecasting(Settings):
    """One training of one network on the share prices of six companies, their first three quarters."""

    @property
    def model(self) -> Reader:
        """The network, without weights."""
        return Reader(Stack(self.cell, 1, self.H, self.layers, self.conventions), 1)

    def draw(self):
        """The weights to start from, one vector."""
        return self.draw_weights(self.model, STRETCH)


@dataclass(frozen=True, eq=False)
class Prices:
    """A series of N prices, prepared.

    prices   (N,)
    unit     the standard deviation of its changes in the part that is known
    known    so many of the N − 1 changes are known; the errors are taken on the others
    learnt   so many of these are trained on, where the network is trained on this series
    """

    prices: np.ndarray
    unit: float
    known: int

    @property
    def learnt(self) -> int:
        return int((1 - VALIDATION) * self.known)

    @property
    def changes(self) -> np.ndarray:
        """(N,), in units; the first day has none."""
        return np.concatenate([[0.0], np.diff(self.prices) / self.unit])


def prepared(prices) -> Prices:
    """Raises ValueError, in one sentence, for too few, too many, no numbers, or prices that never change."""
    prices = finite(real(shaped(prices, ("N",), "the prices"), float, "the prices"), "the prices")
    if not LEAST <= len(prices) <= MOST:
        raise ValueError(f"expected {LEAST} to {MOST} prices, but there are {len(prices)}: take a part of them")
    known = int((1 - HELD_OUT) * (len(prices) - 1))
    unit = float(np.diff(prices)[:known].std())
    if not unit > 1e-12 * max(1.0, float(np.abs(prices).max())):
        raise ValueError("expected prices that change, but in the first three quarters they do not")
    return Prices(prices, unit, known)


@dataclass(frozen=True, eq=False)
class Forecast:
    """What a network says of a series of N prices.

    given    the series
    said     (N − 1,), its forecasts for days 2 … N
    errors   {"network", "naive"}: the root of the mean squared error on what was held out, in the prices' own unit
    memory   what the network did, T = N − 1 steps
    """

    given: Prices
    said: np.ndarray
    errors: dict[str, float]
    memory: Memory


class ForecastRun(Run):
    """A `Forecasting` under way. Its score is how much smaller its error is than the naive one's, 0 if it is not."""

    goal, distances = 0.5, (1, 1)

    def batch(self, update: int) -> tuple[np.ndarray, np.ndarray]:
        """Changes (T, B, 1), and those of the day after."""
        rng = np.random.default_rng([self.training.data_seed, LEARN, update])
        changes = np.stack([given.changes[: given.learnt + 1] for given in map(prepared, table()[2].T)], axis=1)
        start = rng.integers(len(changes) - STRETCH, size=self.training.B)
        company = rng.integers(changes.shape[1], size=self.training.B)
        rows = changes[start + np.arange(STRETCH + 1)[:, None], company][:, :, None]
        return rows[:-1], rows[1:]

    def look(self, update: int) -> Look:
        x, wanted = self.batch(update)
        answer = self.model.through(self.weights, "sequence_to_sequence", x)
        loss, slope = sound(*mse(answer.answers, wanted.reshape(-1, 1)))
        gradient, reached = answer.back(slope)
        better = max(0.0, 1 - (loss / float(np.mean(wanted**2))) ** 0.5)
        return Look(loss, better, answer.answers, answer.memory, gradient, reached)

    def forecast(self, prices, validation: bool = False) -> Forecast:
        """The next price after each; errors on what is held out, or for validation. Raises ValueError as `prepared`."""
        given = prepared(prices)
        with np.errstate(**QUIET):
            x = given.changes[:-1, None, None]
            answer = self.model.through(self.weights, "sequence_to_sequence", x)
        said = given.prices[:-1] + given.unit * answer.answers[:, 0]
        true, naive = given.prices[1:], given.prices[:-1]
        judged = slice(given.learnt, given.known) if validation else slice(given.known, None)

        def error(forecast) -> float:
            return float(np.sqrt(np.mean((forecast - true)[judged] ** 2)))

        return Forecast(given, said, {"network": error(said), "naive": error(naive)}, answer.memory)

    def measured(self, validation: bool = False) -> dict[str, float]:
        """The errors on the part held out of each company, or on that for validation, in units of its changes before.

        They are averaged as squares.
        """
        forecasts = [self.forecast(prices, validation) for prices in table()[2].T]

        def error(name) -> float:
            return float(np.mean([(f.errors[name] / f.given.unit) ** 2 for f in forecasts]) ** 0.5)

        return {f"error_{name}": error(name) for name in ("network", "naive")}
