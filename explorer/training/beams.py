"""Beam search: the likeliest text as a whole, of a few that are followed at a time. One is the greedy search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.check import whole
from explorer.training.runs import QUIET
from explorer.training.translation_runs import TranslationRun

MOST = 5


@dataclass(frozen=True, eq=False)
class Followed:
    """One text: its symbols (R,), the end included if it has come, and the log of its probability."""

    symbols: np.ndarray
    log: float


def beam(run: TranslationRun, source: str, width: int) -> list[Followed]:
    """The likeliest `width` translations that were found, the likeliest first.

    Each step runs every text so far from its beginning: that is slower than to keep states, and shorter to say.
    """
    width, (one,) = whole(width, 1, MOST, "width"), (run.corpus.encode([(source, "")]),)
    going, done = [Followed(np.zeros(0, int), 0.0)], []
    for step in range(run.corpus.T - len(one.source)):
        target = np.zeros((step + 1, len(going)), int)
        for b, text in enumerate(going):
            target[:step, b] = text.symbols
        shown = [np.repeat(array, len(going), axis=1) for array in (one.source, one.real)]
        with np.errstate(**QUIET):
            logits = run.model(run.weights, *shown, target, np.ones(target.shape, bool)).logits[-1].astype(float)
        logs = logits - logits.max(axis=1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        total = np.array([text.log for text in going])[:, None] + logs
        best = np.argsort(-total, axis=None, kind="stable")[:width]
        texts = [
            Followed(np.append(going[b].symbols, symbol), float(total[b, symbol]))
            for b, symbol in zip(*np.unravel_index(best, total.shape))
        ]
        done += [text for text in texts if text.symbols[-1] == 0]
        going = [text for text in texts if text.symbols[-1] != 0]
        enough = sorted((text.log for text in done), reverse=True)[:width]
        if not going or (len(enough) == width and going[0].log <= enough[-1]):
            break
    return sorted(done or going, key=lambda text: -text.log)[:width]
