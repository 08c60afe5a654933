"""Parallel time (see `explorer.parallel_time`) by PyTorch's fused kernels: K chunks are a batch of K·B sequences.

A GPU takes about as long for one step of a thousand sequences as for one. So the chunks run from zero, run again
from where their predecessors ended, and the run holds if they end where they ended before; the gradient likewise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer import torch_path
from explorer.parallel_time import BLOCK, JOINED, PLACES, SHORTEST, Certificate, StepByStep, longest_memory, worst
from explorer.torch_path import Tape, before, exactly
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop_layers, run_layers


class ChunkTape(Tape):
    """A Tape whose first K·L steps are one call of K chunks side by side, and whose last are another."""

    K: int
    rest: torch_path.Call | None
    together: torch_path.Call


def run(
    cell: str, params, x, state=None, *, device="cpu", clamp=(), **options
) -> tuple[Trace, tuple[Certificate, ...]]:
    """As `torch_path.run`, with the same Trace to rounding, and a Certificate for each layer."""
    torch_path.nothing_held(clamp)
    torch_path.check_kernel(cell, options)
    device, certificates = torch_path.checked(device), []

    def forward(cell, params, x, state, options, held):
        try:
            values, tape, certificate = _forward(cell, params, x, state, options, device)
        except StepByStep as reason:
            values, tape = torch_path._forward(cell, params, x, state, options, held, device, None)
            certificate = Certificate(1, len(x), reason=str(reason))
        certificates.append(certificate)
        return values, tape

    return run_layers(forward, cell, params, x, state, options), tuple(certificates)


def backprop(trace: Trace, dh, later=None) -> tuple[Gradients, tuple[Certificate, ...]]:
    """As `torch_path.backprop`, for a Trace of this `run`, and a Certificate for each layer."""
    if not isinstance(trace.tape, Tape):
        raise ValueError("this Trace is of another run: backpropagate it with explorer.backprop")
    certificates = []

    def backward(trace, dh, later):
        try:
            grads, certificate = _backward(trace, dh, later)
        except StepByStep as reason:
            grads = torch_path._backward(trace, dh, later)
            certificate = Certificate(1, trace.T, reason=str(reason))
        certificates.append(certificate)
        return grads

    return backprop_layers(backward, trace, dh, later), tuple(reversed(certificates))


def side_by_side(rows, K: int):
    """(K·L, B, N) -> (L, K·B, N)."""
    T, B, N = rows.shape
    return rows.reshape(K, T // K, B, N).transpose(0, 1).reshape(T // K, K * B, N).contiguous()


def one_after_another(rows, K: int):
    """(L, K·B, N) -> (K·L, B, N)."""
    L, KB, N = rows.shape
    return rows.reshape(L, K, KB // K, N).transpose(0, 1).reshape(K * L, KB // K, N)


def relative(new, old) -> float:
    """The largest difference over the largest number, tensors; NaN if either has one."""
    off, largest = (new - old).abs().max().item(), old.abs().max().item()
    return off / largest if off else 0.0


def _forward(cell, params, x, state, options, device):
    T, B, D = x.shape
    if T < SHORTEST:
        raise StepByStep("short")
    tape = ChunkTape(cell, options, params, device)
    tape.plan(T, B, D, None)  # should the gradient have to be taken step by step
    if T * tape.bytes_a_step(B, D) > torch_path.free_memory(device) // 2:
        raise StepByStep("room")
    with exactly():
        memory = _forgets_within(tape, x)
        tape.K = K = T // (2 * memory + BLOCK)
        if K < 2:
            raise StepByStep("memory")
        whole = T // K * K
        chunks, first = side_by_side(tape.to(x[:whole]), K), [tape.to(state[q]) for q in cell.states]
        start = [row.new_zeros(K * B, tape.H) for row in first]
        for rows, row in zip(start, first):
            rows[:B] = row
        *_, ends = tape.outputs(tape.call(chunks, tuple(start)))
        for rows, end in zip(start, ends):
            rows[B:] = end[:-B]
        tape.together = tape.call(chunks, tuple(start))
        *_, ends = tape.outputs(tape.together)
        mismatch = worst((end[:-B] - rows[B:]).abs().max().item() for rows, end in zip(start, ends))
        seam = worst(relative(end[:-B], rows[B:]) for rows, end in zip(start, ends))
        if not seam <= JOINED * np.finfo(x.dtype).eps:
            raise StepByStep("memory")
        made, tape.rest, rest = tape.values(tape.together), None, {}
        if whole < T:
            tape.rest = tape.call(tape.to(x[whole:]), tuple(end[-B:] for end in ends))
            rest = tape.values(tape.rest)
    values = {name: np.empty((T, B, tape.H), x.dtype) for name in made}
    for name, rows in made.items():
        values[name][:whole] = one_after_another(rows, K).cpu().numpy()
    for name, rows in rest.items():
        values[name][whole:] = rows.cpu().numpy()
    return torch_path.labelled(values, options), tape, Certificate(K, 2 * (T // K), mismatch, seam)


def _forgets_within(tape: Tape, x) -> int:
    """Steps after which two starting states have come to the same, at the worst of some places."""
    (T, B, _), dtype = x.shape, x.dtype
    length = T // PLACES
    x = side_by_side(tape.to(x[: PLACES * length]), PLACES)
    x = x.repeat(1, 2, 1)
    state = [x.new_zeros(2, PLACES * B, tape.H) for _ in tape.cell.states]
    spread = np.random.default_rng(0)
    for rows in state:
        rows[1] = tape.to(spread.uniform(-1, 1, tuple(rows[1].shape)).astype(dtype))
    state = tuple(rows.reshape(-1, tape.H) for rows in state)
    for first in range(0, min(longest_memory(T), length - BLOCK), BLOCK):
        *_, state = tape.outputs(tape.call(x[first : first + BLOCK], state))
        off = worst(relative(*rows.reshape(2, -1, tape.H)) for rows in state)
        if off <= JOINED * np.finfo(dtype).eps:
            return first + BLOCK
    raise StepByStep("memory")


def _backward(trace: Trace, dh: np.ndarray, later: Mapping):
    tape, B = trace.tape, trace.B
    if not isinstance(tape, ChunkTape):
        raise StepByStep("forward")
    if trace.T < tape.T:
        raise StepByStep("gap")
    K, whole, states, pieces = tape.K, trace.T // tape.K * tape.K, trace.cell.states, []
    later = [tape.to(later[q]) for q in states]
    with exactly():
        if tape.rest:
            made = tape.gradients(tape.rest, tape.to(dh[whole:]), later)
            h, start, _ = tape.outputs(tape.rest)
            pieces.append((slice(whole, trace.T), tape.to(trace.x[whole:]), before(h, start[0]), *made))
            later = made[-1]
        direct = side_by_side(tape.to(dh[:whole]), K)
        incoming = [row.new_zeros(K * B, tape.H) for row in later]
        for rows, row in zip(incoming, later):
            rows[-B:] = row
        *_, reached = tape.gradients(tape.together, direct, incoming)
        for rows, row in zip(incoming, reached):
            rows[:-B] = row[B:]
        *made, again = tape.gradients(tape.together, direct, incoming)
        seam = worst(_share(new[B:], old[B:]) for new, old in zip(again, reached))
        if not seam <= JOINED * np.finfo(dh.dtype).eps:
            raise StepByStep("fading")
        h, start, _ = tape.outputs(tape.together)
        da, recurrent, totals = made
        rows = [one_after_another(tensor, K) for tensor in (before(h, start[0]), da, recurrent)]
        totals = [one_after_another(tensor, K) for tensor in totals]
    x, initial = tape.to(trace.x[:whole]), [row[:B] for row in again]
    pieces.append((slice(0, whole), x, *rows, totals, initial))
    return torch_path.collected(trace, pieces), Certificate(K, 2 * (whole // K), 0.0, seam)


def _share(new, old) -> float:
    """The largest change of a sequence's gradient over its size, by their largest units: (K·B, H) each."""
    off, size = (new - old).abs().amax(dim=1), old.abs().amax(dim=1)
    some = off != 0
    return (off[some] / size[some]).max().item() if some.any() else 0.0
