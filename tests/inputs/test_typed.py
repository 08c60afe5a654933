"""Numbers that are typed or pasted as a list: commas that may stand inside a number are asked about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer.datasets.own import read_numbers
from explorer.inputs.tables import Reading, Unreadable, pasted


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("1,000.5", "1,000.5"),
        ("7 1,234,567.89 8", "1,234,567.89"),
        ("1,000", "1,000"),
        ("3; 12,050", "12,050"),
        ("1,5; 2,5", "1,5"),
        ("1;2,5", "2,5"),
        ("1,5\n2,5", "1,5"),
        ("3\t2,5", "2,5"),
        ("-1,234.", "1,234."),
        ("1.000,5", "1.000,5"),
        ("1,2,3,4,5,6,7,8,9,10,11,12,1,000.5", "1,000.5"),
        ("70,100, 71,200", "70,100"),
        ("1,5, 2,5", "1,5"),
        ("1\u00a0000 2\u00a0000", "1 000"),
    ],
)
def test_a_comma_that_may_be_of_a_number_is_asked_about(text, piece):
    with pytest.raises(Unreadable) as refused:
        pasted(text)
    assert (refused.value.reason, refused.value.details) == ("comma", {"piece": piece})


@pytest.mark.parametrize(
    "text",
    [
        *("1,2,3", "100,200,300", "0.5,0.25,.125", "1, 100.5", "1;2;3", "99.5,100.5", "100.25,101.50,99"),
        *("1.234,2.345,3.456", "1.234,2,3", "1e-3,100.5", "1000,200.5", "1 2 3", "−1\n+2\n.5"),
    ],
)
def test_other_commas_lie_between_numbers(text):
    assert tuple(pasted(text).numbers[:, 0]) == read_numbers(text.replace("+", ""))


@pytest.mark.parametrize(
    ("text", "reading", "numbers"),
    [
        ("70,100, 71,200", Reading(decimal="comma", separator="space"), [70.1, 71.2]),
        ("70,100, 71,200", Reading(decimal="point", separator="space"), [70100, 71200]),
        ("70,100, 71,200", Reading(decimal="point", separator="comma"), [70, 100, 71, 200]),
        ("1,5; 2,5", Reading(decimal="comma"), [1.5, 2.5]),
    ],
)
def test_a_reading_answers(text, reading, numbers):
    assert pasted(text, reading).numbers[:, 0].tolist() == numbers


@given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_what_python_writes_is_read_back(numbers):
    np.testing.assert_array_equal(pasted(", ".join(map(repr, numbers))).numbers[:, 0], numbers)
