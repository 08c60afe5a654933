"""Exact parallel time: the chunks of a long sequence side by side, where the network forgets soon enough.

A network that forgets comes to the same states wherever it started from. So T steps are cut into K chunks that
run as one batch, all but the first from zero. Then each chunk starts again from where its predecessor ended,
and runs only until its new trajectory joins the stored one, to 16 units in the last place; the rest stays. Every
step then follows from its predecessor as exactly as in a run step by step. The gradient is linear: each chunk
is backpropagated without what comes from later ones, and that is added until it is below rounding.

A network with long memory or chaos does not join. A short pilot, the same inputs from two starting states,
finds that out; then, and wherever the certificate would not hold, the run is made step by step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from explorer.cells.base import buffer, projected
from explorer.chunk_loops import LOOPS, Loops, by_step, handed_back, projection
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop_layers, gradients_of, run_layers, step_by_step, step_by_step_backward

SHORTEST = 1000  # steps below which there is nothing to win
PLACES = 8  # of the pilot
BLOCK = 16  # steps between two looks whether trajectories have joined
JOINED = 16  # units in the last place of the largest state
REASONS = {  # why a run is made step by step
    "short": "the sequence, or a rest of it, is too short to win anything",
    "conventions": "these conventions of the cell have no parallel loops",
    "memory": "the network remembers for too long",
    "held": "gates or states are held",
    "gap": "the loss leaves steps out",
    "fading": "the gradient does not fade soon enough",
    "forward": "the forward run was made another way",
    "room": "all chunks side by side do not fit in the free memory",
}


@dataclass(frozen=True)
class Certificate:
    """How one layer was run, and what shows that it is right.

    chunks     that ran side by side; 1 if the run was made step by step
    steps      one after the other, of all chunks at once, in place of T
    mismatch   the largest difference between the state a chunk started from and the one its predecessor ended
               with; backward, zero: what is handed over is added as it is
    seam       the largest difference, relative to the largest state, at which a new trajectory was taken to have
               joined the stored one; backward, the largest share of a gradient that was left out
    reason     why the run was made step by step, one of REASONS, else ""
    """

    chunks: int
    steps: int
    mismatch: float = 0.0
    seam: float = 0.0
    reason: str = ""

    @property
    def parallel(self) -> bool:
        return self.chunks > 1


class StepByStep(Exception):
    """Parallel time cannot be had, for one of REASONS."""


def run(cell: str, params, x, state=None, *, clamp=(), **options) -> tuple[Trace, tuple[Certificate, ...]]:
    """As `explorer.run`, with the same Trace to rounding, and a Certificate for each layer."""
    certificates = []

    def forward(cell, params, x, state, options, held):
        try:
            if held:
                raise StepByStep("held")
            values, tape, certificate = _forward(cell, params, x, state, options)
        except StepByStep as reason:
            values, tape = step_by_step(cell, params, x, state, options, held)
            certificate = Certificate(1, len(x), reason=str(reason))
        certificates.append(certificate)
        return values, tape

    trace = run_layers(forward, cell, params, x, state, options, clamp)
    return trace, tuple(certificates)


def backprop(trace: Trace, dh, later=None) -> tuple[Gradients, tuple[Certificate, ...]]:
    """As `explorer.backprop`, for a Trace of this `run` or of `explorer.run`, and a Certificate for each layer.

    A loss that leaves long gaps is backpropagated step by step: within a gap the gradient is only what comes
    from later steps, and there is nothing it could be small against.
    """
    certificates = []

    def backward(trace, dh, later):
        try:
            grads, certificate = _backward(trace, dh, later)
        except StepByStep as reason:
            grads = step_by_step_backward(trace, dh, later)
            certificate = Certificate(1, trace.T, reason=str(reason))
        certificates.append(certificate)
        return grads

    return backprop_layers(backward, trace, dh, later), tuple(reversed(certificates))


def loops_of(cell, options, T: int):
    """The cell's loops over chunks, if it has any and they pay."""
    if T < SHORTEST:
        raise StepByStep("short")
    if cell.name not in LOOPS or options.get("reset_after") is False or options.get("z_keeps") is False:
        raise StepByStep("conventions")
    return LOOPS[cell.name]


def longest_memory(T: int) -> int:
    """Steps after which a pilot gives up: few beside T, and few enough for rounding not to grow on the way."""
    return min(max(4 * BLOCK, T // 40), 512)


def cut(T: int, B: int, H: int, memory: int) -> tuple[int, int]:
    """(K, L): chunks and steps of each. Few steps of many chunks cost as much as many steps of few."""
    L = max(2 * memory + BLOCK, int((memory * T * B * H / 400) ** 0.5))
    K = T // L
    if K < 2:
        raise StepByStep("memory")
    return K, T // K


# forward


def _forward(cell, params, x, state, options):
    kind, (T, B), H = loops_of(cell, options, len(x)), x.shape[:2], params["weight_hh"].shape[1]
    with np.errstate(all="ignore"):
        memory = _forgets_within(kind(params, options, 2 * PLACES, B), x, state)
        K, L = cut(T, B, H, memory)
        loops, whole = kind(params, options, K, B), K * L
        weight_ih, bias = projection(loops)
        pre = projected(x, weight_ih, bias)
        rows = buffer(T + 1, loops.rows * H, B, x.dtype)
        rows[0] = 0
        for q, block in loops.at.items():
            rows[0, block * H : (block + 1) * H] = state[q].T.reshape(rows[0, :H].shape)
            loops.state()[q][0] = state[q]
        steps, places = by_step(pre[:whole], K, H), by_step(rows[1 : whole + 1], K, H)
        for a, row in zip(steps, places):
            loops.forward(a, row)
        again, seam, mismatch = _join(loops, x[:whole], steps, places, weight_ih, bias)
        values = loops.named(rows, pre)
        if whole < T:
            _the_rest(cell, params, x, options, loops, whole, rows, values)
    rows.flags.writeable = False
    return values, rows, Certificate(K, L + again, mismatch, seam)


def _join(loops: Loops, x, steps, places, weight_ih, bias) -> tuple[int, float, float]:
    """Run the chunks again from their predecessors' ends until they join what is stored: steps, seam, mismatch."""
    (K, B, H), L = loops.shape, len(places)
    x = x.reshape(K, L, B, -1)
    for q, block in loops.at.items():
        loops.state()[q][1:] = places[-1][block][:-1]
        loops.state()[q][0] = 0  # the first chunk is right as it is: runs along, and is not stored
    started = {q: loops.state()[q][1:].copy() for q in loops.at}
    for first in range(0, L, BLOCK):
        last = min(first + BLOCK, L)
        stored = [places[last - 1][block][1:].copy() for block in loops.at.values()]
        fresh = projected(np.ascontiguousarray(x[:, first:last]).reshape(-1, B, x.shape[-1]), weight_ih, bias)
        for a, now, row in zip(by_step(fresh, K, H), steps[first:last, :, 1:], places[first:last]):
            kept = row[:, 0].copy()
            loops.forward(a, row)
            row[:, 0], now[...] = kept, a[:, 1:]
        difference = worst(_relative(new[1:], old) for new, old in zip(loops.state().values(), stored, strict=True))
        if difference <= JOINED * np.finfo(x.dtype).eps:
            mismatch = worst(np.abs(started[q] - places[-1][block][:-1]).max() for q, block in loops.at.items())
            return last, difference, mismatch
    raise StepByStep("memory")


def worst(numbers: Iterable[float]) -> float:
    """The largest; NaN if one is, which Python's max may pass over."""
    return float(np.max([*numbers]))


def _relative(new: np.ndarray, old: np.ndarray) -> float:
    largest, off = np.abs(old).max(), np.abs(new - old).max()
    return float(off / largest) if off else 0.0


def _the_rest(cell, params, x, options, loops, whole, rows, values):
    """The steps that are left when T is no multiple of the chunks, one by one."""
    H = loops.H
    end = {q: rows[whole, block * H : (block + 1) * H].reshape(H, -1).T for q, block in loops.at.items()}
    made, tape = cell.forward(params, x[whole:], end, options)
    rows[whole + 1 :] = tape[1:]
    for name, rest in made.items():
        values[name][whole:] = rest


def _forgets_within(loops: Loops, x, state) -> int:
    """Steps after which two starting states have come to the same, at the worst of some places."""
    (K, B, H), T, D = loops.shape, len(x), x.shape[2]
    weight_ih, bias = projection(loops)
    spread = np.random.default_rng(0)
    for rows in loops.state().values():
        rows[PLACES:] = spread.uniform(-1, 1, rows[PLACES:].shape)
    length, nowhere = T // PLACES, np.empty_like(loops.now)
    x = x[: PLACES * length].reshape(PLACES, length, B, D)
    for first in range(0, min(longest_memory(T), length - BLOCK), BLOCK):
        piece = np.ascontiguousarray(x[:, first : first + BLOCK]).reshape(-1, B, D)
        pre = projected(np.concatenate([piece, piece]), weight_ih, bias)
        for a, row in zip(by_step(pre, K, H), repeat(nowhere)):
            loops.forward(a, row)
        off = worst(_relative(rows[PLACES:], rows[:PLACES]) for rows in loops.state().values())
        if off <= JOINED * np.finfo(x.dtype).eps:
            return first + BLOCK
    raise StepByStep("memory")


# backward


def _backward(trace: Trace, dh: np.ndarray, later: Mapping):
    kind, (T, B, H) = loops_of(trace.cell, trace.options, trace.T), dh.shape
    if not isinstance(trace.tape, np.ndarray):
        raise StepByStep("forward")
    if trace.held:
        raise StepByStep("held")
    fed = np.flatnonzero(dh.any(axis=(1, 2)))
    gap = np.diff(fed, prepend=-1, append=T).max()
    rows = trace.tape
    direct = np.ascontiguousarray(dh.transpose(0, 2, 1)).reshape(T, H, *rows.shape[2:])
    with np.errstate(all="ignore"):
        if gap > BLOCK:
            raise StepByStep("gap")
        memory = _fades_within(kind(trace.params, trace.options, PLACES, B), rows)
        K, L = cut(T, B, H, memory)
        loops, whole = kind(trace.params, trace.options, K, B), K * L
        out = np.empty((T, loops.out * H, *rows.shape[2:]), rows.dtype)
        rest = _the_rest_backward(trace, loops, direct, later, out, whole)
        for q, row in (rest.initial if rest else {q: row.T for q, row in later.items()}).items():
            loops.later[q][-1] = row.reshape(H, B).T
        now, was = by_step(rows[1 : whole + 1], K, H), by_step(rows[:whole], K, H)
        sources, made = by_step(direct[:whole], K, H)[:, 0], by_step(out[:whole], K, H)
        for step in range(L - 1, -1, -1):
            loops.backward(now[step], was[step], sources[step])
            made[step] = loops.back
        again, seam, initial = _correct(loops, now, was, made)
        initial = {q: row.T.reshape(rows[0, :H].shape) for q, row in initial.items()}
        back = handed_back(loops, rows, out, initial, whole)
        if rest and rest.recurrent:
            back = replace(back, recurrent=lambda whole=back: _summed(whole.recurrent(), rest.recurrent()))
    grads = gradients_of(trace, back)
    return grads, Certificate(K, L + again, 0.0, seam)


def _summed(ones: Mapping, others: Mapping) -> dict:
    return {name: gradient + others[name] for name, gradient in ones.items()}


def _correct(loops: Loops, now, was, made):
    """Add what each chunk receives from the next one, until it is below rounding: steps, share left out, ∂h_0, ∂C_0."""
    initial = {q: rows[0].copy() for q, rows in loops.later.items()}
    for rows in loops.later.values():
        rows[:-1], rows[-1] = rows[1:].copy(), 0
    tiny, L = np.finfo(made.dtype).eps / 8, len(made)
    zero = np.zeros(loops.shape, made.dtype)
    for taken, step in enumerate(range(L - 1, -1, -1), start=1):
        loops.backward(now[step], was[step], zero)
        made[step] += loops.back
        if taken % BLOCK == 0:
            share = worst(_share(loops.back[block], made[step][block]) for block in loops.totals.values())
            if share <= tiny:
                return taken, share, initial
    raise StepByStep("fading")


def _share(part: np.ndarray, total: np.ndarray) -> float:
    """The largest share of a part in its total, (K, B, H) each, by the largest unit of each sequence."""
    part, total = (np.abs(rows).max(axis=-1) for rows in (part, total))
    some = part != 0
    with np.errstate(divide="ignore"):
        return float((part[some] / total[some]).max(initial=0))


def _the_rest_backward(trace, loops, direct, later, out, whole):
    """The steps that are left over, one by one."""
    if whole == trace.T:
        return None
    later = {q: row.T.reshape(direct.shape[1:]) for q, row in later.items()}
    back = trace.cell.backward(trace.params, trace.tape[whole:], direct[whole:], trace.options, later)
    H, rest = loops.H, out[whole:]
    rest[:, loops.pre.start * H : loops.pre.stop * H] = back.pre
    for q, block in loops.totals.items():
        rest[:, block * H : (block + 1) * H] = back.state[q]
    return back


def _fades_within(loops: Loops, rows) -> int:
    """Steps after which a gradient is below rounding of what it was, at the worst of some places."""
    T, H = len(rows) - 1, loops.H
    whole, tiny = T // PLACES * PLACES, np.finfo(rows.dtype).eps / 8
    now, was = by_step(rows[1 : whole + 1], PLACES, H), by_step(rows[:whole], PLACES, H)
    spread, zero = np.random.default_rng(0), np.zeros(loops.shape, rows.dtype)
    for gradient in loops.later.values():
        gradient[...] = spread.standard_normal(gradient.shape)
    for taken, step in enumerate(range(len(now) - 1, len(now) - 1 - longest_memory(T), -1), start=1):
        loops.backward(now[step], was[step], zero)
        if taken % BLOCK == 0 and worst(np.abs(loops.back[at]).max() for at in loops.totals.values()) <= tiny:
            return taken
    raise StepByStep("fading")
