"""Gate dynamics of recurrent networks, every number of every time step."""

import importlib

from explorer import leaving

if leaving.is_command():  # Ctrl-C counts from here on, while NumPy is loaded, too
    leaving.at_signals()

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
    "Training",
    "TrainingRun",
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

LATER = ("Training", "TrainingRun")  # imported when they are first asked for


def __getattr__(name: str):
    if name in LATER:
        return getattr(importlib.import_module("explorer.training"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
