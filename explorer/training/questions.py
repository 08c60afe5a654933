"""Questions that a training can answer: settings that differ from the usual ones, and the networks that take part."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from explorer.training.racing import Entrants
from explorer.training.specification import Training

FAST = {"dtype": "float32"}
RNNS = ("rnn_tanh", "rnn_relu", "rnn_sigmoid")

QUESTIONS: Mapping[str, tuple[Training, Entrants]] = MappingProxyType(
    {
        "default": (Training(distance=50, forget_bias=1.0, **FAST), Entrants(("rnn_tanh", "lstm", "lstm_shut"))),
        "opened": (Training(distance=100, forget_bias=5.0, **FAST), Entrants(("rnn_tanh", "lstm", "lstm_chrono"))),
        "half_life": (Training(distance=50, forget_bias=3.0, **FAST), Entrants(("gru", "lstm", "lstm_shut"))),
        "activations": (Training(distance=20, clip="none", gain=1.5, updates=600, **FAST), Entrants(RNNS)),
        "adding": (Training(task="adding", distance=50, updates=2000, **FAST), Entrants(("rnn_tanh", "gru", "lstm"))),
        "order": (Training(task="order", **FAST), Entrants(("rnn_tanh", "gru", "lstm"))),
        "brackets": (Training(task="brackets", H=8, rate=0.02, **FAST), Entrants(("rnn_tanh", "gru", "lstm"))),
        "anbn": (Training(task="anbn", H=8, rate=0.02, updates=2000, **FAST), Entrants(("gru", "lstm"))),
        "parity": (Training(task="parity", harder=True, updates=2000, **FAST), Entrants(("rnn_tanh", "gru", "lstm"))),
    }
)
