"""What a visitor asks the trained networks: short enough for an address."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.corpora.translation import EXAMPLE
from explorer.datasets.prices import table
from explorer.forms import FORMS
from explorer.settings import Choice, Number, setting
from explorer.training.translators import ATTENTION

LONGEST = 200  # letters


@dataclass(frozen=True)
class Text:
    """A short text of the visitor's own."""

    key: str
    most: int = LONGEST

    def read(self, value) -> str:
        if not isinstance(value, str) or len(value) > self.most:
            raise ValueError(f"expected a text of at most {self.most} letters, but got {str(value)[:20]!r}")
        return value

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Asked:
    """What is asked of the networks of the four forms; the cell is that of the Experiment.

    form        of `explorer.forms`
    company     whose prices; "own" takes `prices`
    prices      numbers typed by the visitor
    review      "" for the example in the visitor's language
    digit       the number of a picture that is held out, from 1
    drawn       64 letters 0-9 a-g, the pixels of a picture of the visitor's own; "" for none
    source      Korean to be translated
    attention   "none", "additive" or "dot"
    beam        texts that are followed at a time; 1 is greedy
    teacher     the share of steps in percent at which the true word enters
    """

    form: str = setting("sequence_to_sequence", Choice("form", tuple(FORMS)))
    company: str = setting("GOOG", Choice("company", (*table()[1], "own")))
    prices: str = setting("", Text("prices", 2000))
    review: str = setting("", Text("review"))
    digit: int = setting(3, Number("digit", 1, 359))
    drawn: str = setting("", Text("drawn", 64))
    source: str = setting(EXAMPLE, Text("source", 30))
    attention: str = setting("none", Choice("attention", ATTENTION))
    beam: int = setting(1, Number("beam", 1, 5))
    teacher: int = setting(0, Number("teacher", 0, 100, 10))
