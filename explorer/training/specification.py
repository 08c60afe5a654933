"""What is learnt: `Training` is one of the tasks, `Translating` numbers and dates from Korean to English, `Judging`
the score of a review.

Each is everything that a training depends on, in one frozen, validated, bounded value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from explorer.cells import CELLS
from explorer.corpora.reviews import GRAMMARS, Grammar
from explorer.corpora.translation import CORPORA, Corpus
from explorer.experiment import Fallback
from explorer.settings import Choice, Number, Switch, setting
from explorer.training.models import Reader, Stack
from explorer.training.settings import Settings
from explorer.training.tasks import TASKS, Task
from explorer.training.translators import ATTENTION, EncoderDecoder

VOLUME = 500_000  # the most that T · B · H · layers may be: an update then takes about a second, and 150 MB


def _bounded(T: int, settings: Settings) -> None:
    volume = T * settings.B * settings.H * settings.layers
    if volume > VOLUME:
        raise ValueError(
            f"T · B · H · layers may be at most {VOLUME}, but is {volume}: take a smaller distance, B or H"
        )


@dataclass(frozen=True)
class Training(Settings):
    """One training of one network on a task with a known memory.

    task, distance   what is learnt, and over how many steps (see `explorer.training.tasks`)
    harder           begin at the least distance, and go on to a greater one each time the task is learnt
    truncate         truncated backpropagation: the gradient goes back within stretches of so many steps; 0 is all
    others           those of every training: see `Settings`
    """

    task: str = setting("recall", Choice("task", tuple(TASKS)))
    distance: int = setting(None, Number("distance", 1, 400))  # None: the task's usual one
    harder: bool = setting(False, Switch("harder"))
    truncate: int = setting(0, Number("truncate", 0, 400))

    to_shrink: ClassVar = ("distance", "B", "H", "layers")

    def usual(self, name):
        return self.of.distances[2] if name == "distance" else None

    def check(self):
        low, high, _ = self.of.distances
        if not low <= self.distance <= high:
            raise ValueError(f"distance: expected {low} to {high} with {self.task}, but got {self.distance}")
        _bounded(self.T, self)

    def replace(self, **changes) -> Self:
        """The training with some settings changed; another task brings its usual distance."""
        if changes.get("task", self.task) != self.task:
            changes.setdefault("distance", None)
        return super().replace(**changes)

    def with_room(self, **changes) -> tuple[Training, tuple[Fallback, ...]]:
        """As `replace`; if there is no room for the distance beside the new settings, the greatest that has."""
        usual = TASKS[changes.get("task", self.task)].distances
        same = changes.get("task", self.task) == self.task
        wanted = changes.get("distance") or (self.distance if same else usual[2])
        small = self.replace(**changes | {"distance": usual[0]})
        distance = min(wanted, small.farthest())
        left = () if distance == wanted else (Fallback("distance", str(wanted), str(distance)),)
        return small.replace(distance=distance), left

    @property
    def volume(self) -> int:
        """How large an update is: T · B · H · layers."""
        return self.T * self.B * self.H * self.layers

    def farthest(self, volume: int = VOLUME) -> int:
        """The greatest distance for which there is room beside the other settings."""
        low, high, _ = self.of.distances
        a_step = self.B * self.H * self.layers
        return max([low, *(d for d in range(low, high + 1) if self.of.steps(d) * a_step <= volume)])

    @property
    def of(self) -> Task:
        """The task itself."""
        return TASKS[self.task]

    @property
    def T(self) -> int:
        """The steps of a sequence at the full distance."""
        return self.of.steps(self.distance)

    @property
    def model(self) -> Reader:
        """The network, without weights."""
        return Reader(Stack(self.cell, self.of.D, self.H, self.layers, self.conventions), self.of.K)

    def draw(self):
        """The weights to start from, one vector."""
        return self.draw_weights(self.model, self.T)


@dataclass(frozen=True)
class Translating(Settings):
    """One training of one encoder–decoder on pairs that are written out by rules.

    corpus      "numbers" or "dates" (see `explorer.corpora.translation`)
    most        so many pairs are drawn from, the first ones: numbers below it, days from January 1, 1900 on
    attention   "none", "additive" or "dot"
    E           numbers a symbol is embedded in
    teacher     the share of steps that the true symbol enters, and not what the network wrote itself
    short       two batches of three are of the first tenth and hundredth alone, so that short numbers are seen, too
    others      those of every training: see `Settings`
    """

    corpus: str = setting("numbers", Choice("corpus", tuple(CORPORA)))
    most: int = setting(None, Number("most", 100, 1_000_000))  # None: as many as are soon learnt
    attention: str = setting("additive", Choice("attention", ATTENTION))
    E: int = setting(16, Number("E", 1, 64))
    teacher: float = setting(0.7, Number("teacher", 0.0, 1.0, 0.05))
    short: bool = setting(False, Switch("short"))

    to_shrink: ClassVar = ("most", "B", "H", "layers")

    def usual(self, name):
        return min(10_000, self.of.size) if name == "most" else None

    def check(self):
        if self.most > self.of.size:
            raise ValueError(f"most: expected 100 to {self.of.size} with {self.corpus}, but got {self.most}")
        _bounded(self.of.T, self)

    @property
    def of(self) -> Corpus:
        """The corpus itself."""
        return CORPORA[self.corpus]

    @property
    def model(self) -> EncoderDecoder:
        """The network, without weights."""
        sizes = len(self.of.source), len(self.of.target), self.E, self.H, self.layers
        return EncoderDecoder(self.cell, *sizes, self.attention, self.conventions)

    def draw(self):
        """The weights to start from, one vector."""
        return self.draw_weights(self.model, self.of.T)


@dataclass(frozen=True)
class Judging(Settings):
    """One training of one network that reads a review word by word, and says its score at the end.

    language   "ko" or "en" (see `explorer.corpora.reviews`)
    others     those of every training: see `Settings`
    """

    language: str = setting("ko", Choice("reviews", tuple(GRAMMARS)))

    def check(self):
        _bounded(self.of.T, self)

    @property
    def of(self) -> Grammar:
        """The grammar itself."""
        return GRAMMARS[self.language]

    @property
    def model(self) -> Reader:
        """The network, without weights; each word is an input of its own."""
        return Reader(Stack(self.cell, len(self.of.words), self.H, self.layers, self.conventions), 1)

    def draw(self):
        """The weights to start from, one vector."""
        return self.draw_weights(self.model, self.of.T)


def rivals(training: Settings) -> dict[str, Settings]:
    """The same task, batches, sizes and seed for every kind of network, {name: training}."""
    rnns = {
        f"rnn_{activation}": training.replace(cell="rnn", activation=activation)
        for activation in CELLS["rnn"].options["activation"]
    }
    return rnns | {name: training.replace(cell=name) for name in CELLS if name != "rnn"}
