"""What a component is sent: every number arrives as it was, words stay readable, the rest is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.ui.components.packing import pack, unpack

ARRAYS = [
    np.arange(5, dtype=np.float32),
    np.geomspace(1e-300, 1e300, 7),
    np.arange(6.0).reshape(2, 3),
    np.arange(6.0, dtype=np.float32).reshape(2, 3).T,
    np.array([1, np.nan, np.inf, -np.inf]),
    np.arange(7, dtype=np.uint8),
    np.zeros((0,)),
    np.zeros((3, 0), np.float32),
]


@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_arrives_as_it_was(array):
    [sent] = unpack(pack({"data": [array]}))["data"]
    assert sent.dtype == array.dtype
    np.testing.assert_array_equal(sent, array)


def test_many_arrays_keep_their_places_and_what_is_packed_may_be_packed_again():
    inner = pack({"arrays": ARRAYS, "name": "게이트"})
    outer = unpack(pack({"before": np.arange(3, dtype=np.uint8), "inner": inner}))
    again = unpack(outer["inner"].tobytes())
    assert again["name"] == "게이트"
    for sent, array in zip(again["arrays"], ARRAYS, strict=True):
        np.testing.assert_array_equal(sent, array)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_words_and_numbers_arrive_as_they_were(value):
    assert unpack(pack({"value": value})) == {"value": value}


def test_arrays_begin_where_a_browser_can_read_them():
    """A view of 8-byte numbers in JavaScript needs a multiple of 8."""
    data = pack({"a": np.ones(3, np.uint8), "b": np.array([math.pi])})
    assert data.index(np.array([math.pi]).tobytes()) % 8 == 0


def test_words_stay_readable():
    assert "게이트 ∂L/∂h".encode() in pack({"title": "게이트 ∂L/∂h"})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        pack({"height": value})


@pytest.mark.parametrize(("value", "kind"), [(np.arange(3), "array of int64"), ({1, 2}, "set"), (np.float64, "type")])
def test_other_types_are_refused(value, kind):
    with pytest.raises(TypeError, match=f"float32, float64 and uint8 arrays and bytes, got .*{kind}"):
        pack({"value": value})
