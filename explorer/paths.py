"""The two roads of an LSTM's memory: ∂C_t/∂C_k straight along C, and the rest, which goes through h.

Straight along C each step multiplies by its forget gate, so that road is the diagonal matrix of f_{k+1} ⋯ f_t. All
else leaves C for some h on its way and comes back through the gates. As matrices the two add up to the whole, and so
does the split of what joins the rest at a step by the gate it enters first; no other split of them is one of its own.
Norms do not add up. Logarithms are to the base of 10, and steps count from 0 for C_0, as in `explorer.jacobian`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.cells.clamp import cut, during
from explorer.check import whole
from explorer.scaled import Scaled, exponent_of, log10_norm
from explorer.trace import Named, Trace

ROOM = 64  # powers of two that numbers may drift before they are scaled again
GATES = ("i", "f", "g", "o")


@dataclass(frozen=True, eq=False)
class PathSplit:
    """log₁₀ of Frobenius norms for k = 0 … t, (t + 1,) each, −inf where nothing goes, NaN where it is no number.

    whole     ∂C_t/∂C_k
    direct    its part along C: the diagonal of f_{k+1} ⋯ f_t, from the pre-activations of f
    rest      whole − direct, which goes through h
    by_gate   "i", "f", "g", "o" -> what joins the rest from C_k by way of h_k and this gate of step k + 1
    shares    "direct", "rest" of the whole, and the gates of what joins: numbers that add up to 1, not logarithms

    A share is ⟨part, whole⟩ / ‖whole‖²: how much of the whole's own direction a part brings. It is below 0 where a part
    works against the whole, and NaN where the whole is 0.
    """

    t: int
    whole: np.ndarray
    direct: np.ndarray
    rest: np.ndarray
    by_gate: Named
    shares: Named


@np.errstate(all="ignore")
def path_split(trace: Trace, t=None, *, sequence=0) -> PathSplit:
    """The norms of both roads of ∂C_t/∂C_k for all k from 0 to t (the last step if not given).

    Raises ValueError for another cell than an LSTM, and for a step or a sequence that the trace does not have.
    """
    t = _checked(trace, t, sequence)
    totals, rests, by_gate = np.empty(t + 1), np.empty(t + 1), {q: np.full(t + 1, -np.inf) for q in GATES}
    shares = {name: np.full(t + 1, np.nan) for name in ("direct", "rest", *GATES)}
    for k, rest, diagonal, joined, exponent in _backward(trace, t, sequence):
        rests[k] = log10_norm(rest, exponent, axes=2)
        totals[k] = log10_norm(rest + np.diag(diagonal), exponent, axes=2)
        for name, share in _shares({"direct": np.diag(diagonal), "rest": rest}).items():
            shares[name][k] = share
        for q, matrix in joined.items():
            by_gate[q][k] = log10_norm(matrix, exponent, axes=2)
        for name, share in _shares(joined).items():
            shares[name][k] = share
    logs = np.concatenate([_log_kept(trace, t, sequence), np.zeros((1, trace.H))])
    top = logs.max(axis=1, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)  # where a clamp has cut the road, all are −inf
    direct = (shift[:, 0] + 0.5 * np.log(np.exp(2 * (logs - shift)).sum(axis=1))) / np.log(10)
    return PathSplit(t, totals, direct, rests, Named("gate", by_gate), Named("part", shares))


def _shares(parts: dict[str, np.ndarray]) -> dict[str, float]:
    """⟨part, whole⟩ / ‖whole‖² of each matrix, the whole their sum; nothing where that is 0."""
    whole = sum(parts.values(), start=np.zeros(()))
    largest = np.abs(whole).max()
    if not largest > 0:
        return {}
    unit = whole / largest  # so that squares stay within floats
    square = np.vdot(unit, unit)
    return {name: float(np.vdot(matrix / largest, unit) / square) for name, matrix in parts.items()}


@np.errstate(all="ignore")
def path_matrices(trace: Trace, t: int, k: int, *, sequence=0) -> dict[str, Scaled]:
    """∂C_t/∂C_k as matrices (H, H): "direct", "rest", and what joins the rest at k, by gate "i", "f", "g", "o".

    direct + rest is the whole; the four add up to what joined. All share one power of two.
    """
    t = _checked(trace, t, sequence)
    k = whole(k, 0, t, "k")
    _, rest, diagonal, joined, exponent = next(found for found in _backward(trace, t, sequence) if found[0] == k)
    parts = {"direct": np.diag(diagonal), "rest": rest} | joined
    return {name: Scaled(matrix.T.copy(), exponent) for name, matrix in parts.items()}


def _checked(trace: Trace, t, sequence) -> int:
    if trace.cell.states != ("h", "c"):
        raise ValueError(f"{trace.cell.name} has no cell state C, so there is one road only: expected an lstm")
    whole(sequence, 0, trace.B - 1, "sequence")
    return trace.T if t is None else whole(t, 1, trace.T, "t")


def _log_kept(trace: Trace, t: int, sequence: int) -> np.ndarray:
    """ln (f_{k+1} ⋯ f_t) for k = 0 … t − 1, (t, H): right where a product of floats would be 0, or f rounds to 1."""
    kept = -np.logaddexp(0, -trace["a_f"][:t, sequence].astype(float))
    held = during(trace.held, slice(0, t))
    if "f" in held:  # its pre-activation has no say
        kept = np.where(np.isnan(held["f"]), kept, np.log(np.abs(held["f"])))
    if "c" in held:
        kept = np.where(np.isnan(held["c"]), kept, -np.inf)
    return np.cumsum(kept[::-1], axis=0)[::-1]


def _backward(trace: Trace, t: int, sequence: int):
    """Yield (k, rest, diagonal of the direct road, {gate: what joined}, exponent) for k = t … 0.

    Matrices are turned over: [unit of k, unit of t]. The diagonal shares the exponent, and may underflow in it;
    what it adds to the whole is then nothing.
    """
    i, f, g, o, c = (trace[q][:t, sequence].astype(float)[:, :, None] for q in (*GATES, "c"))
    c_prev = trace.previous["c"][:t, sequence].astype(float)[:, :, None]
    slope = {"i": g * i * (1 - i), "f": c_prev * f * (1 - f), "g": i * (1 - g * g), "o": np.tanh(c) * o * (1 - o)}
    held = during(trace.held, slice(0, t))
    slope = {q: cut(held, rows, q, "h" if q == "o" else "c") for q, rows in slope.items()}
    h_by_c, f = cut(held, o * (1 - np.tanh(c) ** 2), "h"), cut(held, f, "c")
    weights = dict(zip(GATES, np.split(trace.params["weight_hh"].astype(float), 4)))

    H, exponent = trace.H, 0
    by_h, rest, diagonal, joined = np.zeros((H, H)), np.zeros((H, H)), np.ones(H), {}
    for n in range(t - 1, -1, -1):  # through step n + 1, from its states to those before
        yield n + 1, rest, diagonal, joined, exponent
        by_c = rest + np.diag(diagonal)  # ∂C_t/∂C_{n+1}, the whole
        through = {q: weights[q].T @ (slope[q][n] * (by_h if q == "o" else by_c)) for q in GATES}
        by_h = sum(through.values())
        # C_0 and h_0 are given: nothing leaves C_0 by way of h_0
        joined = {q: h_by_c[n - 1] * matrix for q, matrix in through.items()} if n else {}
        rest = f[n] * rest + sum(joined.values())
        diagonal = f[n, :, 0] * diagonal
        power = int(exponent_of(np.concatenate([by_h.ravel(), rest.ravel(), diagonal])))
        if abs(power) > ROOM:
            by_h, rest, diagonal = (np.ldexp(rows, -power) for rows in (by_h, rest, diagonal))
            joined = {q: np.ldexp(matrix, -power) for q, matrix in joined.items()}
            exponent += power
    yield 0, rest, diagonal, joined, exponent
