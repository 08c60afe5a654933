"""∂h_t/∂h_k: how a state follows an earlier one, at any distance.

The Jacobian over many steps is the product of those of the steps, taken from t backward: H rows of gradient are
carried through the network at once, 4H³ multiplications a step, in float64 whatever the dtype of the trace, with a
power of two beside them, so that neither underflow nor overflow ends it. Logarithms are to the base of 10. Where a
state has overflown and a gate has no derivative any more, all that passes there is NaN, and never 0.

Each derivative is that of a node of the unrolled network, as PyTorch's autograd takes it: ∂/∂C_k includes what C_k
does through h_k. Steps count as in the textbooks, k = 0 for the initial states. Entry [u, v] of a matrix is the
derivative of unit u at step t by unit v at step k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.cells.base import StepJacobians
from explorer.cells.clamp import during
from explorer.check import known, whole
from explorer.scaled import LOG10_2, Scaled, exponent_of, log10_norm, spectra
from explorer.trace import Trace

PAIRS_AT_MOST, BYTES_AT_MOST = 1e11, 2**28  # multiplications, about ten seconds on one core; 268 MB
IN_CACHE, STRETCH = 2**16, 16  # numbers and steps of a stretch of step Jacobians
CERTAIN, ROUNDS = 1e-14, 6  # relative error, and the power iterations tried for it
ROOM = 500  # powers of two that numbers may drift before they are scaled again
NOTHING = -(2**20)  # a power of two that makes 0 of every float
QUIETLY = np.errstate(all="ignore")  # a state may have overflown: a result, no fault
SWEEPS, ALONE = 60, 1e-13  # of the QR iteration, and what is left beside the diagonal in its end


@dataclass(frozen=True, eq=False)
class JacobianNorms:
    """How large ∂of_t/∂wrt_k is, for k = 0 … t: log₁₀ of the norms, −inf where exactly nothing arrives.

    frobenius   (t + 1,): √ of the sum of all squares; √H at k = t, where the matrix is the identity
    spectral    (t + 1,): the largest singular value; None if it was not asked for
    """

    of: str
    wrt: str
    t: int
    frobenius: np.ndarray
    spectral: np.ndarray | None


@QUIETLY
def jacobian_norms(trace: Trace, of="h", wrt="h", t=None, *, sequence=0, spectral=True) -> JacobianNorms:
    """The norms of ∂of_t/∂wrt_k for all k from 0 to t.

    of, wrt    "h", for an LSTM also "c"
    t          the later step, 1 … T; the last one if not given
    sequence   which of the B sequences

    Raises ValueError for a state or a step that the trace does not have.
    """
    t = _checked(trace, of, wrt, t, sequence)
    frobenius, top = np.empty(t + 1), np.empty(t + 1)
    vector = np.full(trace.H, trace.H**-0.5)
    for k, stack, exponents in _backward(trace, of, wrt, t, sequence):
        powers = np.clip(exponent_of(stack.reshape(len(stack), -1)), -1000, 1000)
        stack, exponents = stack * np.ldexp(1.0, -powers)[:, None, None], exponents + powers
        squares = np.einsum("nuv,nuv->n", stack, stack)
        frobenius[k] = 0.5 * np.log10(squares) + exponents * LOG10_2
        if spectral:
            largest, vector = _largest(stack, squares, vector)
            top[k] = np.log10(largest) + exponents * LOG10_2
    return JacobianNorms(of, wrt, t, frobenius, top if spectral else None)


@QUIETLY
def jacobian_at(trace: Trace, t: int, k: int, of="h", wrt="h", *, sequence=0) -> Scaled:
    """∂of_t/∂wrt_k as a matrix (H, H) with its power of two: `.values` if it fits into floats, `.log10` always.

    Raises ValueError unless 0 ≤ k ≤ t ≤ T, 1 ≤ t.
    """
    t = _checked(trace, of, wrt, t, sequence)
    k = whole(k, 0, t, "k")
    at, stack, exponents = next(found for found in _backward(trace, of, wrt, t, sequence) if k in found[0])
    place = at.index(k)
    return Scaled(stack[place].T.copy(), int(exponents[place]))


def all_pairs_cost(trace: Trace, spectral=False, every=1) -> tuple[float, int]:
    """What `all_pairs` would take: (multiplications, bytes)."""
    T, H, S = trace.T, trace.H, len(trace.cell.states)
    each = (S + 20 * spectral) * H**3  # a singular value decomposition takes about 20 H³
    ends = -(-T // every)
    pairs = ends * T - every * ends * (ends - 1) / 2
    return pairs * each, 8 * (2 * S * ends * H * H + 2 * (T + 1) ** 2)


def all_pairs(trace: Trace, of="h", wrt="h", *, sequence=0, spectral=False, every=1) -> np.ndarray:
    """log₁₀ of the norm of ∂of_t/∂wrt_k for all 0 ≤ k ≤ t, 1 ≤ t: (T + 1, T + 1), row t, column k, else NaN.

    spectral   the largest singular value instead of the Frobenius norm; much slower
    every      only t = T, T − every, … are taken, and the cost falls by as much; the other rows are NaN

    Raises ValueError, with the cost, beyond 10¹¹ multiplications or 268 MB; `jacobian_norms` has no such limit.
    """
    T = _checked(trace, of, wrt, None, sequence)
    every = whole(every, 1, T, "every")
    work, size = all_pairs_cost(trace, spectral, every)
    if work > PAIRS_AT_MOST or size > BYTES_AT_MOST:
        raise ValueError(
            f"all pairs of {T} steps with {trace.H} units take {work:.1e} multiplications and {size / 1e6:.0f} MB, "
            f"but at most {PAIRS_AT_MOST:.0e} and {BYTES_AT_MOST / 1e6:.0f} MB are allowed: "
            "take fewer steps or units, or one t by jacobian_norms"
        )
    return _all_pairs(trace, of, wrt, sequence, spectral, every)


@QUIETLY
def _all_pairs(trace: Trace, of, wrt, sequence, spectral, every) -> np.ndarray:
    logs = np.full((trace.T + 1, trace.T + 1), np.nan)
    for k, stack, exponents in _backward_all(trace, of, wrt, sequence, every):
        norms = np.log10(spectra(stack)[:, 0]) + exponents * LOG10_2 if spectral else _norms(stack, exponents)
        logs[range(trace.T, max(k, 1) - 1, -every), k] = norms
    return logs


def _norms(stack: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """log₁₀ of the Frobenius norms, (n,); those whose squares leave the range of floats are taken with more care."""
    squares = np.einsum("nuv,nuv->n", stack, stack)
    norms = 0.5 * np.log10(squares) + exponents * LOG10_2
    hard = ~((squares > 2.0**-900) & (squares < 2.0**900))
    if hard.any():
        norms[hard] = log10_norm(stack[hard], exponents[hard], axes=2)
    return norms


@QUIETLY
def state_jacobians(trace: Trace, steps: range, *, sequence=0) -> np.ndarray:
    """∂s_t/∂s_{t-1} of single steps t, with all states as one vector s = (h, C): (n, S·H, S·H).

    Here h_{t-1} and C_{t-1} are two variables. `steps` runs upward with stride 1, within 1 … T.
    """
    _checked(trace, "h", "h", steps[-1], sequence)
    whole(steps[0], 1, steps[-1], "the first of the steps")
    return np.concatenate([whole_states(at) for _, at in _stretches(trace, sequence, steps)])


def whole_states(at: StepJacobians) -> np.ndarray:
    """The Jacobians of n steps with all states as one vector: (n, S·H, S·H)."""
    if at.by_c is None:
        return at.by_h
    n, both, H = at.by_h.shape
    by_c, diagonal = np.zeros((n, both, H)), np.arange(H)
    by_c[:, diagonal, diagonal], by_c[:, H + diagonal, diagonal] = at.by_c[:, :H], at.by_c[:, H:]
    return np.concatenate([at.by_h, by_c], axis=2)


@QUIETLY
def singular_values(trace: Trace, t: int, k: int, of="h", wrt="h", *, sequence=0) -> np.ndarray:
    """log₁₀ of all singular values of ∂of_t/∂wrt_k, (H,), the largest first; −inf for 0, all NaN if an entry is NaN.

    They lie further apart the more steps there are, and in a product of matrices all but the largest drown in
    rounding. So the product is kept as triangles, QR at each step, whose rows have a power of two each; QR
    iteration then brings it to a diagonal (Stewart 1997, "The triangular matrices of Gaussian elimination and
    related decompositions").
    """
    t = _checked(trace, of, wrt, t, sequence)
    k = whole(k, 0, t, "k")
    H = trace.H
    basis, power, triangle = _start(trace, of), np.zeros(H, int), np.eye(H)
    for at in _steps(trace, sequence, range(t, k, -1)):
        basis, factor = np.linalg.qr(_pulled(at, basis))
        power, triangle = _graded(factor, power, triangle)
    if k:
        (at,) = _steps(trace, sequence, range(k, k - 1, -1))
        basis = _nodes(at, basis)
    factor = np.linalg.qr(_of(trace, wrt, basis), mode="r")
    power, triangle = _graded(factor, power, triangle)
    return _diagonal(power, triangle) if np.isfinite(triangle).all() else np.full(H, np.nan)


@QUIETLY
def lyapunov_exponents(trace: Trace, count=None, *, sequence=0, skip=0) -> np.ndarray:
    """The Lyapunov exponents of a run, natural logarithms a step, the largest first: (count,).

    The mean rates at which small changes of all states (h and C together) grow along `count` perpendicular
    directions, by QR at each step (Benettin et al. 1980; for recurrent networks Engelken et al. 2020,
    arXiv 2006.02427). Below 0 the network forgets; above 0 it is chaotic.

    count   at most S·H, S the number of states; all of them if not given
    skip    steps at the start that only turn the directions and are not counted, 0 … T − 1
    """
    T = _checked(trace, "h", "h", None, sequence)
    width = len(trace.cell.states) * trace.H
    count = width if count is None else whole(count, 1, width, "count")
    skip = whole(skip, 0, T - 1, "skip")
    H, total = trace.H, np.zeros(count)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((width, count)))[0]
    for step, at in enumerate(_steps(trace, sequence, range(1, T + 1))):
        pushed = at.by_h @ basis[:H]
        if at.by_c is not None:
            pushed += at.by_c[:, None] * np.concatenate([basis[H:], basis[H:]])
        basis, factor = np.linalg.qr(pushed)
        if step >= skip:
            total += np.log(np.abs(factor.diagonal()))
    return np.sort(total / (T - skip))[::-1]


def _checked(trace, of, wrt, t, sequence) -> int:
    """The step t; refuses what the trace does not have."""
    for name in (of, wrt):
        known(name, trace.cell.states, f"state of {trace.cell.name}")
    whole(sequence, 0, trace.B - 1, "sequence")
    return trace.T if t is None else whole(t, 1, trace.T, "t")


def _stretches(trace: Trace, sequence: int, steps: range) -> Iterator[tuple[range, StepJacobians]]:
    """The Jacobians of single steps, upward or downward, made a stretch at a time in float64."""
    cell, H, ahead = trace.cell, trace.H, steps.step
    params = {name: array.astype(float) for name, array in trace.params.items()}
    tape = trace.tape if trace.B == 1 else trace.tape[:, :, sequence]
    length = int(np.clip(IN_CACHE // (len(cell.states) * H * H), 1, STRETCH))
    for first in range(0, len(steps), length):
        stretch = steps[first : first + length]
        low, high = min(stretch), max(stretch)
        rows, held = tape[low - 1 : high + 1].astype(float), during(trace.held, slice(low - 1, high))
        made = cell.jacobians(params, rows, trace.options, held)
        fields = (made.by_h, made.by_c, made.h_by_c)
        yield stretch, StepJacobians(*(rows[::ahead] for rows in fields if rows is not None))


def _steps(trace: Trace, sequence: int, steps: range) -> Iterator[StepJacobians]:
    """The same, one step after the other."""
    for _, at in _stretches(trace, sequence, steps):
        yield from _each(at)


def _each(at: StepJacobians) -> list[StepJacobians]:
    fields = (at.by_h, at.by_c, at.h_by_c)
    return [StepJacobians(*rows) for rows in zip(*(rows for rows in fields if rows is not None))]


def _start(trace: Trace, of: str) -> np.ndarray:
    """∂of_t/∂(h_t, C_t), turned over: (S·H, H)."""
    states, H = trace.cell.states, trace.H
    return np.concatenate([np.eye(H) * (q == of) for q in states])


def _pulled(at: StepJacobians, rows: np.ndarray, before=None) -> np.ndarray:
    """One step back, with h_{t-1} and C_{t-1} as two variables: (S·H, n) -> (S·H, n), written to `before` if given."""
    H, before = at.by_h.shape[1], np.empty_like(rows) if before is None else before
    np.matmul(at.by_h.T, rows, out=before[:H])
    if at.by_c is not None:
        np.multiply(at.by_c[:H, None], rows[:H], out=before[H:])
        before[H:] += at.by_c[H:, None] * rows[H:]
    return before


def _nodes(at: StepJacobians, rows: np.ndarray) -> np.ndarray:
    """The same derivatives with h_k no variable of its own beside C_k: ∂/∂C_k goes through h_k as well."""
    if at.h_by_c is None:
        return rows
    H = len(at.h_by_c)
    return np.concatenate([rows[:H], rows[H:] + at.h_by_c[:, None] * rows[:H]])


def _of(trace: Trace, state: str, rows: np.ndarray) -> np.ndarray:
    """The rows of one state: (S·H, n) -> (H, n)."""
    first = trace.cell.states.index(state) * trace.H
    return rows[first : first + trace.H]


def _backward(trace: Trace, of: str, wrt: str, t: int, sequence: int):
    """Yield (steps k, ∂of_t/∂wrt_k turned over (n, H, H), exponents (n,)), stretch after stretch from t to 0."""
    H, rows, exponent = trace.H, _start(trace, of), 0
    for steps, at in _stretches(trace, sequence, range(t, 0, -1)):
        held, exponents = _carried(at, rows, exponent)
        stack = _of(trace, wrt, held[:-1].swapaxes(0, 1)).swapaxes(0, 1)
        if wrt == "c":
            stack = stack + at.h_by_c[:, :, None] * held[:-1, :H]  # by way of h_k too
        yield steps, stack, exponents[:-1]
        power = int(exponent_of(held[-1].ravel()))
        rows, exponent = np.ldexp(held[-1], -power), int(exponents[-1]) + power
    yield range(1), _of(trace, wrt, rows)[None], np.array([exponent])


def _carried(stretch: StepJacobians, rows: np.ndarray, exponent: int):
    """The rows at all n + 1 ends of n steps, (n + 1, S·H, H), and their exponents.

    One scale does for all, as a rule; if numbers come near the ends of floats, each step gets its own.
    """
    held = np.empty((len(stretch.by_h) + 1, *rows.shape))
    exponents = np.full(len(held), exponent)
    held[0] = rows
    for n, at in enumerate(_each(stretch)):
        _pulled(at, held[n], held[n + 1])
    largest = np.abs(held).max(axis=(1, 2))
    if (largest > 2.0**-ROOM).all() and (largest < 2.0**ROOM).all():
        return held, exponents
    for n, at in enumerate(_each(stretch)):
        _pulled(at, held[n], held[n + 1])
        power = int(exponent_of(held[n + 1].ravel()))
        held[n + 1], exponents[n + 1] = np.ldexp(held[n + 1], -power), exponents[n] + power
    return held, exponents


def _backward_all(trace: Trace, of: str, wrt: str, sequence: int, every: int):
    """The same for many t at once: yield (k, (n, H, H), (n,)) for k = T … 0, over t = T, T − every … max(k, 1)."""
    T, H, start = trace.T, trace.H, _start(trace, of)
    ends = -(-T // every)
    rows, before = np.empty((2, len(start), ends * H))
    exponents, n = np.zeros(ends, int), 0

    def stack(rows):
        return _of(trace, wrt, rows).reshape(H, -1, H).transpose(1, 0, 2)

    for k, at in zip(range(T, 0, -1), _steps(trace, sequence, range(T, 0, -1))):
        if (T - k) % every == 0:
            rows[:, n * H : (n + 1) * H] = start
            n += 1
        now = rows[:, : n * H]
        yield k, stack(_nodes(at, now) if wrt == "c" else now), exponents[:n]
        _pulled(at, now, before[:, : n * H])
        rows, before = before, rows
        each = rows[:, : n * H].reshape(len(start), n, H)
        squares = np.einsum("unv,unv->n", each, each)
        if not ((squares > 2.0**-ROOM) & (squares < 2.0**ROOM)).all():
            powers = exponent_of(each.swapaxes(0, 1).reshape(n, -1))
            each[...] = np.ldexp(each, -powers[:, None])
            exponents[:n] += powers
    yield 0, stack(rows[:, : n * H]), exponents


def _largest(stack: np.ndarray, squares: np.ndarray, vector: np.ndarray):
    """The largest singular value of each matrix, (n,), and a vector to begin with at the next stretch.

    Far from t one singular value is most of the matrix, and its right vector hardly turns from step to step: a
    power iteration or two find it. What is left of the squares of the Frobenius norm bounds all the others, so that
    a result is either proved to be the largest, to a relative 1e-14, or made again by a full decomposition.
    """
    columns, turned = np.repeat(vector[None, :, None], len(stack), axis=0), stack.swapaxes(1, 2)
    for _ in range(ROUNDS):
        images = stack @ columns
        back = turned @ images
        square = np.einsum("nuv,nuv->n", images, images)
        gap = 2 * square - squares  # all other squares together are squares − square
        off = back - square[:, None, None] * columns
        proved = np.einsum("nuv,nuv->n", off, off) <= CERTAIN * square * gap
        if (proved | ~np.isfinite(squares)).all():
            break
        length = np.sqrt(np.einsum("nuv,nuv->n", back, back))[:, None, None]
        columns = np.where(length > 0, back / np.where(length > 0, length, 1), columns)
    sound = np.isfinite(squares)  # the decomposition of a NaN would be some number
    top = np.where(sound, np.sqrt(square), squares)
    proved = (proved & (square > 0)) | ~sound
    if not proved.all():
        left = stack[~proved]  # its squared singular values are quicker to have, and the largest loses nothing
        top[~proved] = np.sqrt(np.linalg.eigvalsh(left @ left.swapaxes(1, 2))[:, -1])
    return top, columns[-1, :, 0]


def _graded(factor, power, triangle):
    """The triangle factor · 2^power · triangle, again as rows with a power of two each: (power, triangle)."""
    sizes = np.frexp(np.abs(factor))[1] + power
    new = np.where(factor != 0, sizes, NOTHING).max(axis=1)
    rows = np.ldexp(factor, np.maximum(power - new[:, None], NOTHING)) @ triangle
    powers = exponent_of(rows)
    return new + powers, np.ldexp(rows, -powers[:, None])


def _diagonal(power, triangle) -> np.ndarray:
    """log₁₀ of the singular values of 2^power · triangle, the largest first."""
    for _ in range(SWEEPS):
        down = np.argsort(-power, kind="stable")
        factor = np.linalg.qr(triangle.T[:, down], mode="r")
        power, triangle = _graded(factor, power[down], np.eye(len(power)))
        off = np.abs(np.triu(triangle, 1))
        if off.max() <= ALONE:
            break
    # What QR iteration has not parted is of nearly one size, and a plain decomposition does.
    H, logs = len(power), []
    cuts = [0, *(n for n in range(1, H) if off[:n, n:].max() <= ALONE), H]
    for first, stop in pairwise(cuts):
        group, base = slice(first, stop), power[first:stop].max()
        small = np.ldexp(triangle[group, group], power[group, None] - base)
        logs.extend(np.log10(np.linalg.svd(small, compute_uv=False)) + base * LOG10_2)
    return np.sort(logs)[::-1]
