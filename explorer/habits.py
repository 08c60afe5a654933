"""Shapes in which other libraries and other hands have the same arrays: what an array of a wrong shape may be.

Each function is given the shape that came and says what it shows and what to do, "" if it shows nothing. A shape that
fits by chance shows nothing, either: nothing is claimed that could as well be something else.
"""

from __future__ import annotations

BLOCKS = {1: "an rnn", 3: "a gru", 4: "an lstm"}  # of H rows in the weights
TURNED = "it is transposed, as Keras stores it: give its .T"


def sizes(weight_ih: tuple[int, int], weight_hh: tuple[int, int], G: int) -> tuple[int, int]:
    """D and H of two matrices for G gates, also where they are transposed or have the blocks of another cell."""
    rows, columns = weight_hh
    H = rows if rows != G * columns and _count(columns, rows) else columns
    rows, columns = weight_ih
    turned = columns == G * H or (_count(columns, H) and not _count(rows, H))
    return rows if rows != G * H and turned else columns, H


def matrix(shape: tuple[int, int], G: int, H: int, width: int | None = None) -> str:
    """Of weight_ih, or of weight_hh, whose `width` is known to be H."""
    rows, columns = shape
    upright = _blocks(rows, G, H) if width in (None, columns) else ""
    turned = ""
    if width in (None, rows) and rows != columns and _count(columns, H):
        turned = "; ".join(filter(None, (TURNED, _blocks(columns, G, H))))
    return ", or ".join(filter(None, (turned, upright)))


def bias(shape: tuple[int, ...], G: int, H: int) -> str:
    """Of bias_ih or bias_hh."""
    rows = G * H
    if shape == (2, rows):
        return "it has two rows, as Keras's GRU with reset_after: the first is bias_ih, the second bias_hh"
    if shape in ((1, rows), (rows, 1)):
        return "it has one axis too many: give its .ravel()"
    if shape == (2 * rows,):
        return "it is twice as long: bias_ih and bias_hh are two arrays"
    return _blocks(shape[0], G, H) if len(shape) == 1 else ""


def _count(rows: int, H: int) -> int:
    """How many blocks of H so many rows are, 0 if no cell has so many."""
    return rows // H if rows % H == 0 and rows // H in BLOCKS else 0


def _blocks(rows: int, G: int, H: int) -> str:
    count = _count(rows, H)
    if not count or count == G:
        return ""
    return f"it has {count} block{'s' if count > 1 else ''} of {H}, as {BLOCKS[count]} has, and not {G}"


def missing(names: list[str]) -> str:
    """Of weights that were not given."""
    if names in (["bias_ih"], ["bias_hh"]):
        return "a network with one bias, as Keras has it, takes zeros for the other"
    if names == ["bias_ih", "bias_hh"]:
        return "a network without biases takes zeros"
    return ""


def sequence(shape: tuple[int, ...], D: int, layer: int) -> str:
    """Of x of (T, B, D); above the first layer it is the h of the layer below."""
    if layer > 1:
        return f"layer {layer - 1} has {shape[2]} units, and weight_ih of layer {layer} takes {D}"
    if len(shape) == 2 and shape[1] == D:
        return "it has no axis of sequences: give x[:, None] if it is one sequence"
    if len(shape) == 1 and D == 1:
        return "it is a plain row: give x[:, None, None] if it is one sequence"
    if len(shape) == 3 and shape[1] == D:
        return "the inputs are its second axis: they must be the last, as in x.transpose(0, 2, 1)"
    return ""


def state(shape: tuple[int, ...], T: int, B: int, H: int) -> str:
    """Of one state of (B, H), where x has T steps."""
    if shape == (1, B, H):
        return "it has an axis of layers, as PyTorch's: give its [0]"
    if len(shape) == 3 and shape[1:] == (B, H):
        return "it has an axis of layers, as PyTorch's: a stack takes one mapping a layer"
    if shape == (H, B):
        return "it is transposed: give its .T"
    if shape == (H,) and B == 1:
        return "it has no axis of sequences: give its [None]"
    if T != B and shape == (T, H):
        return f"x has {T} steps and {B} sequences: where it came batch first, give x.transpose(1, 0, 2)"
    return ""


def direct(shape: tuple[int, ...], T: int, B: int, H: int) -> str:
    """Of dh of (T, B, H)."""
    if T != B and shape == (B, T, H):
        return "steps and sequences are swapped, time comes first: give dh.transpose(1, 0, 2), or x if that came so"
    if shape == (T, H) and B == 1:
        return "it has no axis of sequences: give dh[:, None]"
    if shape == (B, H) and T > 1:
        return "it has no axis of steps: a loss at the last step stands in dh[-1], and the other steps are zeros"
    return ""
