"""Backpropagation at any depth: gradients with a power of two beside them.

A default LSTM's gradient is exactly 0 in float32 after some 200 steps and in float64 after 800 to 1,600, as the numbers
end there, not the gradient. Here it is scaled again every few steps, and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.cells.base import arranged, named, with_batch
from explorer.cells.clamp import during
from explorer.check import finite, known, real, shaped
from explorer.scaled import exponent_of, log10_norm
from explorer.trace import Named, Trace

STRETCH = 16  # steps between two scalings, if they allow it
LOWEST, HIGHEST = 2.0**-900, 2.0**900  # beyond them a stretch was too long


@dataclass(frozen=True, eq=False)
class DeepGradients:
    """∂L/∂ of every step's quantities, in float64: each number is mantissa · 2^exponent of its step.

    state     "h", "c" -> (T, B, H)   the total ∂L/∂h_t and ∂L/∂C_t
    pre       gate -> (T, B, H)       ∂L/∂a of the gate
    x         (T, B, D)               with respect to this layer's input
    exponent  (T, B)                  the power of two of all of them at a step
    below     the DeepGradients of the layer below in a stack, else None
    """

    state: Named
    pre: Named
    x: np.ndarray
    exponent: np.ndarray
    below: DeepGradients | None = None

    @property
    def layers(self) -> tuple[DeepGradients, ...]:
        """All layers of the stack, the one that reads the input first, this one last."""
        return (*(self.below.layers if self.below else ()), self)

    def log10_norms(self, name: str) -> np.ndarray:
        """log₁₀ ‖∂L/∂name_t‖, (T, B), −inf where it is 0; `name` a state, "a_" and a gate, or "x"."""
        arrays = {**self.state, **{f"a_{gate}": rows for gate, rows in self.pre.items()}, "x": self.x}
        return log10_norm(arrays[known(name, arrays, "quantity")], self.exponent)


def deep_backprop(trace: Trace, dh) -> DeepGradients:
    """Backpropagate through time with a power of two at each step, so that no gradient underflows or overflows.

    dh   (T, B, H): the direct ∂L/∂h_t of the last layer, zeros at steps that carry no loss

    The slopes are those of the trace, so a float32 trace gives the gradients of its rounded gates.
    Raises ValueError if dh has another shape or holds NaN or Inf.
    """
    dh = finite(real(shaped(dh, (trace.T, trace.B, trace.H), "dh"), np.float64, "dh"), "dh")
    return _deep_backprop(trace, dh, np.zeros(dh.shape[:2], int))


def _deep_backprop(trace: Trace, dh, power) -> DeepGradients:
    """dh (T, B, H) times 2^power (T, B) is the direct gradient."""
    cell, (T, B, D), H = trace.cell, trace.x.shape, trace.H
    alone = B == 1  # a single sequence has flat rows, as in the loops of the cells
    params = {name: array.astype(float) for name, array in trace.params.items()}
    direct = dh[:, 0] if alone else np.ascontiguousarray(dh.transpose(0, 2, 1))
    loud = np.where((dh != 0).any(axis=2), exponent_of(dh) + power, -np.inf)  # −inf: no direct gradient
    pre = np.empty((T, len(cell.gates) * H, *direct.shape[2:]))
    state = {q: np.empty_like(direct) for q in cell.states}
    exponent = np.empty((T, B), int)
    later, scale = {q: np.zeros_like(direct[0]) for q in cell.states}, np.full(B, -np.inf)

    stop, length = T, STRETCH
    while stop:
        here = np.maximum(scale, loud[stop - 1])
        here = np.where(np.isfinite(here), here, 0).astype(int)
        start = max(0, stop - length)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            shift = np.where(np.isfinite(scale), scale - here, 0).astype(int)
            by = (power[start:stop] - here)[:, 0, None] if alone else (power[start:stop] - here)[:, None]
            entering = {q: np.ldexp(rows, shift) for q, rows in later.items()}
            tape, own = trace.tape[start : stop + 1].astype(float), np.ldexp(direct[start:stop], by)
            held = during(trace.held, slice(start, stop))
            back = cell.backward(params, tape, own, trace.options, entering, held)
        if stop - start > 1 and not _fits(back, entering, own):
            length = (stop - start) // 2
            continue
        pre[start:stop], exponent[start:stop] = back.pre, here
        for q, rows in back.state.items():
            state[q][start:stop] = rows
        left = np.abs(np.stack(list(back.initial.values()))).max(axis=(0, 1))  # the largest of a sequence
        grown = np.atleast_1d(np.frexp(left)[1])
        later = {q: np.ldexp(rows, -grown) for q, rows in back.initial.items()}
        scale = np.where(np.atleast_1d(left) > 0, here + grown, -np.inf)
        stop, length = start, STRETCH

    weight_ih = arranged(params["weight_ih"], cell.gates, cell.order)
    dx = pre @ weight_ih if alone else (weight_ih.T @ pre).transpose(0, 2, 1)
    dx = dx.reshape(T, B, D)
    exponent.flags.writeable = dx.flags.writeable = False
    by_gate = named(pre, cell.order, H)
    return DeepGradients(
        state=Named("state", {q: with_batch(rows).transpose(0, 2, 1) for q, rows in state.items()}),
        pre=Named("gate", {q: by_gate[q] for q in cell.gates}),
        x=dx,
        exponent=exponent,
        below=_deep_backprop(trace.below, dx, exponent) if trace.below else None,
    )


def _fits(back, entering, own) -> bool:
    """No sequence of a stretch has come near the ends of float64, be it by a direct gradient far from its scale."""
    parts = [*back.state.values(), *(rows[None] for rows in back.initial.values())]
    largest = [np.abs(rows).max(axis=1) for rows in parts]
    steps = np.concatenate(
        [np.maximum.reduce(largest[: len(back.state)]), np.maximum.reduce(largest[len(back.state) :])]
    )
    begun = (own != 0).any(axis=(0, 1)) | np.any([(rows != 0).any(axis=0) for rows in entering.values()], axis=0)
    steps = steps.reshape(len(steps), -1)[:, np.atleast_1d(begun)]  # where no gradient is, none can be lost
    return bool((steps < HIGHEST).all() and (steps > LOWEST).all())
