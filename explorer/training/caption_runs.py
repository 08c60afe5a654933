"""The training of a network that sees a picture at its first step, and then spells what it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.check import as_array, real
from explorer.corpora import digits
from explorer.training.losses import cross_entropy
from explorer.training.models import Reader, Stack
from explorer.training.parts import Memory
from explorer.training.runs import LEARN, QUIET, Look, Run, sound
from explorer.training.settings import Settings

SHIFTED = 0.1  # share of the pictures that are moved by a pixel to the left or right


@dataclass(frozen=True)
class Captioning(Settings):
    """One training of one network that spells a handwritten digit, in Korean or English as it is asked."""

    @property
    def model(self) -> Reader:
        """The network, without weights: 64 pixels and the language go in, letters come out."""
        D = digits.SIDE**2 + len(digits.LANGUAGES)
        return Reader(Stack(self.cell, D, self.H, self.layers, self.conventions), len(digits.LETTERS))

    def draw(self):
        """The weights to start from, one vector."""
        return self.draw_weights(self.model, digits.T)


class CaptionRun(Run):
    """A `Captioning` under way. A word counts as right if every letter of it is, its end included."""

    goal, distances = 0.95, (1, 1)

    def batch(self, update: int) -> tuple[np.ndarray, np.ndarray]:
        """What goes in (B, D), and the letters that should come out (T, B)."""
        rng = np.random.default_rng([self.training.data_seed, LEARN, update])
        pixels, names = digits.pictures()
        chosen = rng.integers(len(names), size=self.training.B)
        seen = pixels[chosen].reshape(-1, digits.SIDE, digits.SIDE)
        moved = np.where(rng.random(len(chosen)) < SHIFTED, rng.choice([-1, 1], len(chosen)), 0)
        seen = np.stack([np.roll(picture, by, axis=1) for picture, by in zip(seen, moved)])
        seen = seen ** rng.uniform(0.6, 1.6, (len(chosen), 1, 1))  # a softer or a harder pencil
        languages = rng.integers(len(digits.LANGUAGES), size=len(chosen))
        return self.entering(seen.reshape(len(chosen), -1), languages), digits.captions(names[chosen], languages)

    def entering(self, pixels, languages) -> np.ndarray:
        """Pixels (B, 64) and languages (B,) from 0 -> (B, D)."""
        return np.concatenate([pixels, np.eye(len(digits.LANGUAGES))[languages]], axis=1)

    def look(self, update: int) -> Look:
        inputs, wanted = self.batch(update)
        answer = self.model.through(self.weights, "vector_to_sequence", inputs, digits.T)
        loss, slope = sound(*cross_entropy(answer.answers, wanted.reshape(-1)))
        gradient, reached = answer.back(slope)
        right = (answer.answers.argmax(axis=1).reshape(wanted.shape) == wanted).all(axis=0)
        return Look(loss, float(right.mean()), answer.answers, answer.memory, gradient, reached)

    def spell(self, pixels, languages) -> tuple[list[str], np.ndarray, Memory]:
        """The words for pictures (B, 64), the logits (T, B, letters), and what the network did."""
        inputs = self.entering(real(pixels, float, "pixels"), as_array(languages, "languages"))
        with np.errstate(**QUIET):
            answer = self.model.through(self.weights, "vector_to_sequence", inputs, digits.T)
        logits = answer.answers.reshape(digits.T, len(inputs), -1)
        return digits.written(logits.argmax(axis=2)), logits, answer.memory

    def measured(self, validation: bool = False) -> dict[str, float]:
        """What it reaches on the pictures held out, or on those for validation."""
        pixels, names = digits.pictures(not validation, validation)
        scores = {}
        for k, language in enumerate(digits.LANGUAGES):
            words, _, _ = self.spell(pixels, np.full(len(names), k))
            right = [word == digits.NAMES[language][name] for word, name in zip(words, names)]
            scores[f"spelt_{language}"] = 100 * float(np.mean(right))
        return scores
