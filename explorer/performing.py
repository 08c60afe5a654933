"""From the question to the answer: an `Experiment` performed is a `Performance`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.cells import CELLS
from explorer.datasets import DATASETS, Input
from explorer.experiment import KINDS, Experiment
from explorer.initialise import init_params
from explorer.surgery import clamps, operated
from explorer.trace import Gradients, Trace
from explorer.unroll import Carried, backprop, run


@dataclass(frozen=True, eq=False)
class Performance:
    """An experiment with its input and everything that came of it."""

    experiment: Experiment
    input: Input
    trace: Trace
    grads: Gradients

    @cached_property
    def direct(self) -> np.ndarray:
        """The direct ∂L/∂h_t, (T, 1, H)."""
        return direct_gradient(self.experiment)


def perform(experiment: Experiment) -> Performance:
    """Draw the input and the weights, operate, run forward, put the loss where it belongs, and backpropagate."""
    e = experiment
    drawn = operated(DATASETS[e.input].draw(e.T, e.D, e.input_seed, e.numbers), e.surgery)
    trace = run(e.cell, weights(e, e.D, e.T), drawn.x, clamp=clamps(e.surgery, e.cell), **e.options)
    return Performance(e, drawn, trace, backprop(trace, direct_gradient(e)))


def weights(experiment: Experiment, D: int, longest: int = 3):
    """The experiment's weights for D inputs a step; chrono initialisation takes `longest` as the longest memory."""
    e = experiment
    keeps = CELLS[e.cell].keep is not None
    return init_params(
        e.cell,
        D,
        e.H,
        seed=e.seed,
        scheme=e.scheme,
        gain=e.gain,
        forget_bias=e.forget_bias if keeps and not e.chrono else 0.0,
        chrono=max(3, longest) if keeps and e.chrono else None,
        layers=e.layers,
        **e.options,
    )


def direct_gradient(experiment: Experiment) -> np.ndarray:
    """The direct ∂L/∂h_t of L = Σ_t Σ_u h_t,u / √H, (T, 1, H): norm 1 at each step that carries the loss."""
    dh = np.zeros((experiment.T, 1, experiment.H))
    dh[experiment.steps_with_loss] = experiment.H**-0.5
    return dh


def rivals(experiment: Experiment) -> dict[str, Experiment]:
    """The same input, sizes and seed through every kind of network, {name: experiment}."""
    rnns = {
        f"rnn_{activation}": experiment.replace(cell="rnn", activation=activation)
        for activation in CELLS["rnn"].options["activation"]
    }
    gated = {name: experiment.replace(cell=name) for name in CELLS if name != "rnn"}
    return rnns | gated


FAIR = ("seed", "units", "parameters")
SEEDS = 5  # of a comparison that no one draw decides


def matched(experiment: Experiment, fair: str) -> dict[str, tuple[Experiment, ...]]:
    """The rivals under a comparison that is fair in one of three ways, {name: experiments}.

    fair   "seed"         one draw each, of the same seed, with the same number of units
           "units"        the same number of units, over SEEDS seeds from that of the experiment on
           "parameters"   the same seed, and as many units as come nearest to the number of parameters that an RNN of H
                          units has: a gated cell of as many units has three or four times as many
    """
    rows = rivals(experiment)
    if fair == "seed":
        return {name: (e,) for name, e in rows.items()}
    if fair == "units":
        top = KINDS["seed"].high
        first = min(experiment.seed, top - SEEDS + 1)
        return {name: tuple(e.replace(seed=first + n) for n in range(SEEDS)) for name, e in rows.items()}
    wanted, kind = parameter_count(experiment.replace(cell="rnn")), KINDS["H"]
    sizes = range(kind.low, kind.high + 1)

    def nearest(e: Experiment) -> Experiment:
        return e.replace(H=min(sizes, key=lambda H: abs(parameter_count(e.replace(H=H)) - wanted)))

    return {name: (nearest(e),) for name, e in rows.items()}


def parameter_count(experiment: Experiment) -> int:
    """How many numbers the weights and biases of all layers are, both of PyTorch's biases counted."""
    e, gates = experiment, len(CELLS[experiment.cell].gates)
    widths = [e.D, *[e.H] * (e.layers - 1)]
    return sum(gates * e.H * (width + e.H + 2) for width in widths)


def truncated(performance: Performance, window: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Backpropagation cut at every `window` steps, counted back from the end: (∂L/∂ states, ∂L/∂ weights).

    The last layer's, {state: (T, H)} and {name: its shape}. No gradient crosses a cut; the run itself is not cut.
    """
    e, run_ = performance.experiment, performance.trace
    direct, state, weights = direct_gradient(e), {}, {}
    for stop in range(e.T, 0, -window):
        piece = slice(max(0, stop - window), stop)
        begin = [
            Carried({q: layer.previous[q][piece.start] for q in layer.cell.states}) for layer in run_.layers
        ]  # the states before the piece, as numbers: nothing flows back into them
        trace = run(e.cell, [layer.params for layer in run_.layers], performance.input.x[piece], begin, **e.options)
        grads = backprop(trace, direct[piece])
        for q, rows in grads.state.items():
            state.setdefault(q, []).append(rows[:, 0])
        for name, array in grads.params.items():
            weights[name] = weights.get(name, 0) + array
    return {q: np.concatenate(pieces[::-1]) for q, pieces in state.items()}, weights
