"""Gate dynamics of recurrent networks, every number of every time step."""

from explorer.cells.clamp import Clamp
from explorer.deep import DeepGradients, deep_backprop
from explorer.experiment import Experiment
from explorer.initialise import init_params
from explorer.jacobian import all_pairs, jacobian_at, jacobian_norms, lyapunov_exponents, singular_values
from explorer.paths import path_matrices, path_split
from explorer.performing import Performance, perform
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop, run

__all__ = [
    "Clamp",
    "DeepGradients",
    "Experiment",
    "Gradients",
    "Performance",
    "Trace",
    "all_pairs",
    "backprop",
    "deep_backprop",
    "init_params",
    "jacobian_at",
    "jacobian_norms",
    "lyapunov_exponents",
    "path_matrices",
    "path_split",
    "perform",
    "run",
    "singular_values",
]
