"""What if …? Changes to a run: a gate or state pinned, a unit silenced, an input replaced or two of them swapped.

An Operation is part of the question, so it is as bounded as all that an Experiment holds, and short in a link:
f~10-20~1~3 pins the forget gate of unit 3 to 1 at the steps 10 to 20, f~10-~1 that of all units from step 10 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from explorer.cells import CELLS
from explorer.cells.clamp import Clamp
from explorer.datasets import Input

UNIT, INPUT, SWAP = "unit", "x", "swap"
MOST = 8  # operations of one experiment
STEPS, PLACES = 500, 64
GATES = {"i": (0, 1), "f": (0, 1), "o": (0, 1), "r": (0, 1), "z": (0, 1), "g": (-1, 1), "n": (-1, 1)}
LIMITS = {**GATES, "c": (-10, 10), "h": (-10, 10), UNIT: (0, 0), INPUT: (-1000, 1000), SWAP: (0, 0)}
WRITTEN = re.compile(r"(\w+)~(\d{1,3})(-(\d{0,3}))?(~(-?[\d.e-]{1,24}))?(~(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class Operation:
    """One change. Steps, units and inputs count from 1.

    what    a gate or state to pin, "unit" to silence (all its states 0), "x" to replace an input, "swap" the inputs
            of the steps `first` and `last`
    first, last   the steps, both included; last None is the end of the sequence
    value   what is put there; 0 for a unit and a swap
    place   the unit, or which of the inputs of a step; None is all of them

    Raises ValueError, in one sentence, for what no run can have.
    """

    what: str
    first: int
    last: int | None = None
    value: float = 0.0
    place: int | None = None

    def __post_init__(self):
        if self.what not in LIMITS:
            raise ValueError(f"expected one of {', '.join(LIMITS)}, but got {self.what!r}")
        _whole("a first step", self.first, 1, STEPS)
        if self.last is not None or self.what == SWAP:
            _whole("a last step", self.last, self.first + (self.what == SWAP), STEPS)
        if self.place is not None:
            _whole("a unit or an input", self.place, 1, 0 if self.what == SWAP else PLACES)
        low, high = LIMITS[self.what]
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not low <= self.value <= high:
            raise ValueError(f"expected a value from {low} to {high} for {self.what}, but got {self.value!r}")
        object.__setattr__(self, "value", round(float(self.value), 6) + 0.0)

    def __str__(self) -> str:
        """As in a link."""
        steps = f"{self.first}" if self.last == self.first else f"{self.first}-{self.last or ''}"
        value = "" if self.what == SWAP else f"~{self.value:.12g}"
        return f"{self.what}~{steps}{value}" + (f"~{self.place}" if self.place else "")

    def fits(self, experiment) -> bool:
        """Whether the experiment has the gate, the steps and the unit or input."""
        e, cell = experiment, CELLS[experiment.cell]
        known = {*cell.gates, *cell.states, UNIT, INPUT, SWAP}
        places = e.D if self.what == INPUT else e.H
        return self.what in known and max(self.first, self.last or 1) <= e.T and (self.place or 1) <= places


def _whole(what: str, number, low: int, high: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise ValueError(f"expected {what} from {low} to {high}, but got {number!r}")


def read_operation(text: str) -> Operation:
    """The operation of a link. Raises ValueError, in one sentence, for anything else."""
    found = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"expected a change such as f~10-20~1~3, but got {str(text)[:40]!r}")
    what, first, to, last, _, value, _, place = found.groups()
    if what != SWAP and value is None:
        raise ValueError(f"expected a change with a value, such as f~10-20~1, but got {text!r}")
    try:
        number = float(value or 0)
    except ValueError:
        raise ValueError(f"expected a change with a value, such as f~10-20~1, but got {text!r}") from None
    end = int(first) if to is None else int(last) if last else None
    return Operation(what, int(first), end, number, int(place) if place else None)


@dataclass(frozen=True)
class Operations:
    """The kind of setting that an Experiment's operations are: at most eight."""

    key: str

    def read(self, value) -> tuple[Operation, ...]:
        pieces = value.split("_") if isinstance(value, str) else value
        if not isinstance(pieces, list | tuple) or len(pieces) > MOST:
            raise ValueError(f"expected at most {MOST} changes such as f~10-20~1~3, but got {str(value)[:40]!r}")
        return tuple(piece if isinstance(piece, Operation) else read_operation(piece) for piece in pieces)

    def write(self, value: tuple[Operation, ...]) -> str:
        return "_".join(map(str, value))


def clamps(operations: Iterable[Operation], cell: str) -> tuple[Clamp, ...]:
    """What the operations hold in the last layer."""
    made = []
    for one in operations:
        if one.what in (INPUT, SWAP):
            continue
        quantities = CELLS[cell].states if one.what == UNIT else (one.what,)
        unit = None if one.place is None else one.place - 1
        made += [Clamp(quantity, one.value, one.first - 1, one.last, unit) for quantity in quantities]
    return tuple(made)


def operated(drawn: Input, operations: Iterable[Operation]) -> Input:
    """The input with the changes to it, one after the other; a step that was replaced loses its name."""
    changes = [one for one in operations if one.what in (INPUT, SWAP)]
    if not changes:
        return drawn
    x, steps = drawn.x.copy(), list(drawn.steps)
    for one in changes:
        if one.what == SWAP:
            pair, turned = [one.first - 1, one.last - 1], [one.last - 1, one.first - 1]
            x[pair] = x[turned]
            steps[pair[0]], steps[pair[1]] = steps[turned[0]], steps[turned[1]]
            continue
        here = slice(one.first - 1, one.last)
        x[here, :, slice(None) if one.place is None else one.place - 1] = one.value
        steps[here] = [""] * len(steps[here])
    return replace(drawn, x=x, steps=tuple(steps))
