"""`Experiment`: everything that a picture depends on, in one frozen, validated, bounded value.

Widgets, URLs and JSON files all go through the same table of settings, so none of them can ask for more
than another. Values are registry names and numbers, never translated words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import replace as replaced

from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.datasets.own import read_numbers
from explorer.initialise import SCHEMES
from explorer.settings import Choice, Number, Switch, setting, shortest
from explorer.surgery import Operation, Operations

STEPS = Number("", 1, 500)


@dataclass(frozen=True)
class Place:
    """Where the loss sits: "last", "all", or a step counted from 1."""

    key: str
    options = ("last", "all")
    steps: Number = STEPS

    def read(self, value) -> str:
        if value in self.options:
            return value
        try:
            return str(self.steps.read(value))
        except ValueError:
            raise ValueError(f"expected last, all or a step from 1 to 500, but got {value!r}") from None

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Numbers:
    """The user's own numbers."""

    key: str

    def read(self, value) -> tuple[float, ...]:
        if isinstance(value, str):
            return read_numbers(value)
        if not isinstance(value, list | tuple):
            raise ValueError(f"expected numbers such as 0.5, -1, 2, but got {value!r}")
        return read_numbers(" ".join(map(str, value))) if value else ()

    def write(self, value: tuple[float, ...]) -> str:
        return ",".join(map(shortest, value))


@dataclass(frozen=True)
class Experiment:
    """One run of one network, completely described.

    cell, activation, reset_after, z_keeps   the cell and its conventions (see `explorer.cells`)
    input, numbers, input_seed   the dataset, the user's own numbers for "own" (rows of D, one after the other), the
                                 seed of a drawn one
    T, D, H, layers              steps, inputs a step, units, stacked layers
    scheme, gain, forget_bias, chrono, seed   how the weights are drawn (see `init_params`); chrono takes T as
                                 the longest dependency, and then forget_bias does not count
    loss                         the steps t at which L = Σ_t Σ_u h_t,u / √H is read off: "last", "all", or one step.
                                 At each such step a gradient of norm 1 enters.
    surgery                      what is changed by hand in this run (see `explorer.surgery`); nothing, as a rule

    Raises ValueError, in one sentence, for a value out of its bounds; `from_query` and `from_json` fall back
    to the default instead and say so.
    """

    cell: str = setting("lstm", Choice("cell", tuple(CELLS)))
    activation: str = setting("tanh", Choice("act", CELLS["rnn"].options["activation"]))
    reset_after: bool = setting(True, Switch("reset_after"))
    z_keeps: bool = setting(True, Switch("z_keeps"))
    input: str = setting("prices", Choice("input", tuple(DATASETS)))
    numbers: tuple[float, ...] = setting((), Numbers("x"))
    input_seed: int = setting(1, Number("input_seed", 0, 9999))
    T: int = setting(100, Number("T", 2, 500))
    D: int = setting(None, Number("D", 1, 16))  # None: as many as the input usually has
    H: int = setting(32, Number("H", 1, 64))
    layers: int = setting(1, Number("layers", 1, 3))
    scheme: str = setting("pytorch", Choice("init", SCHEMES))
    gain: float = setting(1.0, Number("gain", 0.0, 4.0, 0.05))
    forget_bias: float = setting(3.0, Number("fb", -2.0, 6.0, 0.1))
    chrono: bool = setting(False, Switch("chrono"))
    seed: int = setting(1, Number("seed", 0, 9999))
    loss: str = setting("last", Place("loss"))
    surgery: tuple[Operation, ...] = setting((), Operations("op"))

    def __post_init__(self):
        for name, kind in KINDS.items():
            if name == "D" and self.D is None:
                continue
            try:
                object.__setattr__(self, name, kind.read(getattr(self, name)))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if self.input == "own" and not self.numbers:
            raise ValueError("input: own needs numbers, such as 0.5, -1, 2, but there are none")
        low, high, usual = DATASETS[self.input].widths
        if self.D is None:
            object.__setattr__(self, "D", usual)
        if not low <= self.D <= high:
            raise ValueError(f"D: expected a whole number from {low} to {high} with {self.input}, got {self.D}")
        if self.input == "own" and len(self.numbers) % self.D:
            count = len(self.numbers)
            raise ValueError(f"D: expected rows of as many numbers each, but {count} are no rows of {self.D}")
        if self.loss.isdigit() and int(self.loss) > self.T:
            raise ValueError(f"loss: expected a step from 1 to {self.T}, but got {self.loss}")
        for operation in self.surgery:
            if not operation.fits(self):
                has = f"a {self.cell} of {self.T} steps, {self.H} units and {self.D} inputs has"
                raise ValueError(f"surgery: expected a change of what {has}, but got {operation}")

    def replace(self, **changes) -> Experiment:
        """The experiment with some settings changed; what depends on a changed one follows it.

        A new input brings its usual width, and so do own numbers that are no rows of the width before; a loss beyond
        a shortened sequence moves to its last step; an operation on what is no longer there falls away.
        """
        if changes.get("input", self.input) != self.input:
            changes.setdefault("D", None)
        if self.input == "own" and len(KINDS["numbers"].read(changes.get("numbers", self.numbers))) % self.D:
            changes.setdefault("D", None)
        if self.loss.isdigit() and int(self.loss) > KINDS["T"].read(changes.get("T", self.T)):
            changes.setdefault("loss", "last")
        if self.surgery and "surgery" not in changes:
            return replaced(self, **changes, surgery=()).with_surgery(self.surgery)
        return replaced(self, **changes)

    def with_surgery(self, operations: tuple[Operation, ...]) -> Experiment:
        """The experiment with these operations, less those on what it does not have."""
        return replaced(self, surgery=tuple(one for one in operations if one.fits(self)))

    @property
    def original(self) -> Experiment:
        """The same without surgery."""
        return self.with_surgery(())

    @property
    def steps_with_loss(self) -> range:
        """The steps, as array indices, at which the loss is read off."""
        if self.loss == "all":
            return range(self.T)
        last = self.T if self.loss == "last" else int(self.loss)
        return range(last - 1, last)

    @property
    def options(self) -> dict:
        """The conventions of this experiment's cell, for `run` and `init_params`."""
        return {name: getattr(self, name) for name in CELLS[self.cell].options}

    def to_query(self) -> dict[str, str]:
        """The settings that differ from the default, as URL query parameters."""
        usual = Experiment().__dict__ | {"D": DATASETS[self.input].widths[2]}
        return {
            kind.key: kind.write(getattr(self, name))
            for name, kind in KINDS.items()
            if getattr(self, name) != usual[name]
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Experiment, tuple[Fallback, ...]]:
        """The experiment of a URL, and what in it could not be had. Parameters of other parts are ignored."""
        return _read({name: query[kind.key] for name, kind in KINDS.items() if kind.key in query})

    def to_json(self) -> str:
        """All settings as a JSON object."""
        return json.dumps({name: getattr(self, name) for name in KINDS}, indent=2, default=str)

    @classmethod
    def from_json(cls, text: str) -> tuple[Experiment, tuple[Fallback, ...]]:
        """The experiment of a JSON object, and what in it could not be had.

        Raises ValueError if the text is no JSON object, or has a setting twice.
        """
        try:
            settings = json.loads(text, object_pairs_hook=_once, parse_int=_whole)
        except RecursionError:
            raise ValueError("expected a JSON object of settings, but it is nested too deeply to be read") from None
        except ValueError as error:
            raise ValueError(f"expected a JSON object of settings, but it cannot be read: {error}") from None
        if not isinstance(settings, dict):
            raise ValueError(f"expected a JSON object of settings, but got a {type(settings).__name__}")
        return _read(settings)


KINDS = {f.name: f.metadata["kind"] for f in fields(Experiment)}


@dataclass(frozen=True)
class Fallback:
    """A setting that could not be had: its name, what came, and what is used instead."""

    name: str
    given: str
    used: str


def _once(pairs: list) -> dict:
    """The object of these pairs, in which no name may come twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} is in it twice")
    return found


def _whole(digits: str) -> int | float:
    """A whole number; one of more digits than any setting has may be inexact, or infinite."""
    return int(digits) if len(digits) < 300 else float(digits)


def _read(settings: Mapping) -> tuple[Experiment, tuple[Fallback, ...]]:
    """Take each setting by itself, so that one bad value costs only itself."""
    good, refused = {}, {}
    for name, given in settings.items():
        try:
            good[name] = KINDS[name].read(given)
        except KeyError:
            refused[name] = given
        except ValueError:
            refused[name] = given
    if good.get("input") == "own" and not good.get("numbers"):
        refused["input"] = good.pop("input")
    low, high, usual = DATASETS[good.get("input", Experiment.input)].widths
    D = good.get("D", usual)
    if not low <= D <= high or (good.get("input") == "own" and len(good["numbers"]) % D):
        refused["D"] = good.pop("D")
    if good.get("loss", "").isdigit() and int(good["loss"]) > good.get("T", Experiment.T):
        refused["loss"] = good.pop("loss")
    operations = good.pop("surgery", ())
    experiment = Experiment(**good).with_surgery(operations)
    if lost := tuple(one for one in operations if one not in experiment.surgery):
        refused["surgery"] = KINDS["surgery"].write(lost)
    fallbacks = (
        Fallback(name, str(given)[:40], KINDS[name].write(getattr(experiment, name)) if name in KINDS else "")
        for name, given in refused.items()
    )
    return experiment, tuple(fallbacks)
