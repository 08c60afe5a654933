"""The training of an encoder–decoder: the same run, another look at each batch."""

from __future__ import annotations

import numpy as np

from explorer.corpora.translation import Pairs
from explorer.training.losses import cross_entropy
from explorer.training.runs import LEARN, PROBE, QUIET, Look, Run, sound
from explorer.training.specification import Translating
from explorer.training.translators import Said, forced

LEAST = 100  # pairs that a batch is drawn from
TEACHER = 3  # the second number of the seed that draws where the teacher helps


class TranslationRun(Run):
    """A `Translating` under way. A sequence counts as right if every sign of it is, its end included."""

    goal = 0.95

    def __init__(self, training: Translating):
        self.corpus, self.distances = training.of, (training.most, training.most)
        super().__init__(training)

    def batch(self, update: int) -> Pairs:
        """The batch of an update, counted from 0."""
        t = self.training
        most = max(LEAST, t.most // 10 ** (update % 3)) if t.short else t.most
        return self.corpus.encode(self.corpus.draw([t.data_seed, LEARN, update], t.B, most=most))

    def look(self, update: int) -> Look:
        """With the teacher's help: the score is that of what it writes then."""
        pairs = self.batch(update)
        helps = forced(
            np.random.default_rng([self.training.data_seed, TEACHER, update]), pairs.target.shape, self.training.teacher
        )
        said = self.model(self.weights, pairs.source, pairs.real, pairs.target, helps)
        loss, slope = sound(*cross_entropy(said.logits[pairs.scored], pairs.target[pairs.scored]))
        dlogits = np.zeros_like(said.logits)
        dlogits[pairs.scored] = slope
        gradient, reached = said.back(dlogits)
        right = ((said.symbols == pairs.target) | ~pairs.scored).all(axis=0)
        return Look(loss, float(right.mean()), said.logits[pairs.scored], said.encoder, gradient, reached)

    def probe(self, B: int = 64, validation: bool = False) -> list[tuple[str, str]]:
        """Pairs that are never trained on: of those held out, or of those for validation."""
        return self.corpus.draw([self.training.data_seed, PROBE, 1], B, not validation, self.training.most, validation)

    def translate(self, texts, steps: int | None = None) -> tuple[list[str], Said]:
        """Korean texts to English ones, without any help, each up to its end or the longest that there is.

        Raises ValueError for a sign that is in no text of the corpus.
        """
        pairs = self.corpus.encode([(text, "") for text in texts])
        blank = np.zeros((self.corpus.T if steps is None else steps, len(texts)), int)
        with np.errstate(**QUIET):
            said = self.model(self.weights, pairs.source, pairs.real, blank, blank > 0)
        return self.corpus.written(said.symbols), said

    def score(self, B: int = 64, validation: bool = False) -> float:
        """The share of texts never seen that are translated without a fault."""
        pairs = self.probe(B, validation)
        written, _ = self.translate([korean for korean, _ in pairs])
        return float(np.mean([text == english for text, (_, english) in zip(written, pairs)]))

    def measured(self, validation: bool = False) -> dict[str, float]:
        """What it reaches on the texts held out, or on those for validation."""
        return {"exact": 100 * self.score(1000, validation)}
