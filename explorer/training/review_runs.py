"""The training of a network that reads reviews: one score at the end of each."""

from __future__ import annotations

import numpy as np

from explorer.corpora.reviews import Review
from explorer.training.losses import binary_cross_entropy
from explorer.training.runs import LEARN, PROBE, QUIET, Look, Run, sound
from explorer.training.specification import Judging

NEAR = 10  # points by which a score may be off to count as right


class ReviewRun(Run):
    """A `Judging` under way. The answer goes through σ, so that it is a score from 0 to 100."""

    goal, distances = 0.95, (1, 1)

    def __init__(self, training: Judging):
        self.grammar = training.of
        super().__init__(training)

    def batch(self, update: int) -> list[Review]:
        """The reviews of an update, counted from 0."""
        return self.grammar.draw([self.training.data_seed, LEARN, update], self.training.B)

    def look(self, update: int) -> Look:
        x, wanted = self._read(self.batch(update))
        answer = self.model.through(self.weights, "sequence_to_vector", x)
        loss, slope = sound(*binary_cross_entropy(answer.answers, wanted[:, None]))
        gradient, reached = answer.back(slope)
        off = 100 * np.abs(_share(answer.answers[:, 0]) - wanted)
        return Look(loss, float((off <= NEAR).mean()), answer.answers, answer.memory, gradient, reached)

    def judge(self, reviews, weights=None):
        """The scores (N,) that it gives, after every word (T, N), and the Memory of its reading.

        The scores after every word are what its readout would say there, although only the last one was trained.
        Raises ValueError for a word that is in no review of this language.
        """
        weights = self.weights if weights is None else weights
        x, _ = self._read(reviews)
        with np.errstate(**QUIET):
            answer = self.model.through(weights, "sequence_to_sequence", x)
        so_far = 100 * _share(answer.answers.reshape(x.shape[:2]))
        return so_far[-1], so_far, answer.memory

    def score(self, held_out: bool = True, B: int = 256) -> float:
        """The share of reviews never seen whose score is right to 10 points; held out: of unseen patterns."""
        reviews = self.grammar.draw([self.training.data_seed, PROBE, 1], B, held_out)
        given, _, _ = self.judge(reviews)
        return float((np.abs(given - [review.score for review in reviews]) <= NEAR).mean())

    def measured(self, validation: bool = False) -> dict[str, float]:
        """What it reaches on the sentence patterns held out, or on those for validation; 50 is on no side."""
        reviews = self.grammar.draw([self.training.data_seed, PROBE, 2], 1000, not validation, validation)
        given, wanted = self.judge(reviews)[0], np.array([review.score for review in reviews])
        sided = wanted != 50
        return {
            "right_side": 100 * float(((given > 50) == (wanted > 50))[sided].mean()),
            "near": 100 * float((np.abs(given - wanted) <= NEAR).mean()),
        }

    def _read(self, reviews) -> tuple[np.ndarray, np.ndarray]:
        """One-hot words (T, B, D), nothing at all where a review has not begun; scores (B,) from 0 to 1."""
        symbols, scores = self.grammar.encode(reviews)
        x = np.eye(len(self.grammar.words))[symbols]
        x[symbols == 0] = 0
        return x, scores


def _share(logits):
    return 0.5 * np.tanh(0.5 * logits) + 0.5
