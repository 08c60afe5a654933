"""What an encoder–decoder recalls at each place of a translation: through the one state that crosses, or by looking.

Two measurements on numbers never trained on. How probable is a wrong word where the words before it are right; and how
many words are right when the decoder starts from the state of *another* number, but may look at its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from explorer import trained
from explorer.training.models import Stack
from explorer.training.parts import softmax
from explorer.training.runs import QUIET
from explorer.training.translators import ATTENTION, EncoderDecoder

NUMBERS = 200  # that are translated


@dataclass(frozen=True, eq=False)
class Recall:
    """At each place of the translation, the mean over the numbers that are so long.

    wrong    (R,), how probable a wrong word is
    foreign  (R,), the share of right words from another number's state
    """

    wrong: np.ndarray
    foreign: np.ndarray


class Foreign(EncoderDecoder):
    """The decoder of each sequence starts from the encoder's last states of the sequence before it in the batch."""

    @cached_property
    def encoder(self) -> Stack:
        return _Handing(*_settings(super().encoder))


class _Handing(Stack):
    def __call__(self, *args, **more):
        memory, back = super().__call__(*args, **more)
        last = tuple({q: np.roll(rows, 1, axis=0) for q, rows in layer.items()} for layer in memory.last)
        return replace(memory, last=last), back


def recall(cell: str, B: int = NUMBERS) -> dict[str, Recall]:
    """{attention: what the shipped network of this cell recalls}."""
    found = {}
    for attention in ATTENTION:
        run = trained.load("encoder_decoder", attention, cell).run
        model, pairs = run.model, run.corpus.encode(run.probe(B))
        foreign = Foreign(*_settings(model))
        helped = np.ones(pairs.target.shape, bool)
        with np.errstate(**QUIET):
            own = model(run.weights, pairs.source, pairs.real, pairs.target, helped)
            other = foreign(run.weights, pairs.source, pairs.real, pairs.target, ~helped)
        probable = np.take_along_axis(softmax(own.logits.astype(float)), pairs.target[:, :, None], axis=2)[:, :, 0]
        found[attention] = Recall(_mean(1 - probable, pairs.scored), _mean(other.symbols == pairs.target, pairs.scored))
    return found


def _settings(made) -> tuple:
    return tuple(getattr(made, f.name) for f in fields(made))


def _mean(rows: np.ndarray, scored: np.ndarray) -> np.ndarray:
    return (rows * scored).sum(axis=1) / scored.sum(axis=1)
