"""Gate dynamics of recurrent networks, every number of every time step."""

from explorer.initialise import init_params
from explorer.trace import Gradients, Trace
from explorer.unroll import backprop, run

__all__ = ["Gradients", "Trace", "backprop", "init_params", "run"]
