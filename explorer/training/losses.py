"""Losses: what the answers cost on average, and how that cost follows each of them.

Each takes N answers (N, K) and what was wanted, and returns the mean cost with its gradient (N, K). They agree with
PyTorch's mse_loss, cross_entropy and binary_cross_entropy_with_logits: the last two take logits, numbers before any
softmax or σ.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from explorer.check import shaped


def mse(answers, wanted) -> tuple[float, np.ndarray]:
    """Mean squared error: answers and wanted (N, K), over all N·K numbers."""
    answers, wanted = _pair(answers, wanted)
    off = answers - wanted
    return float(np.vdot(off, off) / off.size), 2 / off.size * off


def cross_entropy(logits, wanted) -> tuple[float, np.ndarray]:
    """−log of the softmax's share for the wanted class: logits (N, K), wanted (N,) whole numbers below K."""
    logits = _answers(logits)
    N, K = logits.shape
    wanted = shaped(wanted, (N,), "wanted")
    if wanted.dtype.kind not in "iu" or wanted.min() < 0 or wanted.max() >= K:
        raise ValueError(f"wanted must be classes from 0 to {K - 1}, but reaches from {wanted.min()} to {wanted.max()}")
    shifted = logits - logits.max(axis=1, keepdims=True)
    share = np.exp(shifted)
    total = share.sum(axis=1, keepdims=True)
    share /= total
    rows = np.arange(N)
    cost = np.log(total[:, 0]) - shifted[rows, wanted]
    share[rows, wanted] -= 1
    return float(cost.mean()), share / N


def binary_cross_entropy(logits, wanted) -> tuple[float, np.ndarray]:
    """−log of σ's share for what was wanted: logits and wanted (N, K), wanted from 0 to 1, over all N·K."""
    logits, wanted = _pair(logits, wanted)
    if wanted.min() < 0 or wanted.max() > 1:
        raise ValueError(f"wanted must lie from 0 to 1, but reaches from {wanted.min()} to {wanted.max()}")
    cost = np.maximum(logits, 0) - logits * wanted + np.log1p(np.exp(-np.abs(logits)))
    share = 0.5 * np.tanh(0.5 * logits) + 0.5
    return float(cost.mean()), (share - wanted) / cost.size


def _answers(answers) -> np.ndarray:
    answers = shaped(answers, ("N", "K"), "answers")
    if not answers.size:
        raise ValueError(f"answers must hold at least one number, but have shape {answers.shape}")
    return answers


def _pair(answers, wanted):
    answers = _answers(answers)
    return answers, shaped(wanted, answers.shape, "wanted").astype(answers.dtype, copy=False)


LOSSES = MappingProxyType({loss.__name__: loss for loss in (mse, cross_entropy, binary_cross_entropy)})
