"""What a run leaves behind: `Trace` forward, `Gradients` backward.

The letters of every shape in this project:

    T  time steps        B  sequences (batch)
    D  inputs a step     H  units of a layer

Arrays are time-major, (T, B, H), read-only, and indexed from 0: `trace["h"][0]` is h_1, the
state after the first step; h_0 and C_0 are in `trace.initial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from explorer.check import known

if TYPE_CHECKING:
    from explorer.cells.base import Cell


class Named(Mapping):
    """A read-only mapping whose wrong names are answered with the names that exist."""

    def __init__(self, what: str, arrays: Mapping[str, np.ndarray]):
        for array in arrays.values():
            array.flags.writeable = False
        self._what, self._arrays = what, MappingProxyType(dict(arrays))

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            known(name, self._arrays, self._what)
        return self._arrays[name]

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self._arrays.items())
        return f"<{self._what}: {shapes}>"


@dataclass(frozen=True, eq=False)
class Trace:
    """One layer's run forward. `trace["f"]` is a gate, `trace["a_f"]` its pre-activation.

    Fields: `values` name -> (T, B, H); `x` (T, B, D), the input of this layer; `initial` state
    name -> (B, H); `below`, the Trace of the layer below in a stack, else None; `held`, what clamps
    hold, name -> (T, H), NaN where it is free.
    """

    cell: Cell
    options: Mapping[str, object]
    params: Named
    x: np.ndarray
    initial: Named
    values: Named
    tape: tuple  # the same numbers in the loop's own layout, for backprop
    below: Trace | None = None
    held: Named = field(default_factory=lambda: Named("held quantity", {}))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def __repr__(self) -> str:
        return f"<Trace {self.cell.name} T={self.T} B={self.B} D={self.D} H={self.H}: {', '.join(self.values)}>"

    @property
    def T(self) -> int:
        return self.x.shape[0]

    @property
    def B(self) -> int:
        return self.x.shape[1]

    @property
    def D(self) -> int:
        return self.x.shape[2]

    @property
    def H(self) -> int:
        return self.params["weight_hh"].shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self.x.dtype

    @property
    def layers(self) -> tuple[Trace, ...]:
        """All layers of the stack, the one that reads the input first, this one last."""
        return (*(self.below.layers if self.below else ()), self)

    def steps(self, first: int, last: int) -> Trace:
        """The steps from `first` up to `last`, array indices, of all layers, as views: a run from the state before."""
        if (first, last) == (0, self.T):
            return self
        here = slice(first, last)
        start = {q: self.values[q][first - 1] if first else self.initial[q] for q in self.cell.states}
        return replace(
            self,
            x=self.x[here],
            initial=Named("state", start),
            values=Named("quantity", {name: rows[here] for name, rows in self.values.items()}),
            tape=self.tape[first : last + 1] if isinstance(self.tape, np.ndarray) else self.tape,
            below=self.below and self.below.steps(first, last),
            held=Named("held quantity", {name: rows[here] for name, rows in self.held.items()}),
        )

    @cached_property
    def previous(self) -> Named:
        """The states that each step started from, name -> (T, B, H): `previous["h"][t]` is h_{t-1}."""
        return Named(
            "state",
            {q: np.concatenate([self.initial[q][None], self.values[q][:-1]]) for q in self.cell.states},
        )


@dataclass(frozen=True, eq=False)
class Gradients:
    """The derivatives of the loss L with respect to everything in one layer's Trace.

    state    "h", "c" -> (T, B, H)   the *total* ∂L/∂h_t and ∂L/∂C_t: direct and through later steps
    pre      gate -> (T, B, H)       ∂L/∂a, a the pre-activation of the gate
    params   name -> its shape       summed over all steps and sequences
    x        (T, B, D)               with respect to this layer's input
    initial  "h", "c" -> (B, H)      with respect to h_0, C_0
    below    the Gradients of the layer below in a stack, else None
    """

    state: Named
    pre: Named
    params: Named
    x: np.ndarray
    initial: Named
    below: Gradients | None = None

    @property
    def layers(self) -> tuple[Gradients, ...]:
        """All layers of the stack, the one that reads the input first, this one last."""
        return (*(self.below.layers if self.below else ()), self)
