"""Gate dynamics of recurrent networks, every number of every time step."""

from explorer.experiment import Experiment
from explorer.initialise import init_params
from explorer.performing import Performance, perform
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop, run

__all__ = ["Experiment", "Gradients", "Performance", "Trace", "backprop", "init_params", "perform", "run"]
