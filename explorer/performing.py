"""From the question to the answer: an `Experiment` performed is a `Performance`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.cells import CELLS
from explorer.datasets import DATASETS, Input
from explorer.experiment import Experiment
from explorer.initialise import init_params
from explorer.surgery import clamps, operated
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop, run


@dataclass(frozen=True, eq=False)
class Performance:
    """An experiment with its input and everything that came of it."""

    experiment: Experiment
    input: Input
    trace: Trace
    grads: Gradients


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
