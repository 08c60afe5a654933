"""Sentences of words, each word a vector drawn with the seed; after the last word, silence."""

import numpy as np

from explorer.datasets.base import Dataset, padded


def sentence(name: str, *words: str) -> Dataset:
    def draw(T, D, seed, numbers):
        vectors = np.random.default_rng(seed).standard_normal((len(words), D))
        return padded(vectors, words, [f"e{k + 1}" for k in range(D)], T)

    return Dataset(name, widths=(1, 16, 8), draw=draw, drawn=True)


DATASET = (
    sentence("korean", "추천해요", "굉장히", "좋다"),
    sentence("english", "I", "recommend", "it,", "it", "is", "really", "good"),
)
