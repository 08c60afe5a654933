"""Numbers and dates in words: read back by a reader of its own, for all of them."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from explorer.corpora.translation import (
    CORPORA,
    DAYS,
    FIRST,
    LAST,
    english_date,
    english_number,
    is_held_out,
    is_validation,
    korean_date,
    korean_number,
    source_tokens,
    target_tokens,
)

ANCHORS = {
    0: ("영", "zero"),
    1: ("일", "one"),
    10: ("십", "ten"),
    11: ("십일", "eleven"),
    19: ("십구", "nineteen"),
    23: ("이십삼", "twenty-three"),
    40: ("사십", "forty"),
    100: ("백", "one hundred"),
    101: ("백일", "one hundred one"),
    110: ("백십", "one hundred ten"),
    215: ("이백십오", "two hundred fifteen"),
    1000: ("천", "one thousand"),
    1001: ("천일", "one thousand one"),
    6_600: ("육천육백", "six thousand six hundred"),
    10_000: ("만", "ten thousand"),
    10_001: ("만 일", "ten thousand one"),
    12_345: ("만 이천삼백사십오", "twelve thousand three hundred forty-five"),
    100_000: ("십만", "one hundred thousand"),
    110_000: ("십일만", "one hundred ten thousand"),
    215_304: ("이십일만 오천삼백사", "two hundred fifteen thousand three hundred four"),
    999_999: (
        "구십구만 구천구백구십구",
        "nine hundred ninety-nine thousand nine hundred ninety-nine",
    ),
}


@pytest.mark.parametrize("n", ANCHORS)
def test_numbers_as_people_write_them(n):
    assert (korean_number(n), english_number(n)) == ANCHORS[n]


def read_korean(text):
    """A reader with one rule: a digit waits for its power, 만 multiplies all before it."""
    if text == "영":
        return 0
    total = digit = 0
    for sign in text.replace(" ", ""):
        if sign in "일이삼사오육칠팔구":
            assert not digit
            digit = "일이삼사오육칠팔구".index(sign) + 1
        elif sign == "만":
            total, digit = max(1, total + digit) * 10_000, 0
        else:
            total, digit = total + max(1, digit) * {"십": 10, "백": 100, "천": 1000}[sign], 0
    return total + digit


TENS = ("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine")
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
WORDS = {word: value for value, word in enumerate(f"{UNITS} seventeen eighteen nineteen".split())}
WORDS |= {f"{word}ty": 10 * value for value, word in enumerate(TENS, 2)}


@cache
def read_hundreds(text):
    total = 0
    for word in text.replace("-", " ").split():
        total = total * 100 if word == "hundred" else total + WORDS[word]
    return total


def read_english(text):
    high, thousand, low = text.rpartition(" thousand")
    return (read_hundreds(high) * 1000 + read_hundreds(low)) if thousand else read_hundreds(text)


def test_every_number_is_read_back():
    """All below ten thousand, and every 23rd beyond: each is what it says, so no two share their words."""
    high = [(read_korean(korean_number(n)), read_english(english_number(n))) for n in range(10_000)]
    assert high == [(n, n) for n in range(10_000)]
    for n in range(10_000, 1_000_000, 23):  # 23 is prime to all of the powers
        assert read_korean(korean_number(n)) == n == read_english(english_number(n)), n


def test_words_of_a_number_are_those_of_its_parts():
    """Together with the test above this covers all: Korean by ten thousands, English by thousands."""
    for high in range(2, 100):
        for low in (0, 1, 10, 305, 9999):
            wanted = korean_number(high) + "만" + (f" {korean_number(low)}" if low else "")
            assert korean_number(high * 10_000 + low) == wanted
    for high in range(1, 1000):
        for low in (0, 1, 15, 305, 999):
            wanted = english_number(high) + " thousand" + (f" {english_number(low)}" if low else "")
            assert english_number(high * 1000 + low) == wanted


def test_every_date_is_pythons():
    assert (korean_date(date(2026, 8, 19)), english_date(date(2026, 8, 19))) == ("2026년 8월 19일", "August 19, 2026")
    day, days = FIRST, 0
    while day <= LAST:
        # strftime writes the month in the C locale
        assert english_date(day) == f"{day:%B} {day.day}, {day:%Y}"
        year, month, of_month = (int(part[:-1]) for part in korean_date(day).split())
        assert date(year, month, of_month) == day
        day, days = day + timedelta(days=1), days + 1
    assert days == DAYS == 73_049
    assert (
        CORPORA["dates"].pair(0)[1] == "January 1, 1900" and CORPORA["dates"].pair(DAYS - 1)[1] == "December 31, 2099"
    )


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_a_tenth_is_held_out_and_the_parts_never_meet(corpus):
    k = np.arange(corpus.size)
    for part in (is_held_out(k), is_validation(k)):
        assert part.mean() == pytest.approx(0.1, rel=0.02)
        for digit in range(10):  # no digit gives it away
            assert part[k % 10 == digit].mean() == pytest.approx(0.1, rel=0.1)
            assert part[k // 1000 % 10 == digit].mean() == pytest.approx(0.1, rel=0.2)
    learn, test = corpus.draw(1, 2000), corpus.draw(1, 2000, held_out=True)
    assert not (set(learn) | set(test)) & set(corpus.draw(1, 2000, validation=True))
    assert not set(learn) & set(test)
    assert corpus.draw(1, 50) == learn[:50] or len(set(corpus.draw(1, 50))) > 40
    assert corpus.draw([1, 2], 50) == corpus.draw([1, 2], 50) != corpus.draw([1, 3], 50)


def test_the_first_ones_only():
    assert all(read_english(text) < 100 for _, text in CORPORA["numbers"].draw(1, 100, most=100))


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_texts_become_symbols_and_come_back(corpus):
    texts = corpus.draw(5, 300) + corpus.draw(5, 300, held_out=True)
    pairs = corpus.encode(texts)
    assert corpus.written(pairs.target) == [english for _, english in texts]
    assert len(pairs.source) + len(pairs.target) <= corpus.T
    for b, (korean, english) in enumerate(texts):
        assert "".join(corpus.source[s] for s in pairs.source[:, b]) == korean
        assert pairs.real[:, b].sum() == len(source_tokens(korean)) and pairs.real[-1, b]
        assert pairs.scored[:, b].sum() == len(target_tokens(english)) + 1
        assert pairs.target[pairs.scored[:, b], b][-1] == 0
    assert pairs.source.max() == len(corpus.source) - 1 and pairs.target.max() == len(corpus.target) - 1


def test_the_longest_pair_is_as_long_as_is_said():
    longest = {"numbers": [777_777], "dates": [DAYS - 1]}
    for name, corpus in CORPORA.items():
        pairs = corpus.encode([corpus.pair(k) for k in longest[name]])
        assert len(pairs.source) + len(pairs.target) == corpus.T


def test_tokens():
    assert target_tokens("twenty-three") == ["twenty", "-", "three"]
    assert target_tokens("August 19, 2026") == ["August", " ", "1", "9", ",", " ", "2", "0", "2", "6"]


def test_what_is_in_no_pair_is_answered():
    with pytest.raises(ValueError, match="unknown sign of numbers 'x': expected one of 영, 일"):
        CORPORA["numbers"].encode([("이십x", "twenty")])
    with pytest.raises(ValueError, match="the number must be a whole number from 0 to 999999, but is 1000000"):
        korean_number(1_000_000)
