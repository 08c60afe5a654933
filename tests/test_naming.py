"""Other texts' names and orders of the gates: only names, and all of them."""

import pytest

from explorer.cells import CELLS
from explorer.naming import CANDIDATES, DIALECTS, in_order, letter, letters, listed


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_dialect_lists_every_gate_once(cell, dialect):
    assert sorted(listed(cell, dialect)) == sorted(CELLS[cell].gates)


def test_the_orders_are_those_of_the_libraries():
    assert "".join(listed("lstm", "pytorch")) == "ifgo" and "".join(listed("gru", "pytorch")) == "rzn"
    assert "".join(listed("gru", "keras")) == "zrn"  # Keras: z, r, h
    assert [letter(gate, "keras") for gate in listed("lstm", "keras")] == ["i", "f", "C̃", "o"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_textbook_lists_gates_as_they_are_computed(cell):
    options = {name: values[0] for name, values in CELLS[cell].options.items()}
    computed = [q for q in CELLS[cell].equations(options) if q in CELLS[cell].gates]
    assert list(listed(cell, "textbook")) == computed


def test_only_candidates_have_other_letters():
    for dialect in DIALECTS:
        for cell in CELLS.values():
            written = {q: letter(q, dialect) for q in (*cell.gates, *cell.states)}
            assert len(set(written.values())) == len(written), "two quantities would look the same"
            assert {q for q, shown in written.items() if q != shown} == set(letters(dialect)) & set(cell.gates)
    assert letter("a_g", "keras") == "a_c̃" and letter("a_f", "keras") == "a_f"
    assert set(CANDIDATES) == {"g", "n"}


def test_what_is_no_gate_keeps_its_place():
    assert in_order(["f", "i", "g", "c", "o", "h"], ("i", "f", "g", "o")) == ["i", "f", "g", "c", "o", "h"]
    assert in_order(["h"], ("h",)) == ["h"]
