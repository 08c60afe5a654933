"""Kinds of settings: each reads one value, from a widget, a URL or JSON, within its bounds, and writes it again."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field


def shortest(number: float) -> str:
    """A number in the fewest digits that read back as the same number."""
    return repr(number).removesuffix(".0")


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    key: str
    options: tuple[str, ...]

    def read(self, value) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise ValueError(f"expected one of {', '.join(self.options)}, but got {value!r}")
        return value

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Several:
    """Some of a few names, at least one, in the order of the options; with commas between them in a URL."""

    key: str
    options: tuple[str, ...]

    def read(self, value) -> tuple[str, ...]:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not given or not set(given) <= set(self.options):
            raise ValueError(f"expected some of {', '.join(self.options)}, but got {value!r}")
        return tuple(name for name in self.options if name in given)

    def write(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


@dataclass(frozen=True)
class Switch:
    """Yes or no; 1 or 0 in a URL."""

    key: str
    options = ("0", "1")

    def read(self, value) -> bool:
        if value not in (True, False, "0", "1"):
            raise ValueError(f"expected 0 or 1, but got {value!r}")
        return value in (True, "1")

    def write(self, value: bool) -> str:
        return "01"[value]


@dataclass(frozen=True)
class Number:
    """A number between two bounds, on a grid of `step`; whole if the step is."""

    key: str
    low: float
    high: float
    step: float = 1

    def read(self, value) -> float:
        kind = int if isinstance(self.step, int) else float
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if isinstance(value, bool) or not self.low <= number <= self.high or (kind is int and number % 1):
            what = "a whole number" if kind is int else "a number"
            raise ValueError(f"expected {what} from {self.low} to {self.high}, but got {value!r}")
        return kind(number) if kind is int else round(number, 6) + 0.0

    def write(self, value: float) -> str:
        return shortest(value)


@dataclass(frozen=True)
class Names:
    """Some names of the visitor's own, in their order; none is one of them, too. A line of CSV in a URL."""

    key: str
    most: int
    longest: int = 64

    def read(self, value) -> tuple[str, ...]:
        try:
            given = next(csv.reader([value], strict=True), []) if isinstance(value, str) else value
        except csv.Error:
            given = None
        fits = isinstance(given, list | tuple) and len(given) <= self.most
        if not fits or not all(
            isinstance(name, str) and name.isprintable() and len(name) <= self.longest for name in given
        ):
            what = f"at most {self.most} names of at most {self.longest} letters"
            raise ValueError(f"expected {what}, but got {str(value)[:40]!r}")
        return tuple(given)

    def _fits(self, name) -> bool:
        return isinstance(name, str) and name.isprintable() and len(name) <= self.longest

    def write(self, value: tuple[str, ...]) -> str:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()


def setting(default, kind):
    return field(default=default, metadata={"kind": kind})
