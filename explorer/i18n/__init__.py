"""The words, one file a language; Korean particles and English nouns that fit the value before them."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "English", "ko": "한국어"}

# A particle's form after a final consonant and after a vowel; 으로 also counts ㄹ as a vowel.
PARTICLES = {"은": "는", "이": "가", "을": "를", "과": "와", "으로": "로"}
NOUN = re.compile("[a-z]+s")  # in the plural
SUPERSCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
FINAL = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ", "L": "ㄹ", "M": "ㅁ", "N": "ㄴ", "R": "ㄹ"}


def final_consonant(word: str) -> str:
    """The final consonant with which a word is spoken in Korean, "" after a vowel; numbers and Latin letters too."""
    last = next((letter for letter in reversed(word) if letter.isalnum() or letter in "%∞" + SUPERSCRIPTS), "")
    if "가" <= last <= "힣":
        return " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"[(ord(last) - ord("가")) % 28].strip()
    if last and last in SUPERSCRIPTS:
        return "ㅂ"  # … 제곱
    return FINAL.get(last.upper(), "")


def with_particle(word: str, particle: str) -> str:
    """The word with the form of the particle that fits: ("LSTM", "은") -> "LSTM은", ("GRU", "은") -> "GRU는"."""
    final = final_consonant(word)
    vowel = not final or (particle == "으로" and final == "ㄹ")
    return word + (PARTICLES[particle] if vowel else particle)


def counted(number: str, noun: str) -> str:
    """The number and what it counts, the noun given in the plural: ("1", "steps") -> "1 step"."""
    return f"{number} {noun.removesuffix('s') if number == '1' else noun}"


class _Formatter(string.Formatter):
    def format_field(self, value, spec):
        if spec in PARTICLES:
            return with_particle(str(value), spec)
        return counted(str(value), spec) if NOUN.fullmatch(spec) else super().format_field(value, spec)


@cache
def table(language: str) -> dict[str, str]:
    """All words of a language by dotted key."""
    parsed = tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(parsed, ""))


def _flat(node, prefix):
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@cache
def words(language: str) -> Callable[..., str]:
    """(key, **values) -> the words.

    In a text, `{name:은}` is the value with the particle that fits it, `{name:steps}` with the noun that does.
    """
    texts, formatter = table(language), _Formatter()

    def say(key: str, /, **values) -> str:
        return formatter.vformat(texts[key], (), values) if values else texts[key]

    return say
