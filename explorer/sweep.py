"""Many runs of one network, to see where gradients survive: over a setting × the distance back, averaged over seeds.

One run with its loss at the last step answers every distance at once: the norm of ∂L/∂h that is left k steps back.
Runs are independent: one after the other, on all cores, or on a Dask cluster (`results`). Each is kept on disk under
the name of what it is: a sweep that is stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from time import sleep

import numpy as np

from explorer.cells import CELLS
from explorer.cluster import on_dask
from explorer.deep import deep_backprop
from explorer.experiment import KINDS, Experiment
from explorer.jobs import Jobs, Limits, Task
from explorer.leaving import surely
from explorer.measures import overflow
from explorer.performing import direct_gradient, perform
from explorer.replacing import whole
from explorer.settings import Choice, Number, setting

AXES = ("gain", "forget_bias")
KEPT = 20_000  # results on disk, of at most 4 KB each
ANSWERS = 4  # seconds in which a scheduler does
PAUSE = 0.02  # seconds between two looks at what the processes have
FOREVER = 2**31  # seconds that a process may take
LAGS = 100  # distances of which a sweep keeps the norm


@dataclass(frozen=True)
class Sweep:
    """Which runs: `points` values of a setting from `low` to `high`, each with `seeds` seeds."""

    axis: str = setting("gain", Choice("over", AXES))
    low: float = setting(0.0, Number("from", -2.0, 6.0, 0.05))
    high: float = setting(4.0, Number("to", -2.0, 6.0, 0.05))
    points: int = setting(41, Number("points", 2, 81))
    seeds: int = setting(8, Number("seeds", 1, 32))

    def __post_init__(self):
        for part in fields(self):
            try:
                object.__setattr__(self, part.name, part.metadata["kind"].read(getattr(self, part.name)))
            except ValueError as error:
                raise ValueError(f"{part.name}: {error}") from None
        if not self.low < self.high:
            raise ValueError(
                f"the range must go from a lower to a higher value, but goes from {self.low} to {self.high}"
            )

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(np.linspace(self.low, self.high, self.points).round(6).tolist())

    def runs(self, e: Experiment) -> tuple[Experiment, ...]:
        """The experiments, all seeds of the first value first. Raises ValueError where the axis means nothing."""
        if self.axis == "forget_bias" and (CELLS[e.cell].keep is None or e.chrono):
            raise ValueError(f"{e.cell} has no gate whose bias could be swept: choose lstm or gru without chrono")
        kind = KINDS[self.axis]
        if not kind.low <= self.low or not self.high <= kind.high:
            raise ValueError(
                f"{self.axis} goes from {kind.low:g} to {kind.high:g}, not from {self.low:g} to {self.high:g}"
            )
        top = KINDS["seed"].high + 1
        return tuple(
            e.replace(**{self.axis: value, "seed": (e.seed + k) % top, "loss": "last"})
            for value in self.values
            for k in range(self.seeds)
        )


def lags(T: int) -> np.ndarray:
    """The distances back, 0 … T − 1, of which a sweep keeps the norm: all, or a hundred evenly spread."""
    return np.unique(np.linspace(0, T - 1, min(T, LAGS)).round().astype(int))


def survival(e: Experiment) -> np.ndarray:
    """log₁₀ ‖∂L/∂h‖ at each of the `lags` back from the loss, which sends a gradient of norm 1.

    NaN if the run overflows: of states that are no numbers nothing survives that could be measured.
    """
    trace = perform(e).trace
    if overflow(trace):
        return np.full(len(lags(e.T)), np.nan, np.float32)
    norms = deep_backprop(trace, direct_gradient(e)).log10_norms("h")[:, 0]
    return norms[::-1][lags(e.T)].astype(np.float32)


# results on disk


@cache
def fingerprint() -> str:
    """Of the engine's source: what another engine has left behind is not taken."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.glob("cells/*.py"), *here.glob("datasets/*.*")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Kept:
    """Results on disk, one file each; None keeps nothing. Several processes may share the folder."""

    def __init__(self, folder: Path | None):
        self.folder, self.written = folder, 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, e: Experiment) -> Path:
        return self.folder / (hashlib.sha256((fingerprint() + e.to_json()).encode()).hexdigest()[:40] + ".npy")

    def get(self, e: Experiment) -> np.ndarray | None:
        if self.folder is None:
            return None
        try:
            found = np.load(self.path(e))
        except (OSError, ValueError, EOFError):  # not there, or not whole
            return None
        return found if found.shape == lags(e.T).shape else None

    def put(self, e: Experiment, found: np.ndarray) -> None:
        """Write a result whole or not at all, and now and then remove the oldest."""
        if self.folder is None:
            return
        with whole(self.path(e)) as file:
            np.save(file, found)
        self.written += 1
        if self.written % 500 == 1:
            self.make_room()

    def make_room(self) -> None:
        def age(path: Path) -> float:
            try:
                return path.stat().st_mtime
            except OSError:  # another process was faster
                return 0.0

        for path in sorted(self.folder.glob("*.npy"), key=age)[:-KEPT]:
            with suppress(OSError):  # another process was faster, or reads it
                path.unlink()


def folder() -> Path:
    """Where results are kept: EXPLORER_CACHE, or the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("EXPLORER_CACHE") or home / "gate-explorer") / "sweeps"


# running


def _numbered(number: int, e: Experiment) -> tuple[int, np.ndarray]:
    return number, survival(e)


def results(runs, kept: Kept, *, jobs: int = 1, dask: str | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the run, its survival), as they come; those on disk first.

    jobs   processes on this machine, −1 for one a core; 1 stays in this process
    dask   the address of a Dask scheduler, such as "tcp://host:8786", whose workers can import `explorer`

    Raises ValueError, in one sentence, where no scheduler answers, and RuntimeError where a process is lost.
    """
    missing = []
    for number, e in enumerate(runs):
        if (found := kept.get(e)) is None:
            missing.append((number, e))
        else:
            yield number, found
    with closing(_computed(missing, jobs, dask)) as computed:
        for number, found in computed:
            kept.put(runs[number], found)
            yield number, found


def _computed(missing, jobs: int, dask: str | None):
    if dask is not None:
        return on_dask(_numbered, missing, dask, ANSWERS)
    count = min(len(missing), jobs if jobs > 0 else cores())
    if count < 2:
        return (_numbered(*run) for run in missing)
    return _in_processes(missing, count)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(missing, count: int):
    """Each process has every so many-th of the runs, which are alike. They end with this one, however it does."""
    pool = Jobs(Limits(workers=count, waiting=count, kept=count, seconds=FOREVER), here=lambda visitor: True)
    tasks = [Task(_share, (tuple(missing[k::count]),), bounded=False) for k in range(count)]
    with surely(pool.close):
        for k, task in enumerate(tasks):
            pool.start(task, str(k))
        told, working = [0] * count, True
        while working:
            standing = [pool.look(task, str(k)) for k, task in enumerate(tasks)]
            for k, job in enumerate(standing):
                if job.problem[0] == "refused":
                    raise ValueError(job.problem[1])
                if job.problem[0]:
                    raise RuntimeError(f"a process of the sweep was lost ({' '.join(job.problem).strip()}): try again")
                yield from job.parts[told[k] :]
                told[k] = len(job.parts)
            if working := not all(job.over for job in standing):
                sleep(PAUSE)


def _share(report, runs) -> None:
    """The job of one process."""
    for run in runs:
        report.part(_numbered(*run))


class Mean:
    """The map as it grows: for each value and lag the mean over the seeds that are there."""

    def __init__(self, sweep: Sweep, T: int):
        self.lags, self.seeds = lags(T), sweep.seeds
        self.total = np.zeros((sweep.points, len(self.lags)))
        self.count = np.zeros(sweep.points, int)
        self.overflown: set[int] = set()  # numbers of runs

    def add(self, number: int, found: np.ndarray) -> None:
        if np.isnan(found).any():
            self.overflown.add(number)
        self.total[number // self.seeds] += np.maximum(found, -1e4)  # −∞, a norm of 0, would take the others along
        self.count[number // self.seeds] += 1

    @property
    def map(self) -> np.ndarray:
        """(values, lags), NaN where there is nothing yet, and where a run overflows."""
        with np.errstate(invalid="ignore"):
            return self.total / self.count[:, None]


def first_overflow(sweep: Sweep, e: Experiment, mean: Mean) -> tuple[float, int, int] | None:
    """(value, seed, step from 1) of the first of the runs that overflow, at the lowest value; None if none does."""
    if not mean.overflown:
        return None
    number = min(mean.overflown)
    run = sweep.runs(e)[number]
    return sweep.values[number // sweep.seeds], run.seed, overflow(perform(run).trace)


def work(report, e: Experiment, sweep: Sweep) -> None:
    """The job of a page: results as parts (number, survival)."""
    runs = sweep.runs(e)
    for done, (number, found) in enumerate(results(runs, Kept(folder())), start=1):
        report.part((number, found))
        report.done(done / len(runs))
