"""What a recurrent cell is: a frozen record of names, equations and two loops over time.

The loops follow a few rules that make NumPy fast without hiding the equations:

*   The input's part of every pre-activation is one matrix product for all steps, made beforehand;
    the weights' gradients are one product each, made afterwards. Only W_hh h_{t-1} is in the loop.
*   A step works on one row of scratch memory whose blocks of H have names, and stores the row once.
    No array is made in the loop, no shape is broadcast, no number is converted: at H = 32 a ufunc
    costs more to call than to compute.
*   σ(a) = ½ tanh(a/2) + ½, so that one tanh serves all gates of a step; the ½ inside goes into the
    weights beforehand. It is accurate to one unit in the last place of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np

LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class Cell:
    """A kind of recurrent cell.

    name       its name in code, URLs and files
    gates      the blocks of weight_ih and weight_hh, in PyTorch's order
    order      the same blocks in the order in which the loops keep them
    states     what is carried from step to step; "h" is the output
    ranges     (options) -> {quantity: (lowest, highest)}, for fixed scales; unbounded ones are absent
    keep       the gate that keeps the old state, None if the cell has none
    options    convention -> the values it may take, the default first
    equations  (options) -> {quantity: formula} in the order of computation; `explorer.equations` reads them
    chain      (options, held=()) -> {gradient: formula}, the chain rule backwards through a step, in that order;
               `held` are the quantities that are held somewhere, whose `free_…` then stand in the formulas
    phases     the quantities that a textbook explains together, in its order
    phases_back  the same of the chain rule: the gradients that are found together, from h back to the gates
    forward    (params, x, state, options, held={}) -> (values, tape); `held` is that of `explorer.cells.clamp`
    backward   (params, tape, dh, options, later=None, held={}) -> Backward; `later`, state name -> (H[, B]), is
               what reaches the last states from steps beyond the tape
    jacobians  (params, rows, options, held={}) -> StepJacobians of one sequence, `rows` a flat stretch of its tape
    source     where the equations come from
    """

    name: str
    gates: tuple[str, ...]
    order: tuple[str, ...]
    states: tuple[str, ...]
    ranges: Callable[[Mapping], Mapping[str, tuple[float, float]]]
    keep: str | None
    options: Mapping[str, tuple]
    equations: Callable[[Mapping], Mapping[str, str]]
    chain: Callable[..., Mapping[str, str]]
    phases: tuple[tuple[str, ...], ...]
    phases_back: tuple[tuple[str, ...], ...]
    forward: Callable
    backward: Callable
    jacobians: Callable
    source: str


@dataclass(frozen=True)
class Backward:
    """What a backward loop hands back, features before sequences as in the loops.

    pre      (T, gates·H[, B])     ∂L/∂a_t of all gates, in the cell's `order`
    state    name -> (T, H[, B])   the total ∂L/∂h_t, ∂L/∂C_t
    initial  name -> (H[, B])      ∂L/∂h_0, ∂L/∂C_0
    h_prev   (T, H[, B])           h_{t-1}, if every a_t is W_ih x_t + W_hh h_{t-1} + b: one product serves all weights
    recurrent  else () -> {"weight_hh": (gates·H, H), "bias_hh": (gates·H,)}, in PyTorch's order, when asked for
    """

    pre: np.ndarray
    state: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]
    h_prev: np.ndarray | None = None
    recurrent: Callable[[], Mapping[str, np.ndarray]] | None = None


@dataclass(frozen=True)
class StepJacobians:
    """How the states of a step follow those of the step before, for n steps of one sequence.

    by_h    (n, S·H, H)  ∂(h_t, C_t)/∂h_{t-1}, the S states one below the other; full, as W_hh mixes the units
    by_c    (n, 2·H)     the diagonals of ∂h_t/∂C_{t-1} and ∂C_t/∂C_{t-1}: each unit has its own C
    h_by_c  (n, H)       the diagonal of ∂h_t/∂C_t, inside the step

    h_{t-1} and C_{t-1} count as two variables here. A cell without C leaves by_c and h_by_c None.
    """

    by_h: np.ndarray
    by_c: np.ndarray | None = None
    h_by_c: np.ndarray | None = None


def free(held: Iterable[str], *names: str) -> str:
    """The factors of a formula that are 0 where one of the names is held; none of what is never held."""
    return "".join(f"free_{name} * " for name in names if name.removesuffix("_next") in held)


def buffer(T: int, width: int, B: int, dtype) -> np.ndarray:
    """Memory for T rows of a loop, (T, width, B); a single sequence has flat rows, (T, width)."""
    return np.empty((T, width) if B == 1 else (T, width, B), dtype)


def with_batch(rows: np.ndarray) -> np.ndarray:
    """A loop's rows (T, width[, B]) with their batch axis, (T, width, B)."""
    return rows[:, :, None] if rows.ndim == 2 else rows


def named(rows: np.ndarray, names: Iterable[str], H: int) -> dict[str, np.ndarray]:
    """The blocks of H of a loop's rows as views {name: (T, B, H)}."""
    rows = with_batch(rows).transpose(0, 2, 1)
    return {name: rows[:, :, k * H : (k + 1) * H] for k, name in enumerate(names)}


def parts(rows: np.ndarray, *in_blocks: int, axis: int = 0) -> list[np.ndarray]:
    """Cut a row, or the axis 1 of rows, into views of the given numbers of blocks of H."""
    H = rows.shape[axis] // sum(in_blocks)
    cuts = [slice((end - n) * H, end * H) for n, end in zip(in_blocks, accumulate(in_blocks))]
    return [rows[:, cut] if axis else rows[cut] for cut in cuts]


def blocks(rows: np.ndarray, n: int) -> np.ndarray:
    """A view of a loop's rows (T, n·H[, B]) block by block, (n, T, H[, B])."""
    return rows.reshape(len(rows), n, -1, *rows.shape[2:]).swapaxes(0, 1)


def stretches_backward(T: int, length: int):
    """Slices of T steps, `length` each, the last ones first."""
    for stop in range(T, 0, -length):
        yield slice(max(0, stop - length), stop)


def aligned(matrix: np.ndarray, order: str = "C") -> np.ndarray:
    """A copy that begins where a cache line does: a product with a vector reads no line twice, a tenth of its time."""
    memory = np.empty(matrix.nbytes + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    copy = memory[start : start + matrix.nbytes].view(matrix.dtype).reshape(matrix.shape, order=order)
    copy[...] = matrix
    return copy


def arranged(matrix: np.ndarray, now: tuple, then: tuple) -> np.ndarray:
    """The blocks of a stacked weight or bias, now in one order of gates, in another."""
    return matrix.reshape(len(now), -1).take(_places(now, then), axis=0).reshape(matrix.shape)


@cache
def _places(now: tuple, then: tuple) -> np.ndarray:
    return np.array([now.index(gate) for gate in then])


def projected(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The input's part of all pre-activations: x (T, B, D), weight (M, D), bias (M,) -> (T, M[, B])."""
    T, B, D = x.shape
    weight = np.concatenate((weight, bias[:, None]), axis=1)
    with_one = np.ones((T, D + 1, B), x.dtype)  # a last input that is always 1 brings in the bias
    with_one[:, :D] = x.transpose(0, 2, 1)
    return with_one[:, :, 0] @ weight.T if B == 1 else weight @ with_one


STRETCH = 2048  # steps that stay in the cache while they are multiplied


def outer(left: np.ndarray, *rights: np.ndarray) -> list[np.ndarray]:
    """Σ left·rightᵀ over steps and sequences, for each right: (T, M[, B]), (T, N[, B]) -> (M, N)."""
    if left.ndim == 2 and len(left) <= STRETCH:
        return [left.T @ right for right in rights]
    *starts, N = accumulate((right.shape[1] for right in rights), initial=0)
    T, _, *batch = left.shape
    if not batch:  # a product a stretch: each step is read once
        pieces = [slice(start, start + STRETCH) for start in range(0, T, STRETCH)]
        sums = sum(np.concatenate([right[piece] for right in rights], axis=1).T @ left[piece] for piece in pieces).T
    elif batch[0] * 2 >= N:  # a product a step, and their sum: less to write than `left` in another order
        beside = np.concatenate([right.transpose(0, 2, 1) for right in rights], axis=2)
        sums = (left @ beside).sum(axis=0)
    else:
        flat, *below = (np.moveaxis(rows, 1, 0).reshape(rows.shape[1], -1) for rows in (left, *rights))
        sums = flat @ np.concatenate(below).T
    return [np.ascontiguousarray(part) for part in np.split(sums, starts[1:], axis=1)]


def summed(rows: np.ndarray) -> np.ndarray:
    """Σ over steps and sequences: (T, M[, B]) -> (M,)."""
    rows = rows.sum(axis=0)  # whole steps first: both axes at once take five times as long
    return rows if rows.ndim == 1 else rows.sum(axis=1)
