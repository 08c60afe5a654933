"""Long sequences side by side: parallel time, streamed norms, and the fused kernels' trace on a CPU or a GPU.

    python benchmarks/long.py                  everything on the CPU, about a quarter of an hour
    python benchmarks/long.py --quick          one round of shorter sequences; its bars are a hint only
    python benchmarks/long.py --device cuda    the fused kernels' trace on a GPU, beside nn.LSTM there

As in benchmarks/engine.py: a process for each backend, on one core and one thread, called in turn after all
have returned the same numbers; ratios are medians of the rounds' own. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
from statistics import median

import engine
import numpy as np
from alone import one_core
from backends import jax_scan, numpy_engine, problem, timed, torch_arrays, torch_module, with_weights

THIN = 97  # every so manieth step is compared
STREAMED = """
import resource, sys, time
import numpy as np
from explorer import init_params
from explorer.stream import stream
T, method, dtype = int(sys.argv[1]), sys.argv[2], sys.argv[3]
ROWS = 4096
def x(start, stop):
    pieces = []
    for k in range(start // ROWS, (stop - 1) // ROWS + 1):
        rows = np.random.default_rng(k).standard_normal((ROWS, 1, 16), np.float32)
        pieces.append(rows[max(start - k * ROWS, 0) : stop - k * ROWS])
    return np.concatenate(pieces)
def dh(start, stop):
    if stop < T:
        return None
    rows = np.zeros((stop - start, 1, 32))
    rows[-1] = 32**-0.5
    return rows
start = time.perf_counter()
made = stream("lstm", init_params("lstm", 16, 32, seed=1, dtype=dtype), x, dh, T=T, method=method)
seconds = time.perf_counter() - start
assert np.isfinite(made.log10["h"]).all()
try:  # of this program alone; ru_maxrss remembers the one that started it
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    resident = int(status["VmHWM"].split()[0]) / 1024
except OSError:
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(seconds, resident, made.log10["h"][0, 0])
"""


def parallel(p):
    """`explorer.parallel_time`, whose certificate must say that it ran in parallel."""
    from explorer import parallel_time

    _, named = numpy_engine(p)

    def call():
        trace, forward = parallel_time.run(p["cell"], p["params"], p["x"], p["state"])
        grads, backward = parallel_time.backprop(trace, p["dh"])
        return trace, grads, (*forward, *backward)

    def checked(result):
        trace, grads, certificates = result
        if not p.get("remembers") and not all(certificate.parallel for certificate in certificates):
            raise SystemExit(f"not run in parallel: {certificates}")
        return named((trace, grads))

    return call, checked


def fused(p):
    """`explorer.torch_path` with everything it returns in the host's memory."""
    import torch

    from explorer import torch_path

    torch.set_num_threads(1)
    _, named = numpy_engine(p)

    def call():
        trace = torch_path.run(p["cell"], p["params"], p["x"], p["state"], device=p["device"])
        return trace, torch_path.backprop(trace, p["dh"])

    return call, named


def module(p):
    """torch.nn's module, forward and backward, on the device."""
    if p["device"] == "cpu":
        return torch_module(p)
    torch, x, state, dh = torch_arrays(p)
    made = getattr(torch.nn, p["cell"].upper())(x.shape[2], dh.shape[2])
    made = with_weights(torch, made, p["params"], "_l0").to(p["device"])
    x, dh = x.detach().to(p["device"]).requires_grad_(), dh.to(p["device"])
    start = tuple(tensor.detach()[None].to(p["device"]) for tensor in state.values())

    def call():
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            h, _ = made(x, start if len(start) > 1 else start[0])
            grads = torch.autograd.grad(h, [x, *made.parameters()], dh)
        torch.cuda.synchronize()
        return h, grads

    return call, lambda result: {"h": result[0].detach().cpu().numpy(), "∂x": result[1][0].cpu().numpy()}


BACKENDS = {"engine": numpy_engine, "parallel": parallel, "fused": fused, "module": module, "jax": jax_scan}


def worker(backend, pipe):
    """Answer the parent: a problem with some of its results, True with the time of a call, None by leaving."""
    call = None
    while (asked := pipe.recv()) is not None:
        if isinstance(asked, dict):
            call, named = BACKENDS[backend](asked)
            arrays, T = named(call()), len(asked["x"])
            pipe.send({name: rows[::THIN].copy() if len(rows) == T else rows for name, rows in arrays.items()})
        else:
            pipe.send(timed(call, 1)[0])


def compare(pipes, backends, p, rounds) -> dict[str, list[float]]:
    """Seconds of each backend in each round."""
    results = {}
    for backend in backends:
        pipes[backend].send(p)
        results[backend] = pipes[backend].recv()
    engine.same_numbers(results, str(p["x"].dtype))
    times = {backend: [] for backend in backends}
    for _ in range(rounds):
        for backend in backends:
            pipes[backend].send(True)
            times[backend].append(pipes[backend].recv())
    return times


def streamed(T, method, dtype) -> tuple[float, float]:
    """Microseconds a step, and the largest resident memory in MB, of a process that streams T steps."""
    done = subprocess.run(
        [sys.executable, "-c", STREAMED, str(T), method, dtype], capture_output=True, text=True, check=True
    )
    seconds, resident, _ = map(float, done.stdout.split())
    return 1e6 * seconds / T, resident


def cases(quick, device):
    """(cell, T, H, D, dtype), backends, and whether the network is made to remember."""
    long = 20_000 if quick else 100_000
    if device != "cpu":
        for H in (64, 256):
            for dtype in ("float32", "float64"):
                yield ("lstm", 20_000, H, 32, dtype), ("engine", "fused", "module"), False
        return
    for dtype in ("float32", "float64"):
        yield ("lstm", long, 32, 16, dtype), ("engine", "parallel", "module", "jax"), False
    yield ("lstm", long, 32, 16, "float64"), ("engine", "parallel"), True
    for cell, dtype in (("gru", "float32"), ("gru", "float64"), ("rnn", "float32"), ("rnn", "float64")):
        yield (cell, 5_000, 32, 16, dtype), ("engine", "fused", "module"), False
    yield ("lstm", 5_000, 32, 16, "float64"), ("engine", "fused", "module"), False


def bars(ratios, stream, device):
    """(what, bar, measured, met) of every bar; ratios are times over the engine's."""
    if device != "cpu":
        worst = max(r["fused"] / r["module"] for r in ratios.values())
        yield f"fused kernels' trace on {device}, nn.LSTM there", "≤ 1.25x its time", f"{worst:.2f}x", worst <= 1.25
        return

    def faster(dtype, other):
        (r,) = (r for (*_, d, remembers), r in ratios.items() if "jax" in r and d == dtype and not remembers)
        return r[other] / r["parallel"]

    for what, other, dtypes, least, aim in (
        ("nn.LSTM float32 (fused)", "module", ("float32",), 1.5, 3),
        ("nn.LSTM float64", "module", ("float64",), 30, 70),
        ("a jitted JAX scan that exposes the same", "jax", ("float32", "float64"), 3, 6),
    ):
        ratio = min(faster(dtype, other) for dtype in dtypes)
        yield f"parallel time, {what}", f"≥ {least}x faster (aim {aim}x)", f"{ratio:.1f}x", ratio >= least
    lost = max(r["parallel"] for (*_, remembers), r in ratios.items() if remembers)
    yield "parallel time where it falls back, the engine", "≤ 1.35x its time", f"{lost:.2f}x", lost <= 1.35
    worst = max(r["fused"] / r["module"] for r in ratios.values() if "fused" in r)
    yield "fused kernels' trace, nn.GRU, nn.RNN, nn.LSTM float64", "≤ 1.25x its time", f"{worst:.2f}x", worst <= 1.25
    for (dtype, method), (micro, resident) in stream.items():
        met = micro <= 12 and resident <= 130
        yield (
            f"streamed norms, {method}, {dtype}",
            "≤ 12 us a step, ≤ 130 MB",
            f"{micro:.1f} us, {resident:.0f} MB",
            met,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="turns of each backend a case (5; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="shorter sequences")
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU by PyTorch's name")
    chosen = parser.parse_args()
    rounds = chosen.rounds or (1 if chosen.quick else 5)
    if chosen.device != "cpu":
        import torch

        if not torch.cuda.is_available():
            raise SystemExit("no GPU is here: nothing was measured on one")

    one_core()
    context, pipes, workers = multiprocessing.get_context("spawn"), {}, []
    for backend in BACKENDS:
        pipes[backend], theirs = context.Pipe()
        workers.append(context.Process(target=worker, args=(backend, theirs), daemon=True))
        workers[-1].start()
        theirs.close()

    print(f"| cell | T, H, D | dtype | {' | '.join(BACKENDS)} |")
    print("|---|---|---|" + "---|" * len(BACKENDS), flush=True)
    ratios = {}
    for case, backends, remembers in cases(chosen.quick, chosen.device):
        cell, T, H, D, dtype = case
        p = problem(*case) | {"device": chosen.device, "remembers": remembers}
        if remembers:
            p["params"]["bias_ih"][H : 2 * H] += 6  # the forget gate
        times = compare(pipes, backends, p, rounds)
        ratios[*case, remembers] = {b: median(np.divide(s, times["engine"]).tolist()) for b, s in times.items()}
        shown = [
            f"{1e3 * median(times[b]):.0f} ms, {ratios[*case, remembers][b]:.2f}x" if b in times else "" for b in pipes
        ]
        name = cell.upper() + (" that remembers" if remembers else "")
        print("|", " | ".join([name, f"{T:,}, {H}, {D}", dtype, *shown]), "|", flush=True)
    for pipe in pipes.values():
        pipe.send(None)
    for process in workers:
        process.join()

    stream, T = {}, 100_000 if chosen.quick else 1_000_000
    if chosen.device == "cpu":
        for dtype in ("float32", "float64"):
            for method in ("engine", "parallel"):
                stream[dtype, method] = streamed(T, method, dtype)
    print("\n| bar | to meet | measured | |\n|---|---|---|---|")
    results = list(bars(ratios, stream, chosen.device))
    for what, bar, measured, met in results:
        print(f"| {what} | {bar} | {measured} | {'PASS' if met else 'FAIL'} |")
    return 0 if all(met for *_, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
