"""Numbers that are typed or pasted: read, or asked about where a comma or a blank may be of a number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from explorer.datasets.own import read_numbers
from explorer.inputs.tables import Reading, Unreadable, pasted


def numbers(text, **reading) -> list[float]:
    read = pasted(text, Reading(**reading))
    assert read.refusal is None, read.refusal
    return read.numbers.ravel().tolist()


def refused(text, **reading) -> Unreadable:
    try:
        error = pasted(text, Reading(**reading)).refusal
    except Unreadable as raised:
        error = raised
    assert error is not None
    return error


@pytest.mark.parametrize(
    "text",
    [
        *["1", "1, 2, 3", "1;2\n3\t4", "  0.5 −1  2e3 ", ".5,-.25,+1", "1,,2,", "1000000 -1000000", "0 " * 500],
        *["1,2,3", "100,200,300", "0.5,0.25,.125", "1, 100.5", "1;2;3", "99.5,100.5", "100.25,101.50,99"],
        *["1.234,2.345,3.456", "1.234,2,3", "1e-3,100.5", "1000,200.5", "1,2,3\n4,5,6", "0\n1\n0", "100 200 300"],
        *["1.234; 5.678", "0.5\n0.25", "1\t2\t3"],
    ],
)
def test_what_is_without_doubt_is_taken(text):
    assert numbers(text) == list(read_numbers(text))


def test_there_is_no_bound_but_that_of_tables():
    assert numbers("5000000, 6000000") == [5e6, 6e6] and len(numbers("0 " * 5000)) == 5000


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        *[("1,000.5", "1,000.5"), ("7 1,234,567.89 8", "1,234,567.89"), ("1,000", "1,000"), ("3; 12,050", "12,050")],
        *[("1,5; 2,5", "1,5"), ("1;2,5", "2,5"), ("1,5\n2,5", "1,5"), ("3\t2,5", "2,5"), ("-1,234.", "1,234.")],
        *[("1.000,5", "1.000,5"), ("1,2,3,4,5,6,7,8,9,10,11,12,1,000.5", "1,000.5"), ("1,5", "1,5")],
        *[("70,100, 71,200", "70,100"), ("1,5, 2,5", "1,5"), ("1000,2000", "1000,2000"), ("₩70,100", "₩70,100")],
        *[("1\u00a0234", "1 234"), ("1\u202f234, 5", "1 234"), ("1 234; 5 678", "1 234"), ("1,234,567", "1,234,567")],
    ],
)
def test_what_may_be_one_number_or_several_is_asked_about(text, piece):
    error = refused(text)
    assert error.reason == "comma" and error.details == {"piece": piece}


@pytest.mark.parametrize(
    ("text", "reading", "wanted"),
    [
        ("1,5, 2,5", {"decimal": "comma"}, [1.5, 2.5]),
        ("1,5, 2,5", {"decimal": "point"}, [1, 5, 2, 5]),
        ("1,5, 2,5", {"separator": "comma"}, [1, 5, 2, 5]),
        ("70,100, 71,200", {"decimal": "comma"}, [70.1, 71.2]),
        ("70,100, 71,200", {"separator": "none", "decimal": "point"}, [70100, 71200]),
        ("70,100, 71,200", {"separator": "comma"}, [70, 100, 71, 200]),
        ("1,000.5", {"separator": "none"}, [1000.5]),
        ("1,000.5", {"separator": "comma"}, [1, 0.5]),
        ("1\u00a0234; 5", {"separator": "none"}, [1234, 5]),
        ("1\u00a0234; 5", {"separator": "comma"}, [1, 234, 5]),
    ],
)
def test_an_answer_settles_it(text, reading, wanted):
    assert numbers(text, **reading) == wanted


def test_the_mark_alone_may_be_asked_about():
    assert refused("70,100, 71,200", separator="none").reason == "decimal"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "none"),
        (" ,;\n", "none"),
        ("1 two 3", "bad"),
        ("0x10", "bad"),
        ("1, nan", "missing"),
        ("1 inf", "infinite"),
    ],
)
def test_what_is_no_list_is_refused(text, reason):
    assert refused(text).reason == reason


def test_a_bad_one_is_pointed_at():
    assert refused("1 two 3").details == {"place": 2, "piece": "two", "row": 2, "cell": "two", "column": "1"}


def test_lines_of_as_many_numbers_are_columns():
    assert pasted("1, 2\n3, 4\n5, 6").numbers.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert pasted("1, 2\n3, 4\n5, 6", Reading(columns=("2",))).numbers.tolist() == [[2], [4], [6]]
    assert pasted("1, 2\n3, 4\n5").numbers.tolist() == [[1], [2], [3], [4], [5]]


@pytest.mark.parametrize(
    "text", ["date\tprice\n2024-01-02\t5\n2024-01-03\t6", "date,price\n2024-01-02,5\n2024-01-03,6"]
)
def test_a_table_is_read_as_one(text):
    read = pasted(text)
    assert read.taken == ("price",) and read.numbers.tolist() == [[5], [6]]


@settings(deadline=None)
@given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_what_python_writes_is_read_back(values):
    assert numbers(", ".join(map(repr, values))) == values


@settings(deadline=None)
@given(some.lists(some.lists(some.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2, max_size=6))
def test_so_are_rows(rows):
    assert np.array_equal(pasted("\n".join(", ".join(map(repr, row)) for row in rows)).numbers, rows)


@settings(deadline=None)
@given(some.text())
def test_any_text_is_read_or_refused(text):
    try:
        read = pasted(text)
    except Unreadable:
        return
    assert (read.numbers is None) == (read.refusal is not None)
