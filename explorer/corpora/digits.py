"""Handwritten digits, 8×8 pixels of 0 to 16, and their names: three, 삼.

The pictures are the 1,797 that scikit-learn ships (the test part of “Optical Recognition of Handwritten Digits”,
E. Alpaydın and C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0). They lie here as a file of 50 kB, because
scikit-learn with SciPy would make the app 150 MB heavier; with scikit-learn installed, `python -m
explorer.corpora.digits` makes the file again.

Every fifth picture is held out, and of the others every eighth is for validation, to choose settings by. The same
people wrote all parts.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import numpy as np

from explorer.check import finite, shaped

FILE = Path(__file__).with_name("digits.npz")
SIDE, FULL, FINE = 8, 16, 32  # pixels, the darkest, the pixels of the bitmap of which one pixel counts 4×4
NAMES = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "ko": ("영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"),
}
LANGUAGES = tuple(NAMES)
SPELT = {
    language: tuple(tuple(unicodedata.normalize("NFD", name)) for name in names) for language, names in NAMES.items()
}
LETTERS = ("", *sorted({letter for names in SPELT.values() for name in names for letter in name}))  # "" is the end
T = 1 + max(len(name) for names in SPELT.values() for name in names)  # letters of the longest, and the end
HELD_OUT, VALIDATION = 5, 8  # one in so many of all, and of those that are left


@cache
def pictures(held_out: bool = False, validation: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (N, 64) from 0 to 1 and the digits (N,), of the part that is trained on or of another one."""
    with np.load(FILE) as held:
        pixels, digits = held["pixels"] / FULL, held["digits"].astype(int)
    part = (np.arange(len(digits)) % HELD_OUT == HELD_OUT - 1) == held_out
    pixels, digits = pixels[part], digits[part]
    if held_out:
        return pixels, digits
    part = (np.arange(len(digits)) % VALIDATION == VALIDATION - 1) == validation
    return pixels[part], digits[part]


def captions(digits, languages) -> np.ndarray:
    """The letters of the names of digits (B,), as symbols (T, B), filled up with the end; languages (B,) from 0."""
    symbols = np.zeros((T, len(digits)), int)
    for b, (digit, language) in enumerate(zip(digits, languages)):
        name = SPELT[LANGUAGES[language]][digit]
        symbols[: len(name), b] = [LETTERS.index(letter) for letter in name]
    return symbols


def written(symbols: np.ndarray) -> list[str]:
    """Symbols (T, B) to B words, each up to its first end; Korean letters join to syllables where they can."""
    texts = []
    for row in symbols.T.tolist():
        end = row.index(0) if 0 in row else len(row)
        texts.append(unicodedata.normalize("NFC", "".join(LETTERS[symbol] for symbol in row[:end])))
    return texts


def shown(letter: str) -> str:
    """A letter as it stands alone: ㅅ for the one that begins a syllable; "□" for the end."""
    if not letter:
        return "□"
    place, _, name = unicodedata.name(letter).removeprefix("HANGUL ").partition(" ")
    return unicodedata.lookup(f"HANGUL LETTER {name}") if place.endswith("SEONG") else letter


def counted(bitmap) -> np.ndarray:
    """A drawing (n, n) of on and off -> 64 pixels from 0 to 1, as the data set was made: size-normalised to 32×32, then
    each pixel counts 4×4 of them.

    Raises ValueError for an empty drawing.
    """
    bitmap = finite(shaped(bitmap, ("n", "m"), "the drawing"), "the drawing") > 0
    if not bitmap.any():
        raise ValueError("expected a drawing, but it is empty: draw a digit from 0 to 9")
    rows, columns = (np.flatnonzero(bitmap.any(axis=axis)) for axis in (1, 0))
    cut = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cut.shape
    scale = max(height, width) / FINE
    wide, high = max(1, round(width / scale)), max(1, round(height / scale))
    resized = cut[np.ix_((np.arange(high) * height) // high, (np.arange(wide) * width) // wide)]
    fine = np.zeros((FINE, FINE))
    top, left = (FINE - high) // 2, (FINE - wide) // 2
    fine[top : top + high, left : left + wide] = resized
    block = FINE // SIDE
    return fine.reshape(SIDE, block, SIDE, block).sum(axis=(1, 3)).reshape(-1) / block**2


def pack(to: Path = FILE) -> None:
    """Make the file from scikit-learn's pictures."""
    from sklearn.datasets import load_digits

    given = load_digits()
    np.savez_compressed(to, pixels=given.data.astype(np.uint8), digits=given.target.astype(np.uint8))


if __name__ == "__main__":
    pack()
