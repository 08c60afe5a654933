"""The engine side by side with what else could be used: PyTorch's modules and loops, and JAX.

    python benchmarks/engine.py            all sizes, about two minutes
    python benchmarks/engine.py --quick    the smaller size, a few rounds

Each backend lives in a process of its own, on one core and one thread. They are called in turn, round by
round, so that whatever else the machine does hits all of them. Before the clock starts, all must have
returned the same numbers. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import subprocess
import sys
import time
import tracemalloc
from statistics import median

import numpy as np
from alone import one_core
from backends import BACKENDS, BLOCKS, EXPOSE_ALL, numpy_engine, problem, timed

SIZES = ((200, 32, 16), (500, 64, 32))  # T, H, D; one sequence
FIRST_TRACE = """
import numpy as np
from explorer import backprop, init_params, run
trace = run("lstm", init_params("lstm", 16, 32), np.ones((200, 1, 16)))
backprop(trace, np.ones((200, 1, 32)))
"""


def worker(backend, pipe):
    """Answer the parent: a problem with its results, a number of calls with their times, None by leaving."""
    call = None
    while (asked := pipe.recv()) is not None:
        if isinstance(asked, dict):
            call, named = BACKENDS[backend](asked)
            pipe.send(named(call()))
        else:
            pipe.send(timed(call, asked + 1)[1:])  # the first one warms the caches


def same_numbers(results, dtype):
    """All backends agree with the engine, and those that claim to expose everything do."""
    wanted, tolerance = results["engine"], {"float32": 2e-4, "float64": 1e-10}[dtype]
    for backend, arrays in results.items():
        if backend in EXPOSE_ALL and set(arrays) != set(wanted):
            raise SystemExit(f"{backend} does not expose {set(wanted) ^ set(arrays)}")
        for name, array in arrays.items():
            array = array.reshape(wanted[name].shape)
            off = np.abs(array - wanted[name]).max() / np.abs(wanted[name]).max()
            if not off <= tolerance or array.dtype != dtype:
                raise SystemExit(f"{backend} and the engine differ in {name} by {off:.1e} ({array.dtype})")


def compare(pipes, case, rounds) -> dict[str, list[float]]:
    """Median seconds of each backend in each round."""
    for pipe in pipes.values():
        pipe.send(problem(*case))
    same_numbers({backend: pipe.recv() for backend, pipe in pipes.items()}, case[-1])
    times, calls = {backend: [] for backend in pipes}, dict.fromkeys(pipes, 1)
    for turn in range(rounds + 1):
        for backend, pipe in pipes.items():
            pipe.send(calls[backend])
            seconds = median(pipe.recv())
            if turn:
                times[backend].append(seconds)
            else:  # as many calls a turn as fit in 20 ms
                calls[backend] = int(np.clip(0.02 / seconds, 1, 20))
    return times


def bytes_a_step(cell) -> float:
    """The peak of run and backprop with all they return, H = 64, D = 32, float32, over the steps."""
    call, _ = numpy_engine(problem(cell, 1000, 64, 32, "float32"))
    call()
    gc.collect()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return peak / 1000


def first_trace(times) -> float:
    """Seconds from the start of a Python process to its end, with one LSTM's trace and gradients in it."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", FIRST_TRACE], check=True)
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])


def bars(ratios, memory, first):
    """(what, bar, measured, met) of every bar; of several measurements the worst."""

    def worst(backend, cells, dtypes):
        return min(r[backend] for (cell, *_, dtype), r in ratios.items() if cell in cells and dtype in dtypes)

    both = ("float32", "float64")
    for what, backend, cell, dtypes, least in (
        ("LSTM float32, the loop that exposes the same", "loop", "lstm", ("float32",), 15),
        ("LSTM float64, the loop that exposes the same", "loop", "lstm", ("float64",), 12),
        ("nn.LSTM float64", "module", "lstm", ("float64",), 6),
        ("nn.GRU", "module", "gru", both, 5),
        ("nn.RNN", "module", "rnn", both, 4),
    ):
        ratio = worst(backend, (cell,), dtypes)
        yield what, f"≥ {least}x faster", f"{ratio:.1f}x", ratio >= least
    for what, backend, dtypes, most in (
        ("nn.LSTM float32 (fused)", "module", ("float32",), 2.3),
        ("LSTM, a jitted JAX scan that exposes the same", "jax", both, 2.0),
    ):
        share = 1 / worst(backend, ("lstm",), dtypes)
        yield what, f"≤ {most}x its time", f"{share:.2f}x", share <= most
    for cell, size in memory.items():
        yield f"{cell.upper()} memory a step, H = 64, float32", "≤ 7 KB", f"{size / 1e3:.1f} KB", size <= 7e3
    yield "first trace in a fresh process, import included", "≤ 0.35 s", f"{first:.2f} s", first <= 0.35


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="turns of each backend a case (15; quick: 5)")
    parser.add_argument("--quick", action="store_true", help="the smaller size only")
    chosen = parser.parse_args()
    rounds = chosen.rounds or (5 if chosen.quick else 15)

    one_core()
    memory, first = {cell: bytes_a_step(cell) for cell in BLOCKS}, first_trace(rounds)

    context, pipes, workers = multiprocessing.get_context("spawn"), {}, []
    for backend in BACKENDS:
        pipes[backend], theirs = context.Pipe()
        workers.append(context.Process(target=worker, args=(backend, theirs), daemon=True))
        workers[-1].start()
        theirs.close()

    print("| cell | T, H, D | dtype | engine | torch.nn module | loop over the cell | loop by hand | JAX scan |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    ratios = {}
    for cell in BLOCKS:
        for sizes in SIZES[: 1 if chosen.quick else None]:
            for dtype in ("float32", "float64"):
                case = (cell, *sizes, dtype)
                times = compare(pipes, case, rounds)
                ratios[case] = {
                    backend: median(np.divide(seconds, times["engine"]).tolist()) for backend, seconds in times.items()
                }
                shown = [
                    f"{1e3 * median(seconds):.2f} ms"
                    + (f", {ratios[case][backend]:.2f}x" if backend != "engine" else "")
                    for backend, seconds in times.items()
                ]
                print(
                    "|",
                    " | ".join([cell.upper(), "{}, {}, {}".format(*sizes), dtype, *shown]),
                    "|",
                    flush=True,
                )
    for pipe in pipes.values():
        pipe.send(None)
    for process in workers:
        process.join()

    print("\n| bar | to meet | measured | |\n|---|---|---|---|")
    results = list(bars(ratios, memory, first))
    for what, bar, measured, met in results:
        print(f"| {what} | {bar} | {measured} | {'PASS' if met else 'FAIL'} |")
    return 0 if all(met for *_, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
