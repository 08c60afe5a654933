"""How others name the gates and in which order they list them; the engine itself keeps PyTorch's names.

pytorch    the candidate is g (LSTM) or n (GRU); gates in the order of weight_ih: i f g o, r z n
textbook   C̃ and h̃, c̃ and h̃ as the index of their weights; in the order of computation: f i C̃ o, r z h̃
keras      the same letters, in the order of Keras' kernels, where c means the candidate: i f c o, z r h
"""

from __future__ import annotations

from collections.abc import Mapping

from explorer.cells import CELLS

DIALECTS = ("pytorch", "textbook", "keras")
CANDIDATES = {"g": ("C̃", "c̃"), "n": ("h̃", "h̃")}  # as a quantity, as an index
ORDERS = {"textbook": {"lstm": "figo", "gru": "rzn"}, "keras": {"lstm": "ifgo", "gru": "zrn"}}


def letters(dialect: str) -> Mapping[str, tuple[str, str]]:
    """The gates that the dialect writes otherwise than PyTorch, {gate: (as a quantity, as an index)}."""
    return {} if dialect == "pytorch" else CANDIDATES


def listed(cell: str, dialect: str) -> tuple[str, ...]:
    """The gates of a cell in the order in which the dialect lists them."""
    return tuple(ORDERS.get(dialect, {}).get(cell, CELLS[cell].gates))


def letter(quantity: str, dialect: str) -> str:
    """How the dialect writes a quantity or a pre-activation: g -> C̃, a_g -> a_c̃."""
    shown, index = letters(dialect).get(quantity.removeprefix("a_"), (None, None))
    if shown is None:
        return quantity
    return f"a_{index}" if quantity.startswith("a_") else shown


def in_order(quantities, gates: tuple[str, ...]) -> list[str]:
    """The quantities, gates among them as `gates` lists them; what is no gate keeps its place."""
    left = iter(gates)
    return [next(left) if quantity in gates else quantity for quantity in quantities]
