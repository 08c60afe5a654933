"""Numbers and dates from Korean to English: 이십삼 → twenty-three, 2026년 8월 19일 → August 19, 2026.

Every number from 0 to 999,999 and every date from 1900 to 2099. Korean groups by ten thousands, English by
thousands, so that 십이만 삼천 is one hundred twenty-three thousand: the order of the parts is not enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np

from explorer.check import known, whole

EXAMPLE = "이십삼"
KOREAN_DIGITS = "영일이삼사오육칠팔구"
KOREAN_POWERS = ("", "십", "백", "천")
SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
MOST = 999_999
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
DAYS = (LAST - FIRST).days + 1
HELD_OUT = 10  # one in so many is held out, and another one is for validation, to choose settings by


def korean_number(n: int) -> str:
    """Sino-Korean, with a space after ten thousands: 12345 is 만 이천삼백사십오."""
    n = whole(n, 0, MOST, "the number")
    high, low = divmod(n, 10_000)
    if not high:
        return _four_digits(low) or KOREAN_DIGITS[0]
    ten_thousands = "만" if high == 1 else _four_digits(high) + "만"  # 만, not 일만
    return f"{ten_thousands} {_four_digits(low)}".rstrip()


def _four_digits(n: int) -> str:
    """Up to 9999; 0 is silent, and so is a one before 십, 백, 천."""
    parts = []
    for power in (3, 2, 1, 0):
        digit = n // 10**power % 10
        if digit:
            parts.append(("" if digit == 1 and power else KOREAN_DIGITS[digit]) + KOREAN_POWERS[power])
    return "".join(parts)


def english_number(n: int) -> str:
    """American: 215304 is two hundred fifteen thousand three hundred four."""
    n = whole(n, 0, MOST, "the number")
    high, low = divmod(n, 1000)
    if not high:
        return _below_thousand(low)
    return f"{_below_thousand(high)} thousand" + (f" {_below_thousand(low)}" if low else "")


def _below_thousand(n: int) -> str:
    if n < 20:
        return SMALL[n]
    if n < 100:
        return TENS[n // 10] + (f"-{SMALL[n % 10]}" if n % 10 else "")
    return f"{SMALL[n // 100]} hundred" + (f" {_below_thousand(n % 100)}" if n % 100 else "")


def korean_date(day: date) -> str:
    return f"{day.year}년 {day.month}월 {day.day}일"


def english_date(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def number_pair(k: int) -> tuple[str, str]:
    return korean_number(k), english_number(k)


def date_pair(k: int) -> tuple[str, str]:
    """The k-th day from January 1, 1900 on."""
    day = FIRST + timedelta(days=whole(k, 0, DAYS - 1, "the day"))
    return korean_date(day), english_date(day)


def source_tokens(text: str) -> list[str]:
    """Korean is read sign by sign."""
    return list(text)


def target_tokens(text: str) -> list[str]:
    """English is written word by word, and sign by sign where there are no letters."""
    return re.findall(r"[A-Za-z]+|.", text)


def is_held_out(k: np.ndarray | int):
    """Whether the k-th pair is of the tenth that is held out, spread without a pattern that digits could show."""
    return _lot(k) == 0


def is_validation(k: np.ndarray | int):
    """Whether it is of another tenth that is not trained on."""
    return _lot(k) == 1


def _lot(k):
    mixed = np.asarray(k, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(32)) % np.uint64(HELD_OUT)


def kind_of(source: str) -> str:
    """The corpus to which a Korean text belongs: dates have digits and years, numbers are words."""
    return "dates" if re.search("[0-9년]", source) else "numbers"


@dataclass(frozen=True, eq=False)
class Pairs:
    """B pairs as symbols, for `explorer.training.EncoderDecoder`.

    source   (S, B), filled up before the beginning
    real     (S, B), False where it is filled up
    target   (R, B), ended and filled up by the end sign
    scored   (R, B), True up to and with the first end sign
    """

    source: np.ndarray
    real: np.ndarray
    target: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """All pairs of one kind.

    name             its name in code, URLs and files
    size             how many there are; the k-th is pair(k)
    pair             k -> (Korean, English)
    T                signs and words of the longest one together, its end included
    source, target   the signs that are read, the words that are written; symbol 0 of both is none: filling, the end
    """

    name: str
    size: int
    pair: Callable[[int], tuple[str, str]]
    T: int
    source: tuple[str, ...]
    target: tuple[str, ...]

    def draw(
        self, seed, B: int, held_out: bool = False, most: int | None = None, validation: bool = False
    ) -> list[tuple[str, str]]:
        """B pairs of the part that is trained on, or of another one, of the first `most` if given."""
        whole(B, 1, 10_000, "B")
        rng, found = np.random.default_rng(seed), []
        size = self.size if most is None else whole(most, 100, self.size, "most")
        while len(found) < B:
            k = rng.integers(size, size=20 * B)
            found += k[(is_held_out(k) == held_out) & (is_validation(k) == validation)].tolist()
        return [self.pair(k) for k in found[:B]]

    def encode(self, pairs) -> Pairs:
        """Texts to symbols. Raises ValueError for a sign that is in no pair of this corpus."""
        read = [self._symbols(source_tokens(text), self.source) for text, _ in pairs]
        written = [[*self._symbols(target_tokens(text), self.target), 0] for _, text in pairs]
        S, R = max(map(len, read)), max(map(len, written))
        source = np.array([[0] * (S - len(row)) + row for row in read]).T
        target = np.array([row + [0] * (R - len(row)) for row in written]).T
        scored = np.arange(R)[:, None] < np.array([len(row) for row in written])
        return Pairs(source, source > 0, target, scored)

    def written(self, symbols: np.ndarray) -> list[str]:
        """Symbols (R, B) to B texts, each up to its first end sign."""
        texts = []
        for row in symbols.T.tolist():
            end = row.index(0) if 0 in row else len(row)
            texts.append("".join(self.target[symbol] for symbol in row[:end]))
        return texts

    def _symbols(self, tokens, names) -> list[int]:
        return [names.index(known(token, names[1:], f"sign of {self.name}")) for token in tokens]


CORPORA: MappingProxyType[str, Corpus] = MappingProxyType(
    {
        corpus.name: corpus
        for corpus in (
            Corpus(
                name="numbers",
                size=MOST + 1,
                pair=number_pair,
                T=30,
                source=("", *KOREAN_DIGITS, "십", "백", "천", "만", " "),
                target=("", *SMALL, *TENS[2:], "hundred", "thousand", " ", "-"),
            ),
            Corpus(
                name="dates",
                size=DAYS,
                pair=date_pair,
                T=24,
                source=("", *"0123456789", "년", "월", "일", " "),
                target=("", *MONTHS, *"0123456789", " ", ","),
            ),
        )
    }
)
