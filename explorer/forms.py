"""The four forms of work with sequences, as data: what enters at which step, and which outputs count.

A form is one stage or two. The second stage, a decoder, starts from the last states of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explorer.check import known, shaped, whole

ENTERS = ("every", "first", "answers")
COUNTS = ("every", "last", "none")


@dataclass(frozen=True)
class Stage:
    """One network over time.

    enters   "every"    an input at every step
             "first"    one input, at the first step, then silence
             "answers"  a start sign, then at each step the answer before: the true one (teacher forcing) or its own
    counts   "every", "last" or "none": the steps whose output is an answer, at which the loss sits
    """

    enters: str
    counts: str

    def __post_init__(self):
        known(self.enters, ENTERS, "way in")
        known(self.counts, COUNTS, "way out")

    def entering(self, T: int) -> np.ndarray:
        """(T,) bool: the steps that have an input."""
        return np.arange(T) == 0 if self.enters == "first" else np.ones(T, bool)

    def fed(self, inputs: np.ndarray, T: int | None = None) -> np.ndarray:
        """The inputs over time, (T, B, D): they are (T, B, D), or (B, D) where only the first step has one."""
        if self.enters != "first":
            return shaped(inputs, ("T", "B", "D"), "inputs")
        x = np.zeros((whole(T, 1, 100_000, "T"), *shaped(inputs, ("B", "D"), "inputs").shape))
        x[0] = inputs
        return x

    def counting(self, T: int) -> np.ndarray:
        """(T,) bool: the steps whose output counts."""
        return {"every": np.ones(T, bool), "last": np.arange(T) == T - 1, "none": np.zeros(T, bool)}[self.counts]


@dataclass(frozen=True)
class Form:
    """A form of work with sequences: its name, and the stages one after the other."""

    name: str
    stages: tuple[Stage, ...]


FORMS: MappingProxyType[str, Form] = MappingProxyType(
    {
        form.name: form
        for form in (
            Form("sequence_to_sequence", (Stage("every", "every"),)),
            Form("sequence_to_vector", (Stage("every", "last"),)),
            Form("vector_to_sequence", (Stage("first", "every"),)),
            Form("encoder_decoder", (Stage("every", "none"), Stage("answers", "every"))),
        )
    }
)
