"""Tasks whose memory is known: what must be kept, for how many steps, and what guessing scores.

Each draws batches at any distance; the greater, the harder. `guess` is the best that an answer can score which knows
the step and the rules but has not seen the input, `guess_loss` the least loss of such an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, log2
from types import MappingProxyType

import numpy as np

from explorer.check import whole

NEAR = 0.04  # an answer to the adding problem is right if it is off by less (Hochreiter & Schmidhuber 1997)
LARGEST = 2_000_000  # the most that T · B may be
CLASSES, KINDS, ITEMS = 4, 8, 5  # symbols to recall; symbols to copy, and how many of them


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network reads, and what it should say.

    x        (T, B, D)
    scored   (T, B), True where an answer counts
    wanted   (T, B), whole numbers for classes, floats for numbers; means nothing where nothing is scored
    count    (T, B), the number that must be kept in mind, NaN where there is none; None for tasks without
    """

    x: np.ndarray
    scored: np.ndarray
    wanted: np.ndarray
    count: np.ndarray | None = None


@dataclass(frozen=True)
class Task:
    """A task with a known memory.

    name        its name in code, URLs and files
    D, K        inputs a step, numbers an answer
    loss        of `explorer.training.losses`
    distances   the least, the greatest and the usual distance
    steps       distance -> T
    draw        (rng, distance, B) -> Batch
    form        of `explorer.forms`: what is scored is among the outputs that count there
    guess, guess_loss   distance -> score and loss of the best guess
    right       (answers (N, K), wanted (N,)) -> (N,) bool
    together    a sequence counts only if all its answers are right; else each answer counts
    goal        the score from which the task counts as learnt
    """

    name: str
    D: int
    K: int
    loss: str
    distances: tuple[int, int, int]
    steps: Callable[[int], int]
    draw: Callable[[np.random.Generator, int, int], Batch]
    guess: Callable[[int], float]
    guess_loss: Callable[[int], float]
    right: Callable[[np.ndarray, np.ndarray], np.ndarray]
    form: str = "sequence_to_sequence"
    together: bool = False
    goal: float = 0.99

    def batch(self, seed, distance: int, B: int) -> Batch:
        """Draw B sequences; the same seed, an int or a sequence of them, draws the same ones.

        Raises ValueError for a distance below the least one, for no sequence or more than LARGEST steps in all.
        """
        distance = whole(distance, self.distances[0], LARGEST, f"the distance of {self.name}")
        B = whole(B, 1, max(1, LARGEST // self.steps(distance)), "B")
        return self.draw(np.random.default_rng(seed), distance, B)

    def score(self, answers: np.ndarray, batch: Batch) -> float:
        """The share that is right of the answers (N, K), which are in the order of `batch.scored`."""
        right = self.right(answers, batch.wanted[batch.scored])
        if not self.together:
            return float(right.mean())
        every = np.ones(batch.scored.shape, bool)
        every[batch.scored] = right
        return float(every.all(axis=0).mean())


def _one_hot(symbols: np.ndarray, D: int) -> np.ndarray:
    return np.eye(D)[symbols]


def _at_end(T: int, B: int, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scored and wanted of one answer at the last step."""
    scored, wanted = np.zeros((T, B), bool), np.zeros((T, B), answer.dtype)
    scored[-1], wanted[-1] = True, answer
    return scored, wanted


def _same_class(answers, wanted):
    return answers.argmax(axis=1) == wanted


def recall(rng, distance, B) -> Batch:
    """One of 4 symbols at step 1, noise on another input afterwards; which was it, `distance` steps later?"""
    symbol = rng.integers(CLASSES, size=B)
    x = np.zeros((distance + 1, B, CLASSES + 1))
    x[0, :, :CLASSES] = _one_hot(symbol, CLASSES)
    x[1:, :, CLASSES] = 0.5 * rng.standard_normal((distance, B))
    return Batch(x, *_at_end(distance + 1, B, symbol))


def adding(rng, distance, B) -> Batch:
    """`distance` numbers from 0 to 1, one in each half is marked; the sum of those two at the end."""
    x = np.zeros((distance, B, 2))
    x[:, :, 0] = rng.random((distance, B))
    half, each = distance // 2, np.arange(B)
    marked = rng.integers(half, size=B), rng.integers(half, distance, size=B)
    for step in marked:
        x[step, each, 1] = 1
    return Batch(x, *_at_end(distance, B, sum(x[step, each, 0] for step in marked)))


def copy(rng, distance, B) -> Batch:
    """5 of 8 symbols, `distance` steps of silence, the last of which says go; then the 5 again, in order."""
    T, silence, go = 2 * ITEMS + distance, KINDS, KINDS + 1
    symbols = np.full((T, B), silence)
    symbols[:ITEMS] = rng.integers(KINDS, size=(ITEMS, B))
    symbols[ITEMS + distance - 1] = go
    scored, wanted = np.zeros((T, B), bool), np.zeros((T, B), int)
    scored[-ITEMS:], wanted[-ITEMS:] = True, symbols[:ITEMS]
    return Batch(_one_hot(symbols, KINDS + 2), scored, wanted)


def order(rng, distance, B) -> Batch:
    """X or Y twice among `distance` steps of a, b, c, d: XX, XY, YX or YY? (Hochreiter & Schmidhuber 1997, 6a)"""
    symbols, each = rng.integers(2, 6, size=(distance, B)), np.arange(B)
    tenth = distance // 10
    first, second = rng.integers(2, size=(2, B))
    symbols[rng.integers(tenth, 2 * tenth, size=B), each] = first
    symbols[rng.integers(5 * tenth, 6 * tenth, size=B), each] = second
    return Batch(_one_hot(symbols, 6), *_at_end(distance, B, 2 * first + second))


def parity(rng, distance, B) -> Batch:
    """`distance` bits; at each step, was the number of ones so far odd?"""
    bits = rng.integers(2, size=(distance, B))
    return Batch(bits[:, :, None].astype(float), np.ones((distance, B), bool), bits.cumsum(axis=0) % 2)


def brackets(rng, distance, B) -> Batch:
    """`distance` brackets; at each step, how many are open? One in two opens, and where none is open, each."""
    x, depth, now = np.zeros((distance, B, 2)), np.zeros((distance, B)), np.zeros(B, int)
    for t in range(distance):
        opens = (now == 0) | (rng.random(B) < 0.5)
        now = now + np.where(opens, 1, -1)
        x[t, :, 0], x[t, :, 1], depth[t] = opens, ~opens, now
    return Batch(x, np.ones((distance, B), bool), depth, depth)


def anbn(rng, distance, B) -> Batch:
    """n times a, n times b, n from 1 to `distance`; from the first b on, does another one follow, or the end?"""
    n, step = rng.integers(1, distance + 1, size=B), np.arange(1, 2 * distance + 1)[:, None]
    a, b = step <= n, (step > n) & (step <= 2 * n)
    count = np.where(a, step, 2.0 * n - step)
    count[step > 2 * np.broadcast_to(n, count.shape)] = np.nan
    return Batch(np.stack([a, b], axis=2).astype(float), b, (step == 2 * n).astype(int), count)


def depths(distance: int):
    """The distribution of the depth of brackets after each step, (distance + 1,) each."""
    share = np.zeros(distance + 2)
    share[0] = 1
    for _ in range(distance):
        opened, closed = share * 0.5, share * 0.5
        opened[0], closed[0] = share[0], 0
        share = np.roll(opened, 1) + np.roll(closed, -1)
        yield share[:-1]


def _commonest_depth(distance: int) -> float:
    return float(np.mean([share.max() for share in depths(distance)]))


def _spread_of_depth(distance: int) -> float:
    """The mean over the steps of the variance of the depth."""
    level = np.arange(distance + 1)
    return float(np.mean([share @ level**2 - (share @ level) ** 2 for share in depths(distance)]))


def _blind_ends(distance: int) -> float:
    """Who says end at the steps 2, 4, 8, 16 … is right for n = 1, 2, 4, 8 … as a whole, and no plan is for more n."""
    return (int(log2(distance)) + 1) / distance


def _blind_end_loss(distance: int) -> float:
    """The entropy of end or no end at each step, weighted by how many n are scored there."""
    cost = 0.0
    for step in range(2, 2 * distance + 1):
        scored = min(distance, step - 1) - (step + 1) // 2 + 1  # the n with n < step ≤ 2n
        if step % 2 == 0 and scored > 1:  # one of them ends here
            cost += log(scored) + (scored - 1) * log(scored / (scored - 1))
    return cost / (distance * (distance + 1) / 2)


TASKS: MappingProxyType[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                *("recall", CLASSES + 1, CLASSES, "cross_entropy", (1, 400, 50), lambda d: d + 1, recall),
                *(lambda d: 1 / CLASSES, lambda d: log(CLASSES), _same_class),
                form="sequence_to_vector",
            ),
            Task(
                *("adding", 2, 1, "mse", (2, 400, 50), lambda d: d, adding),
                *(lambda d: 1 - (1 - NEAR) ** 2, lambda d: 1 / 6, lambda y, wanted: abs(y[:, 0] - wanted) < NEAR),
                form="sequence_to_vector",
                goal=0.95,
            ),
            Task(
                *("copy", KINDS + 2, KINDS, "cross_entropy", (1, 400, 20), lambda d: d + 2 * ITEMS, copy),
                *(lambda d: 1 / KINDS, lambda d: log(KINDS), _same_class),
            ),
            Task(
                *("order", 6, 4, "cross_entropy", (10, 400, 50), lambda d: d, order),
                *(lambda d: 1 / 4, lambda d: log(4), _same_class),
                form="sequence_to_vector",
            ),
            Task(
                *("parity", 1, 1, "binary_cross_entropy", (2, 400, 20), lambda d: d, parity),
                *(lambda d: 1 / 2, lambda d: log(2), lambda y, wanted: (y[:, 0] > 0) == (wanted == 1)),
            ),
            Task(
                *("brackets", 2, 1, "mse", (2, 400, 30), lambda d: d, brackets),
                *(_commonest_depth, _spread_of_depth, lambda y, wanted: np.rint(y[:, 0]) == wanted),
                goal=0.95,
            ),
            Task(
                *("anbn", 2, 2, "cross_entropy", (1, 200, 10), lambda d: 2 * d, anbn),
                *(_blind_ends, _blind_end_loss, _same_class),
                together=True,
                goal=0.95,
            ),
        )
    }
)
