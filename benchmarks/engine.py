"""The engine side by side with what else could be used: PyTorch's modules and loops, and JAX.

    python benchmarks/engine.py            all sizes, seven starts, about ten minutes
    python benchmarks/engine.py --quick    the smaller size, one start

Each backend lives in a process of its own, on one core and one thread. They are called in turn, round by
round, so that whatever else the machine does hits all of them. Before the clock starts, all must have
returned the same numbers. All of it is started several times over some minutes: on a machine that shares its
memory with others, PyTorch's loops change by a third within them. Exit code 1 if a bar is missed.
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


def compare(pipes, case, rounds) -> list[dict[str, float]]:
    """The median seconds of each backend, round by round."""
    for pipe in pipes.values():
        pipe.send(problem(*case))
    same_numbers({backend: pipe.recv() for backend, pipe in pipes.items()}, case[-1])
    turns, calls = [], dict.fromkeys(pipes, 1)
    for _ in range(rounds + 1):
        turns.append({})
        for backend, pipe in pipes.items():
            pipe.send(calls[backend])
            turns[-1][backend] = median(pipe.recv())
        calls = {backend: int(np.clip(0.02 / seconds, 1, 20)) for backend, seconds in turns[0].items()}
    return turns[1:]  # the first turn found out how many calls fit in 20 ms


def one_start(cases, rounds) -> dict[tuple, list[dict[str, float]]]:
    """The rounds of every case, with all backends in fresh processes."""
    context, pipes, workers = multiprocessing.get_context("spawn"), {}, []
    for backend in BACKENDS:
        pipes[backend], theirs = context.Pipe()
        workers.append(context.Process(target=worker, args=(backend, theirs), daemon=True))
        workers[-1].start()
        theirs.close()
    turns = {case: compare(pipes, case, rounds) for case in cases}
    for pipe in pipes.values():
        pipe.send(None)
    for process in workers:
        process.join()
    return turns


def ratio(turns, backend) -> float:
    """The median of the rounds' own ratios: above 1 the engine is faster."""
    return median(turn[backend] / turn["engine"] for turn in turns)


def shown(turns, backend) -> str:
    """A cell of the table."""
    milliseconds = f"{1e3 * median(turn[backend] for turn in turns):.2f} ms"
    return milliseconds if backend == "engine" else f"{milliseconds}, {ratio(turns, backend):.2f}x"


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


def bars(turns, memory, first):
    """(what, bar, measured, met) of every bar; of several measurements the worst."""

    def worst(backend, cells, dtypes):
        return min(ratio(turns[case], backend) for case in turns if case[0] in cells and case[-1] in dtypes)

    both = ("float32", "float64")
    for what, backend, cell, dtypes, least in (
        ("LSTM float32, the loop that exposes the same", "loop", "lstm", ("float32",), 15),
        ("LSTM float64, the loop that exposes the same", "loop", "lstm", ("float64",), 12),
        ("nn.LSTM float64", "module", "lstm", ("float64",), 6),
        ("nn.GRU", "module", "gru", both, 5),
        ("nn.RNN", "module", "rnn", both, 4),
    ):
        faster = worst(backend, (cell,), dtypes)
        yield what, f"≥ {least}x faster", f"{faster:.1f}x", faster >= least
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
    parser.add_argument("--starts", type=int, help="how often all processes are started (7; quick: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each backend a case and start (5)")
    parser.add_argument("--quick", action="store_true", help="the smaller size only")
    chosen = parser.parse_args()

    one_core()
    memory, first = {cell: bytes_a_step(cell) for cell in BLOCKS}, first_trace(chosen.rounds)
    sizes = SIZES[: 1 if chosen.quick else None]
    cases = [(cell, *size, dtype) for cell in BLOCKS for size in sizes for dtype in ("float32", "float64")]
    turns = {case: [] for case in cases}
    for _ in range(chosen.starts or (1 if chosen.quick else 7)):
        for case, rounds in one_start(cases, chosen.rounds).items():
            turns[case] += rounds

    print("| cell | T, H, D | dtype | engine | torch.nn module | loop over the cell | loop by hand | JAX scan |")
    print("|---|---|---|---|---|---|---|---|")
    for cell, T, H, D, dtype in cases:
        row = " | ".join(shown(turns[cell, T, H, D, dtype], backend) for backend in BACKENDS)
        print(f"| {cell.upper()} | {T}, {H}, {D} | {dtype} | {row} |")
    print("\n| bar | to meet | measured | |\n|---|---|---|---|")
    results = list(bars(turns, memory, first))
    for what, bar, measured, met in results:
        print(f"| {what} | {bar} | {measured} | {'PASS' if met else 'FAIL'} |")
    return 0 if all(met for *_, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
