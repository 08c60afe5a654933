"""Backpropagation at any depth: gradients with a power of two beside them.

A default LSTM's gradient is exactly 0 in float32 after some 200 steps and in float64 after 800 to 1,600, as the numbers
end there, not the gradient. Here it is scaled again every few steps, and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from explorer import habits
from explorer.cells.base import arranged, named, with_batch
from explorer.cells.clamp import during
from explorer.check import finite, known, real, shaped
from explorer.scaled import LOG10_2, exponent_of, log10_norm
from explorer.trace import Named, Trace

LONGEST, STRETCH = 256, 16  # steps between two scalings, at first and at least, if they allow it
LOWEST, HIGHEST = 2.0**-450, 2.0**450  # beyond these norms a stretch was too long; their squares are still floats


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

    def log10(self, state: str) -> np.ndarray:
        """log₁₀ |∂L/∂state_t| of every unit, (T, B, H), −inf where it is exactly 0, NaN where it is no number."""
        with np.errstate(divide="ignore"):
            return np.log10(np.abs(self.state[state])) + self.exponent[:, :, None] * LOG10_2

    def log10_norms(self, name: str) -> np.ndarray:
        """log₁₀ ‖∂L/∂name_t‖, (T, B); `name` a state, "a_" and a gate, or "x".

        −inf where it is exactly 0, NaN where it is no number.
        """
        arrays = {**self.state, **{f"a_{gate}": rows for gate, rows in self.pre.items()}, "x": self.x}
        return log10_norm(arrays[known(name, arrays, "quantity")], self.exponent)


def deep_backprop(trace: Trace, dh) -> DeepGradients:
    """Backpropagate through time with a power of two at each step, so that no gradient underflows or overflows.

    dh   (T, B, H): the direct ∂L/∂h_t of the last layer, zeros at steps that carry no loss

    The slopes are those of the trace, so a float32 trace gives the gradients of its rounded gates; NaN where a state
    that has overflown has none. Where no loss follows a step its gradients are 0.
    Raises ValueError if dh has another shape or holds NaN or Inf.
    """
    T, B, H = trace.T, trace.B, trace.H
    dh = shaped(dh, (T, B, H), "dh", partial(habits.direct, T=T, B=B, H=H))
    dh = finite(real(dh, np.float64, "dh"), "dh")
    with np.errstate(all="ignore"):
        return _deep_backprop(trace, dh, np.zeros(dh.shape[:2], int))


def _deep_backprop(trace: Trace, dh, power) -> DeepGradients:
    """dh (T, B, H) times 2^power (T, B) is the direct gradient."""
    cell, (T, B, D), H = trace.cell, trace.x.shape, trace.H
    alone = B == 1  # a single sequence has flat rows, as in the loops of the cells
    params = {name: array.astype(float) for name, array in trace.params.items()}
    direct = dh[:, 0] if alone else np.ascontiguousarray(dh.transpose(0, 2, 1))
    loud, heard = np.full((T, B), -np.inf), dh.any(axis=2)  # few steps carry a loss, as a rule; −inf: this one does not
    loud[heard] = exponent_of(dh[heard]) + power[heard]
    pre = np.zeros((T, len(cell.gates) * H, *direct.shape[2:]))
    state = {q: np.zeros_like(direct) for q in cell.states}
    exponent = np.zeros((T, B), int)
    later, scale = {q: np.zeros_like(direct[0]) for q in cell.states}, np.full(B, -np.inf)

    stop = T - int(heard.any(axis=1)[::-1].argmax()) if heard.any() else 0  # no loss follows the steps beyond
    length, ceiling = LONGEST, LONGEST
    while stop:
        here = np.maximum(scale, loud[stop - 1])
        here = np.where(np.isfinite(here), here, 0).astype(int)
        start = max(0, stop - length)
        shift = np.where(np.isfinite(scale), scale - here, 0).astype(int)
        by = (power[start:stop] - here)[:, 0, None] if alone else (power[start:stop] - here)[:, None]
        entering = {q: np.ldexp(rows, shift) for q, rows in later.items()}
        tape, own = trace.tape[start : stop + 1].astype(float, copy=False), np.zeros_like(direct[start:stop])
        fed = heard[start:stop].any(axis=1)
        own[fed] = np.ldexp(direct[start:stop][fed], by[fed])
        held = during(trace.held, slice(start, stop))
        back = cell.backward(params, tape, own, trace.options, entering, held)
        # What leaves the stretch may be lost where nobody looks, or where the step before brings far more of its own.
        drowned = loud[start - 1] > here - 100 if start else np.ones(B, bool)
        begun = np.isfinite(scale) | heard[start:stop].any(axis=0)  # where no gradient is, none can be lost
        begun &= np.all([np.isfinite(rows).all(axis=0) for rows in later.values()], axis=0)  # nor what is no number
        if stop - start > 1 and not _fits(back, begun, drowned):
            length = (stop - start) // 2
            ceiling = max(STRETCH, length)  # a network that shrinks so fast goes on to do so
            continue
        exponent[start:stop] = here
        if stop - start == T:
            pre, state = back.pre, back.state  # one stretch does for all, as a rule
        else:
            pre[start:stop] = back.pre
            for q, rows in back.state.items():
                state[q][start:stop] = rows
        left = np.concatenate(list(back.initial.values())).reshape(-1, B).T  # of each sequence
        grown = exponent_of(left)
        later = {q: np.ldexp(rows, -grown) for q, rows in back.initial.items()}
        scale = np.where(left.any(axis=1), here + grown, -np.inf)
        stop, length = start, ceiling

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


def _fits(back, begun, drowned) -> bool:
    """No sequence of a stretch has come near the ends of float64, be it by a direct gradient far from its scale."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        steps = sum(np.vecdot(rows, rows, axis=1) for rows in back.state.values())
        left = sum(np.vecdot(rows, rows, axis=0) for rows in back.initial.values())
    steps, left = np.reshape(steps, (len(steps), -1))[:, begun], np.atleast_1d(left)[begun]
    near = (steps > LOWEST**2) & (steps < HIGHEST**2)
    return bool(near.all() and (left < HIGHEST**2).all() and ((left > LOWEST**2) | drowned[begun]).all())
