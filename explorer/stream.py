"""Norms of every gradient of a sequence of any length, in memory that does not grow with its trace.

Forward, only the states at the ends of chunks are kept. Backward, each chunk is run again from its first state
and backpropagated with what later ones handed over; norms are taken and the rest is dropped. The gradient is
carried as a number of ordinary size times a power of two, exactly, so that it neither vanishes nor explodes:
where a norm would come near the ends of the floating range within a chunk, the chunk is halved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from explorer import habits, parallel_time, unroll
from explorer.check import known, shaped
from explorer.measures import norm, overflow
from explorer.scaled import exponent_of
from explorer.trace import Gradients, Named, Trace
from explorer.unroll import Carried

METHODS = ("engine", "parallel", "torch", "torch-parallel")
LOG10_2 = np.log10(2.0)
PATIENCE = 2  # pieces in a row that could not be had in parallel time before it is no longer tried
CALM = 8  # pieces that stayed in range before longer parts of one are tried again


@dataclass(frozen=True)
class Window:
    """Everything of some steps. The gradients are those of the trace times 2^-exponent."""

    steps: range
    trace: Trace
    grads: Gradients
    exponent: int


@dataclass
class Way:
    """How the pieces of a sequence were run in one direction, all layers together.

    together   steps that were run in parallel time, of `steps`
    mismatch, seam   the largest of their certificates (see `parallel_time.Certificate`)
    reason     why others were run step by step, the last one given, of `parallel_time.REASONS`; else ""
    """

    together: int = 0
    steps: int = 0
    mismatch: float = 0.0
    seam: float = 0.0
    reason: str = ""

    def note(self, certificates, T: int) -> bool:
        """Take the certificates of a piece of T steps in; whether any layer of it was run in parallel time."""
        for certificate in certificates:
            self.steps += T
            self.together += T * certificate.parallel
            self.mismatch, self.seam = max(self.mismatch, certificate.mismatch), max(self.seam, certificate.seam)
            self.reason = certificate.reason or self.reason
        return any(certificate.parallel for certificate in certificates)


@dataclass(frozen=True)
class Stream:
    """log10 of the norms of one layer's gradients, what its gates did, and its gradients of the weights.

    log10    "h", for an LSTM "c", and "a_" with each gate -> (T, B): log10 ‖∂L/∂h_t‖ and so on. −∞ is a gradient
             of zero, or one that is 300 decades (float32: 30) below the strongest of all layers and sequences;
             NaN or ∞ is one that is no finite number.
    levels   every gate and state -> (T, B): a gate's mean over the units, a state's root mean square
    initial  "h", "c" -> (B,): log10 ‖∂L/∂h_0‖, log10 ‖∂L/∂C_0‖
    params   name -> its shape, the gradients of the weights
    ways     forward and backward: the Way it was run
    overflow the first step, counted from 1, at which a state of this layer is no finite number; None if all are
    window   the Window that was asked for, else None
    below    the Stream of the layer below in a stack, else None
    """

    log10: Named
    levels: Named
    initial: Named
    params: Named
    ways: tuple[Way, Way]
    overflow: int | None = None
    window: Window | None = None
    below: Stream | None = None

    @property
    def layers(self) -> tuple[Stream, ...]:
        """All layers of the stack, the one that reads the input first, this one last."""
        return (*(self.below.layers if self.below else ()), self)


def stream(
    cell: str,
    params,
    x,
    dh,
    state=None,
    *,
    T=None,
    chunk=3072,
    window=None,
    method="engine",
    device="cpu",
    room=None,
    progress=lambda share: None,
    **options,
) -> Stream:
    """Run and backpropagate a sequence chunk by chunk, and keep the norms.

    x, dh    arrays (T, B, D) and (T, B, H), such as np.memmap; or functions (start, stop) -> those steps of them,
             called more than once, which for dh may return None where there is no loss. With a function for x, T.
    chunk    steps held in memory at a time
    window   (start, stop), array indices: steps of which everything is kept, too
    method   "engine", "parallel" (`explorer.parallel_time`), or on `device` "torch" (`explorer.torch_path`) and
             "torch-parallel" (`explorer.torch_parallel`)
    room     (name, shape) -> an array of float64, such as a file's, for the norms "log10_dh", … and the levels "h", …;
             of a stack "layer1.log10_dh", …; `in_memory` if none is given
    progress called after each piece with the share of the work that is done
    others   as for `explorer.run`

    Raises ValueError for what `explorer.run` refuses, and for a wrong T, chunk, window or method, in one sentence.
    """
    known(method, METHODS, "method")
    if options.pop("clamp", ()):
        raise ValueError("a stream runs in pieces that know no steps of their own: use explorer.run for clamps")
    if callable(x) == (T is None):
        raise ValueError("T is needed with a function for x, and with nothing else")
    T = len(x) if T is None else T
    for name, value in (("T", T), ("chunk", chunk)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but is {value!r}")
    if window is not None and not (len(window) == 2 and 0 <= window[0] < window[1] <= T):
        raise ValueError(f"window must be (start, stop) with 0 ≤ start < stop ≤ {T}, but is {window!r}")
    streaming = _Streaming(cell, params, _cut(x), _cut(dh), T, chunk, method, device, options)
    streaming.room, streaming.progress = room or in_memory, progress
    with np.errstate(all="ignore"):  # a ReLU may overflow: a result, no fault
        return streaming.run(state, window)


def in_memory(name: str, shape) -> np.ndarray:
    """In float64: float32 knows a logarithm of −200,000 to a hundredth only, and a level of 10³⁹ not at all."""
    return np.empty(shape)


def _cut(rows) -> Callable:
    return rows if callable(rows) else lambda start, stop: rows[start:stop]


def _functions(method: str, device):
    """(run, backprop) of a method. Those of parallel time return certificates, too."""
    if method == "engine":
        return unroll.run, unroll.backprop
    if method == "parallel":
        return parallel_time.run, parallel_time.backprop
    from explorer import torch_parallel, torch_path  # PyTorch is loaded when it is asked for

    module = torch_path if method == "torch" else torch_parallel
    return partial(module.run, device=device), module.backprop


class _Direction:
    """Runs pieces one way by a method, and notes how. Where parallel time cannot be had it soon stops trying."""

    def __init__(self, method: str, device, way: int):
        self.call = _functions(method, device)[way]
        self.certified = method in ("parallel", "torch-parallel")
        self.plain = _functions({"parallel": "engine", "torch-parallel": "torch"}.get(method, method), device)[way]
        self.way, self.failed, self.longest = Way(), 0, 0

    def __call__(self, T: int, *given, **options):
        if not self.certified or self.failed >= PATIENCE:
            self.way.steps += T
            return self.plain(*given, **options)
        made, certificates = self.call(*given, **options)
        if self.way.note(certificates, T):
            self.failed = 0
        elif max(self.longest, parallel_time.SHORTEST) <= T:  # a shorter rest says nothing about the others
            self.failed += 1
        self.longest = max(self.longest, T)
        return made


@dataclass
class Scaled:
    """What reaches the end of a piece from later steps: for each layer {state: (B, H)}, times 2^exponent."""

    layers: list[dict[str, np.ndarray]]
    exponent: int = 0

    def sizes(self) -> np.ndarray:
        """The largest number of each sequence, (B,); NaN or ∞ if one is no finite number."""
        return np.max([np.abs(rows).max(axis=1) for layer in self.layers for rows in layer.values()], axis=0)

    def nothing(self) -> bool:
        """Whether all of it is exactly 0."""
        return not self.sizes().any()


class _Streaming:
    def __init__(self, cell, params, x, dh, T, chunk, method, device, options):
        self.cell, self.params, self.x, self.dh, self.T = cell, params, x, dh, T
        self.chunk, self.longest, self.calm, self.options = chunk, chunk, 0, options
        self.forward, self.backward = (_Direction(method, device, way) for way in (0, 1))
        self.log10: list[dict] = []
        self.levels: list[dict] = []
        self.weights: list[dict] = []
        self.overflows: list[int | None] = []

    def run(self, state, window) -> Stream:
        edges = sorted({*range(0, self.T, self.chunk), self.T, *(window or ())})
        states, kept = {0: state}, None
        for start, stop in pairwise(edges):
            trace = self.trace(start, stop, states[start])
            if start == 0:
                self.prepare(trace)
            self.note_levels(trace, start, stop)
            self.progress(stop / self.T / 4)
            states[stop] = [Carried({q: layer[q][-1].copy() for q in layer.cell.states}) for layer in trace.layers]
            del trace  # before the next one is made
        later = Scaled([Carried({q: np.zeros_like(row) for q, row in layer.items()}) for layer in states[self.T]])
        for start, stop in reversed(list(pairwise(edges))):
            if window is not None and stop == window[1]:
                kept = self.everything(*window, states[window[0]], later)
            later = self.piece(start, stop, states[start], later)
            self.progress(1 - start / self.T * 3 / 4)
            self.calm += 1
            if self.calm % CALM == 0:
                self.longest = min(2 * self.longest, self.chunk)
        return self.result(later, kept)

    def trace(self, start, stop, state) -> Trace:
        return self.forward(stop - start, self.cell, self.params, self.x(start, stop), state, **self.options)

    def prepare(self, trace: Trace):
        def rows(before, names, filled):
            made = {name: self.room(before + name, (self.T, trace.B)) for name in names}
            for array in made.values():
                array[...] = filled
            return made

        for number, layer in enumerate(trace.layers, start=1):
            before = f"layer{number}." if len(trace.layers) > 1 else ""
            states, gates = layer.cell.states, layer.cell.gates
            self.log10.append(rows(f"{before}log10_d", (*states, *(f"a_{gate}" for gate in gates)), -np.inf))
            self.levels.append(rows(before, dict.fromkeys((*gates, *states)), np.nan))
            self.weights.append({name: np.zeros_like(array) for name, array in layer.params.items()})
            self.overflows.append(None)

    def note_levels(self, trace: Trace, start, stop):
        for number, (layer, levels) in enumerate(zip(trace.layers, self.levels)):
            share = np.full(layer.H, 1 / layer.H, layer.dtype)  # a mean as a dot product is four times as fast
            for name, rows in levels.items():
                is_state = name in layer.cell.states
                rows[start:stop] = norm(layer[name]) * layer.H**-0.5 if is_state else np.vecdot(layer[name], share)
            ends = any(not np.isfinite(levels[q][start:stop]).all() for q in layer.cell.states)
            if ends and self.overflows[number] is None and (step := overflow(layer, below=False)):
                self.overflows[number] = start + step

    def piece(self, start, stop, state, later: Scaled) -> Scaled:
        """Backpropagate a piece, in parts no longer than what was found to stay in range."""
        direct = self.direct(start, stop, later)
        if direct is None and later.nothing():
            return later
        trace = self.trace(start, stop, state)
        while stop > start:  # `longest` may shrink on the way
            first = max(start, stop - self.longest)
            later = self.part(trace, start, first, stop, direct, later)
            stop = first
        return later

    def direct(self, start, stop, later: Scaled) -> np.ndarray | None:
        """The direct ∂L/∂h_t of some steps, None if all are zero."""
        dh = self.dh(start, stop)
        if dh is None:
            return None
        rows = later.layers[-1]["h"]
        shape = (stop - start, *rows.shape)
        dh = shaped(dh, shape, f"dh of steps {start} to {stop}", partial(habits.direct, **dict(zip("TBH", shape))))
        return dh if np.any(dh) else None

    def part(self, whole: Trace, origin, first, last, direct, later: Scaled) -> Scaled:
        """Backpropagate the steps first to last of a trace that starts at `origin`."""
        here = None if direct is None else direct[first - origin : last - origin]
        here, scaled, exponent = common_scale(here, later, (last - first, whole.B, whole.H))
        if scaled.nothing() and not here.any():
            return scaled
        part = self.section(whole, first - origin, last - origin)
        grads = self.backward(last - first, part, here, scaled.layers)
        norms = [
            {**{q: norm(rows) for q, rows in g.state.items()}, **{f"a_{q}": norm(rows) for q, rows in g.pre.items()}}
            for g in grads.layers
        ]
        if last - first > 1 and not in_range(norms, whole.cell.states, here, scaled):
            middle = (first + last) // 2
            self.longest, self.calm = min(self.longest, middle - first), 0
            later = self.part(whole, origin, middle, last, direct, later)
            return self.part(whole, origin, first, middle, direct, later)
        if not np.isfinite(norms[-1]["h"]).all():  # no shorter part would be in range
            self.longest = self.chunk
        for log10, own in zip(self.log10, norms):
            for name, rows in own.items():
                log10[name][first:last] = np.log10(rows) + exponent * LOG10_2
        for weights, layer in zip(self.weights, grads.layers):
            for name, gradient in layer.params.items():
                weights[name] += np.ldexp(gradient, exponent)
        return Scaled([Carried(layer.initial) for layer in grads.layers], exponent)

    def section(self, trace: Trace, first: int, last: int) -> Trace:
        """Some steps of a trace: a view of the engine's tape, or, of another's, a run of these steps."""
        part = trace.steps(first, last)
        if part is trace or isinstance(trace.tape, np.ndarray):
            return part
        start = [Carried(layer.initial) for layer in part.layers]
        return self.forward(last - first, self.cell, self.params, part.layers[0].x, start, **self.options)

    def everything(self, start, stop, state, later: Scaled) -> Window:
        trace = self.trace(start, stop, state)
        direct, later, exponent = common_scale(self.direct(start, stop, later), later, (trace.T, trace.B, trace.H))
        grads = self.backward(trace.T, trace, direct, later.layers)
        return Window(range(start, stop), trace, grads, exponent)

    def result(self, later: Scaled, window) -> Stream:
        made = None
        ways = (self.forward.way, self.backward.way)
        found = zip(self.log10, self.levels, self.weights, self.overflows, later.layers, strict=True)
        for log10, levels, weights, overflown, start in found:
            initial = {q: np.log10(norm(rows)) + later.exponent * LOG10_2 for q, rows in start.items()}
            norms, levels = Named("norm", log10), Named("quantity", levels)
            made = Stream(norms, levels, Named("norm", initial), Named("weight", weights), ways, overflown, None, made)
        return replace(made, window=window)


def common_scale(direct: np.ndarray | None, later: Scaled, shape) -> tuple[np.ndarray, Scaled, int]:
    """Both as multiples of one power of two, the larger of them near 1: direct, later, exponent.

    What is no finite number has no power of two of its own, and leaves that of the others as it is.
    """
    rows = next(iter(later.layers[-1].values()))
    direct = np.zeros(shape, rows.dtype) if direct is None else np.asarray(direct, rows.dtype)
    biggest = np.abs(direct).max()
    exponents = [int(exponent_of(biggest))] if biggest > 0 else []
    if not later.nothing():
        strongest = exponent_of(np.concatenate([row.ravel() for layer in later.layers for row in layer.values()]))
        exponents.append(int(strongest) + later.exponent)
    exponent = max(exponents, default=0)
    shift = max(later.exponent - exponent, -(2**20))
    scaled = [Carried({q: np.ldexp(rows, shift) for q, rows in layer.items()}) for layer in later.layers]
    return np.ldexp(direct, -exponent), Scaled(scaled, exponent), exponent


def in_range(norms: list[Mapping], states, direct: np.ndarray, later: Scaled) -> bool:
    """Whether the strongest gradient of every step that a loss reaches is far from both ends of the range.

    Sequences whose gradient is no finite number any more when it comes in are left out: they are in no range.
    """
    sizes = later.sizes()
    sound = np.isfinite(sizes)
    if not sound.any():
        return True
    strength = np.max([own[q][:, sound].max(axis=1) for own in norms for q in states], axis=0)
    fed = len(direct) if sizes.any() else int(np.flatnonzero(direct.any(axis=(1, 2)))[-1]) + 1
    finfo = np.finfo(direct.dtype)
    low, high = finfo.tiny / finfo.eps, finfo.max * finfo.eps
    return bool(((strength[:fed] >= low) & (strength[:fed] <= high)).all())
