"""Questions that a training can answer: settings that differ from the usual ones, and the networks that take part."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from explorer.training.racing import Entrants
from explorer.training.specification import Training

FAST = {"dtype": "float32"}
# benchmarks/recall.py: with larger steps only some LSTMs of bias 5 learn 100 steps.
RECALL = {"task": "recall", "rate": 0.0025, "clip_at": 0.1, "updates": 1000, **FAST}
RNNS = Entrants(("rnn_tanh", "rnn_relu", "rnn_sigmoid"))
GATES = Entrants(("rnn_tanh", "gru", "lstm"))

STUDIES: Mapping[str, tuple[Training, Entrants]] = MappingProxyType(
    {
        "default": (Training(distance=50, forget_bias=1.0, **RECALL), Entrants(("rnn_tanh", "lstm", "lstm_shut"))),
        "opened": (Training(distance=100, forget_bias=5.0, **RECALL), Entrants(("rnn_tanh", "lstm", "lstm_chrono"))),
        "half_life": (Training(distance=50, forget_bias=3.0, **RECALL), Entrants(("gru", "lstm", "lstm_shut"))),
        "activations": (Training(distance=50, scheme="identity", gain=1.2, clip="none", updates=400, **FAST), RNNS),
        "adding": (Training(task="adding", distance=30, updates=1500, **FAST), GATES),
        "order": (Training(task="order", **FAST), GATES),
        "brackets": (Training(task="brackets", H=8, rate=0.02, **FAST), GATES),
        "anbn": (Training(task="anbn", H=8, rate=0.02, updates=500, **FAST), GATES),
        "parity": (Training(task="parity", harder=True, rate=0.01, **FAST), GATES),
    }
)
