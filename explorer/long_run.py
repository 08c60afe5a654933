"""A network of the explorer over up to a million steps: what is asked, what it will cost, and the work of the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from time import perf_counter

import numpy as np

from explorer.experiment import Experiment
from explorer.long_series import SERIES, series
from explorer.performing import weights
from explorer.settings import Choice, Number, setting
from explorer.stream import Stream, stream
from explorer.unroll import backprop, run

METHODS = ("auto", "numpy", "torch", "cuda")
STREAMED = {"auto": ("parallel", "cpu"), "numpy": ("engine", "cpu")}
STREAMED |= {"torch": ("torch", "cpu"), "cuda": ("torch-parallel", "cuda")}
SAMPLE = 100  # steps that are run to find out what one costs
FLOAT64_ENDS = np.log10(5e-324)
INTERPRETER = {"auto": 80, "numpy": 80, "torch": 500, "cuda": 3000}  # MiB before the first number
OF_TORCH = {"rnn": 16, "gru": 11, "lstm": 11}  # times the engine's: the fused kernels' many small calls a step
COPIES = {"auto": 1.5, "numpy": 1.5, "torch": 6.0, "cuda": 1.5}  # of a chunk's numbers, at the most


@dataclass(frozen=True)
class Long:
    """What the page of long sequences asks beside the Experiment, whose T, D and input it leaves aside.

    length   steps
    series   the input (see `long_series.series`)
    method   "auto": NumPy, in parallel time where the network forgets soon enough; "numpy": NumPy, step by step;
             "torch", "cuda": PyTorch's fused kernels on the processor or a GPU
    """

    length: int = setting(20_000, Number("n", 1000, 1_000_000))
    series: str = setting("needle", Choice("src", SERIES))
    method: str = setting("auto", Choice("by", METHODS))


@dataclass(frozen=True)
class Cost:
    """What a run is going to take: seconds (about), MiB of memory, MiB of files."""

    seconds: float
    memory: int
    disk: int


def cost(e: Experiment, long: Long, D: int = 1) -> Cost:
    """The cost of a run with D inputs a step, from a short one of the same network on this machine."""
    ahead, back = a_step(e.replace(T=SAMPLE, loss="all", input="sine"), D)
    seconds = long.length * (2 * ahead + back) * (OF_TORCH[e.cell] if long.method == "torch" else 1.2)
    kept = 8 * e.layers * (chunk(e, long) * e.H * 20) / 2**20
    files = 8 * long.length * (e.layers * 12 + D - 1) / 2**20
    return Cost(seconds, round(INTERPRETER[long.method] + COPIES[long.method] * kept + files), round(files))


@lru_cache(64)
def a_step(e: Experiment, D: int = 1) -> tuple[float, float]:
    """Seconds a step forward and backward, the best of three."""
    x, params, dh = np.ones((e.T, 1, D)), weights(e, D=D), np.ones((e.T, 1, e.H))
    times = []
    for _ in range(3):
        began = perf_counter()
        trace = run(e.cell, params, x, **e.options)
        middle = perf_counter()
        backprop(trace, dh)
        times.append((middle - began, perf_counter() - middle))
    ahead, back = (min(column) / e.T for column in zip(*times))
    return ahead, back


def chunk(e: Experiment, long: Long) -> int:
    """Steps held in memory at a time: long enough for chunks of it to forget, within some 150 MiB."""
    return 32_768 if long.method == "cuda" else min(16_384, 2**20 // (2 * e.H * e.layers))


def loss_gradient(e: Experiment, T: int) -> Callable[[int, int], np.ndarray | None]:
    """(start, stop) -> the direct ∂L/∂h_t of L = Σ_t Σ_u h_t,u / √H, None where there is no loss."""

    def part(start, stop):
        at = T - 1 if e.loss == "last" else None if e.loss == "all" else int(e.loss) - 1
        if at is not None and not start <= at < stop:
            return None
        rows = np.zeros((stop - start, 1, e.H))
        rows[slice(None) if at is None else at - start] = e.H**-0.5
        return rows

    return part


def streamed(e: Experiment, long: Long, own: np.ndarray | None, **how) -> Stream:
    """Stream the experiment's network over the long input; `how` goes to `stream`.

    own   the numbers of a series of the user's own, (n,) or (n, D)
    """
    method, device = STREAMED[long.method]
    T, D = long.length, 1 if own is None else own.reshape(len(own), -1).shape[1]
    return stream(
        e.cell,
        weights(e, D=D, longest=T),
        series(long.series, T, seed=e.input_seed, D=D, own=own),
        loss_gradient(e, T),
        **{"T": T, "chunk": chunk(e, long), "method": method, "device": device} | how,
        **e.options,
    )


def work(report, e: Experiment, long: Long, own: bytes, D: int = 1) -> dict:
    """The job: x (T, D), norms and levels (T, 1) into files of their names; a summary comes back.

    own   the numbers of an uploaded series (n, D), one row after the other in float64; b"" for any other input
    """

    def room(name: str, shape) -> np.ndarray:
        return np.lib.format.open_memmap(report.folder / f"{name}.npy", "w+", np.float64, shape)

    own = np.frombuffer(own).reshape(-1, D) if own else None
    began, T = perf_counter(), long.length
    room("x", (T, D))[...] = series(long.series, T, seed=e.input_seed, D=D, own=own)(0, T)[:, 0]
    report.part("x")
    made = streamed(e, long, own, room=room, progress=report.done)
    forward, backward = (asdict(way) for way in made.ways)
    seconds = perf_counter() - began
    return {"forward": forward, "backward": backward, "seconds": seconds, **extremes(made.log10["h"][:, 0])}


def extremes(log10: np.ndarray) -> dict:
    """The largest and the smallest log10 norm and their steps, counted from 1; the steps that a float64 could not tell
    from zero; the steps where the norm is zero exactly."""
    finite = np.isfinite(log10)
    if not finite.any():
        return {"zero": len(log10)}
    low = int(np.where(finite, log10, np.inf).argmin())
    high = int(np.where(finite, log10, -np.inf).argmax())
    found = {"low": float(log10[low]), "low_at": low + 1, "high": float(log10[high]), "high_at": high + 1}
    return found | {"lost": int((log10[finite] < FLOAT64_ENDS).sum()), "zero": int((~finite).sum())}
