"""Work for test_jobs.py: functions that a worker process imports."""

import os
import time
from pathlib import Path

import numpy as np

from explorer.worker import MOST, Report


def add(report: Report, a, b):
    return a + b


def until_told(report: Report, path: str, name: str = ""):
    """Say "begun", and end when there is a file at `path`."""
    report.part(f"begun {name}")
    while not Path(path).exists():
        time.sleep(0.01)
    return name


def spin(report: Report, seconds: float):
    """Hold the interpreter, as a loop over NumPy calls does."""
    report.part(os.getpid())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def halfway(report: Report):
    for step in range(6):
        report.done(step / 10)
        time.sleep(0.12)
    time.sleep(60)


def refuse(report: Report):
    print("what a library prints is no answer")
    raise ValueError("expected an even\nnumber, but got 3")


def crash(report: Report):
    os._exit(7)


def swallow_memory(report: Report):
    return float(np.ones(2**28).sum())


def write(report: Report, size: int):
    np.save(report.folder / "rows.npy", np.arange(size, dtype=np.uint8))
    return "rows.npy"


def talk(report: Report):
    for _ in range(3):
        report.part(bytes(MOST // 2))


def nice(report: Report):
    return os.nice(0), {name: os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
