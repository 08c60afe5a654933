"""Norms of every gradient of a sequence of any length, in memory that does not grow with its trace.

Forward, only the states at the ends of chunks are kept. Backward, each chunk is run again from its first state
and backpropagated with what later ones handed over; norms are taken and the rest is dropped. The gradient is
carried as a number of ordinary size times a power of two, exactly, so that it neither vanishes nor explodes:
where a norm would come near the ends of the floating range within a chunk, the chunk is halved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from explorer import parallel_time, unroll
from explorer.check import known, shaped
from explorer.measures import norm
from explorer.trace import Gradients, Named, Trace

METHODS = ("engine", "parallel", "torch")
LOG10_2 = np.log10(2.0)


@dataclass(frozen=True)
class Window:
    """Everything of some steps. The gradients are those of the trace times 2^-exponent."""

    steps: range
    trace: Trace
    grads: Gradients
    exponent: int


@dataclass(frozen=True)
class Stream:
    """log10 of the norms of one layer's gradients, and its gradients of the weights.

    log10    "h", for an LSTM "c", and "a_" with each gate -> (T, B): log10 ‖∂L/∂h_t‖ and so on. −∞ is a gradient
             of zero, or one that is 300 decades (float32: 30) below the strongest of all layers and sequences.
    initial  "h", "c" -> (B,): log10 ‖∂L/∂h_0‖, log10 ‖∂L/∂C_0‖
    params   name -> its shape, the gradients of the weights
    window   the Window that was asked for, else None
    below    the Stream of the layer below in a stack, else None
    """

    log10: Named
    initial: Named
    params: Named
    window: Window | None = None
    below: Stream | None = None

    @property
    def layers(self) -> tuple[Stream, ...]:
        """All layers of the stack, the one that reads the input first, this one last."""
        return (*(self.below.layers if self.below else ()), self)


def stream(
    cell: str, params, x, dh, state=None, *, T=None, chunk=4096, window=None, method="engine", device="cpu", **options
) -> Stream:
    """Run and backpropagate a sequence chunk by chunk, and keep the norms.

    x, dh    arrays (T, B, D) and (T, B, H), such as np.memmap; or functions (start, stop) -> those steps of them,
             called more than once, which for dh may return None where there is no loss. With a function for x, T.
    chunk    steps held in memory at a time
    window   (start, stop), array indices: steps of which everything is kept, too
    method   "engine", "parallel" (`explorer.parallel_time`), or "torch" (`explorer.torch_path`) on `device`
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
    return _Streaming(cell, params, _cut(x), _cut(dh), T, chunk, _functions(method, device), options).run(state, window)


def _cut(rows) -> Callable:
    return rows if callable(rows) else lambda start, stop: rows[start:stop]


def _functions(method: str, device):
    """(run, backprop) of a method, both returning no certificate."""
    if method == "engine":
        return unroll.run, unroll.backprop
    if method == "parallel":
        return (
            lambda *given, **options: parallel_time.run(*given, **options)[0],
            lambda *given: parallel_time.backprop(*given)[0],
        )
    from explorer import torch_path  # PyTorch is loaded when it is asked for

    return lambda *given, **options: torch_path.run(*given, device=device, **options), torch_path.backprop


@dataclass
class Scaled:
    """What reaches the end of a piece from later steps: for each layer {state: (B, H)}, times 2^exponent."""

    layers: list[dict[str, np.ndarray]]
    exponent: int = 0

    def strength(self) -> float:
        return max(np.abs(rows).max() for layer in self.layers for rows in layer.values())


class _Streaming:
    def __init__(self, cell, params, x, dh, T, chunk, functions, options):
        self.cell, self.params, self.x, self.dh, self.T = cell, params, x, dh, T
        self.chunk, self.longest, self.options = chunk, chunk, options
        self.forward, self.backprop = functions
        self.log10: list[dict] = []
        self.weights: list[dict] = []

    def run(self, state, window) -> Stream:
        edges = sorted({*range(0, self.T, self.chunk), self.T, *(window or ())})
        states, kept = {0: state}, None
        for start, stop in pairwise(edges):
            trace = self.trace(start, stop, states[start])
            if start == 0:
                self.prepare(trace)
            states[stop] = [{q: layer[q][-1].copy() for q in layer.cell.states} for layer in trace.layers]
        later = Scaled([{q: np.zeros_like(row) for q, row in layer.items()} for layer in states[self.T]])
        for start, stop in reversed(list(pairwise(edges))):
            if window is not None and stop == window[1]:
                kept = self.everything(*window, states[window[0]], later)
            later = self.piece(start, stop, states[start], later)
            self.longest = min(2 * self.longest, self.chunk)
        return self.result(later, kept)

    def trace(self, start, stop, state) -> Trace:
        return self.forward(self.cell, self.params, self.x(start, stop), state, **self.options)

    def prepare(self, trace: Trace):
        for layer in trace.layers:
            names = (*layer.cell.states, *(f"a_{gate}" for gate in layer.cell.gates))
            self.log10.append({name: np.full((self.T, layer.B), -np.inf) for name in names})
            self.weights.append({name: np.zeros_like(array) for name, array in layer.params.items()})

    def piece(self, start, stop, state, later: Scaled) -> Scaled:
        """Backpropagate a piece, in parts no longer than what was found to stay in range."""
        direct = self.direct(start, stop, later)
        if direct is None and later.strength() == 0:
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
        dh = shaped(dh, (stop - start, *rows.shape), f"dh of steps {start} to {stop}")
        return dh if np.any(dh) else None

    def part(self, whole: Trace, origin, first, last, direct, later: Scaled) -> Scaled:
        """Backpropagate the steps first to last of a trace that starts at `origin`."""
        here = None if direct is None else direct[first - origin : last - origin]
        here, scaled, exponent = common_scale(here, later, (last - first, whole.B, whole.H))
        if scaled.strength() == 0 and not here.any():
            return scaled
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            grads = self.backprop(self.section(whole, first - origin, last - origin), here, scaled.layers)
        norms = [
            {**{q: norm(rows) for q, rows in g.state.items()}, **{f"a_{q}": norm(rows) for q, rows in g.pre.items()}}
            for g in grads.layers
        ]
        if last - first > 1 and not in_range(norms, whole.cell.states, here, scaled):
            middle = (first + last) // 2
            self.longest = min(self.longest, middle - first)
            later = self.part(whole, origin, middle, last, direct, later)
            return self.part(whole, origin, first, middle, direct, later)
        for log10, own in zip(self.log10, norms):
            for name, rows in own.items():
                with np.errstate(divide="ignore"):
                    log10[name][first:last] = np.log10(rows) + exponent * LOG10_2
        with np.errstate(over="ignore"):
            for weights, layer in zip(self.weights, grads.layers):
                for name, gradient in layer.params.items():
                    weights[name] += np.ldexp(gradient, exponent)
        return Scaled([dict(layer.initial) for layer in grads.layers], exponent)

    def section(self, trace: Trace, first: int, last: int) -> Trace:
        """Some steps of a trace: a view of the engine's tape, or, of another's, a run of these steps."""
        if first == 0 and last == trace.T:
            return trace
        start = [
            {q: layer[q][first - 1] if first else layer.initial[q] for q in layer.cell.states} for layer in trace.layers
        ]
        if not isinstance(trace.tape, np.ndarray):
            return self.forward(self.cell, self.params, trace.layers[0].x[first:last], start, **self.options)
        below = None
        for layer, initial in zip(trace.layers, start):
            values = {name: rows[first:last] for name, rows in layer.values.items()}
            below = replace(
                layer,
                x=layer.x[first:last],
                initial=Named("state", initial),
                values=Named("quantity", values),
                tape=layer.tape[first : last + 1],
                below=below,
            )
        return below

    def everything(self, start, stop, state, later: Scaled) -> Window:
        trace = self.trace(start, stop, state)
        direct, later, exponent = common_scale(self.dh(start, stop), later, (trace.T, trace.B, trace.H))
        return Window(range(start, stop), trace, self.backprop(trace, direct, later.layers), exponent)

    def result(self, later: Scaled, window) -> Stream:
        made = None
        for log10, weights, start in zip(self.log10, self.weights, later.layers):
            with np.errstate(divide="ignore"):
                initial = {q: np.log10(norm(rows)) + later.exponent * LOG10_2 for q, rows in start.items()}
            made = Stream(Named("norm", log10), Named("norm", initial), Named("weight", weights), None, made)
        return replace(made, window=window)


def common_scale(direct: np.ndarray | None, later: Scaled, shape) -> tuple[np.ndarray, Scaled, int]:
    """Both as multiples of one power of two, the larger of them near 1: direct, later, exponent."""
    rows = next(iter(later.layers[-1].values()))
    direct = np.zeros(shape, rows.dtype) if direct is None else np.asarray(direct, rows.dtype)
    strongest, biggest = later.strength(), np.abs(direct).max()
    exponents = [np.frexp(biggest)[1]] if biggest > 0 else []
    if strongest > 0:
        exponents.append(np.frexp(strongest)[1] + later.exponent)
    exponent = int(max(exponents, default=0))
    shift = max(later.exponent - exponent, -(2**20))
    scaled = [{q: np.ldexp(rows, shift) for q, rows in layer.items()} for layer in later.layers]
    return np.ldexp(direct, -exponent), Scaled(scaled, exponent), exponent


def in_range(norms: list[Mapping], states, direct: np.ndarray, later: Scaled) -> bool:
    """Whether the strongest gradient of every step that a loss reaches is far from both ends of the range."""
    strength = np.max([own[q].max(axis=1) for own in norms for q in states], axis=0)
    fed = len(direct) if later.strength() else int(np.flatnonzero(direct.any(axis=(1, 2)))[-1]) + 1
    finfo = np.finfo(direct.dtype)
    low, high = finfo.tiny / finfo.eps, finfo.max * finfo.eps
    return bool(((strength[:fed] >= low) & (strength[:fed] <= high)).all())
