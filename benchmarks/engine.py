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
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SIZES = ((200, 32, 16), (500, 64, 32))  # T, H, D; one sequence
BLOCKS = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}
STATES = {"lstm": "hc", "gru": "h", "rnn": "h"}
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "PYTHONPATH": str(ROOT),
}
FIRST_TRACE = """
import numpy as np
from explorer import backprop, init_params, run
trace = run("lstm", init_params("lstm", 16, 32), np.ones((200, 1, 16)))
backprop(trace, np.ones((200, 1, 32)))
"""


def problem(cell, T, H, D, dtype) -> dict:
    """One run for all backends: weights as PyTorch draws them, input, initial states, and dense ∂L/∂h_t."""
    rng, G = np.random.default_rng(1), len(BLOCKS[cell])
    shapes = {"weight_ih": (G * H, D), "weight_hh": (G * H, H), "bias_ih": (G * H,), "bias_hh": (G * H,)}
    return {
        "cell": cell,
        "params": {name: rng.uniform(-(H**-0.5), H**-0.5, s).astype(dtype) for name, s in shapes.items()},
        "x": rng.standard_normal((T, 1, D)).astype(dtype),
        "dh": rng.standard_normal((T, 1, H)).astype(dtype),
        "state": {q: rng.uniform(-0.5, 0.5, (1, H)).astype(dtype) for q in STATES[cell]},
    }


# Backends: each takes a problem and returns (call, named). `call()` is what is timed, and leaves everything
# computed; `named(result)` turns its result into {name: array}, outside the clock.


def numpy_engine(p):
    from explorer import backprop, run

    def call():
        trace = run(p["cell"], p["params"], p["x"], p["state"])
        return trace, backprop(trace, p["dh"])

    def named(result):
        trace, grads = result
        arrays = {name: trace[name] for name in (*BLOCKS[p["cell"]], *STATES[p["cell"]])}
        arrays |= {f"∂{q}": rows for q, rows in grads.state.items()}
        arrays |= {f"∂a_{q}": rows for q, rows in grads.pre.items()}
        arrays |= {f"∂{q}_0": rows for q, rows in grads.initial.items()}
        return arrays | {f"∂{name}": rows for name, rows in grads.params.items()} | {"∂x": grads.x}

    return call, named


def torch_arrays(p):
    """torch on one thread, and p's arrays as tensors; all but dh are leaves with a gradient."""
    import torch

    torch.set_num_threads(1)
    leaves = {q: torch.tensor(array, requires_grad=True) for q, array in p["state"].items()}
    return torch, torch.tensor(p["x"], requires_grad=True), leaves, torch.tensor(p["dh"])


def with_weights(torch, module, params, suffix=""):
    """The module in the dtype of the weights, with the weights in it."""
    module = module.to(getattr(torch, str(params["weight_hh"].dtype)))
    with torch.no_grad():
        for name, array in params.items():
            getattr(module, name + suffix).copy_(torch.tensor(array))
    return module


def torch_module(p):
    """torch.nn.LSTM, GRU, RNN, forward and backward: the output and the leaves' gradients, no more."""
    torch, x, state, dh = torch_arrays(p)
    module = getattr(torch.nn, p["cell"].upper())(x.shape[2], dh.shape[2])
    module = with_weights(torch, module, p["params"], "_l0")
    start = tuple(tensor.detach()[None].requires_grad_() for tensor in state.values())
    leaves = [x, *start, *module.parameters()]

    def call():
        h, _ = module(x, start if len(start) > 1 else start[0])
        return h, torch.autograd.grad(h, leaves, dh)

    def named(result):
        h, (dx, *rest) = result
        names = [*(f"∂{q}_0" for q in state), *(f"∂{name}" for name in p["params"])]
        return {"h": h.detach().numpy(), "∂x": dx.numpy()} | dict(zip(names, (g.numpy() for g in rest)))

    return call, named


def torch_cells(p):
    """The loop over torch.nn.LSTMCell, GRUCell, RNNCell: total ∂L/∂h_t and ∂L/∂C_t, no gates."""
    torch, x, state, dh = torch_arrays(p)
    kind = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[p["cell"]]
    module = with_weights(torch, kind(x.shape[2], dh.shape[2]), p["params"])

    def step(x_t, now):
        if p["cell"] == "lstm":
            return dict(zip("hc", module(x_t, (now["h"], now["c"]))))
        return {"h": module(x_t, now["h"])}

    return torch_loop(torch, step, x, state, dh, dict(module.named_parameters()))


def torch_by_hand(p):
    """The loop that one writes to see everything: gates, and the gradients of pre-activations and states."""
    torch, x, state, dh = torch_arrays(p)
    w = {name: torch.tensor(array, requires_grad=True) for name, array in p["params"].items()}
    linear, sigmoid, tanh = torch.nn.functional.linear, torch.sigmoid, torch.tanh
    H = dh.shape[2]

    def lstm(x_t, now):
        a = linear(x_t, w["weight_ih"], w["bias_ih"]) + linear(now["h"], w["weight_hh"], w["bias_hh"])
        i, f, g, o = a.chunk(4, dim=1)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * now["c"] + i * g
        return {"a_ifgo": a, "i": i, "f": f, "g": g, "o": o, "c": c, "h": o * tanh(c)}

    def gru(x_t, now):
        from_x = linear(x_t, w["weight_ih"], w["bias_ih"])
        from_h = linear(now["h"], w["weight_hh"], w["bias_hh"])
        a_rz = from_x[:, : 2 * H] + from_h[:, : 2 * H]
        r, z = sigmoid(a_rz).chunk(2, dim=1)
        a_n = from_x[:, 2 * H :] + r * from_h[:, 2 * H :]
        n = tanh(a_n)
        return {"a_rz": a_rz, "a_n": a_n, "r": r, "z": z, "n": n, "h": z * now["h"] + (1 - z) * n}

    def rnn(x_t, now):
        a = linear(x_t, w["weight_ih"], w["bias_ih"]) + linear(now["h"], w["weight_hh"], w["bias_hh"])
        return {"a_h": a, "h": tanh(a)}

    step = {"lstm": lstm, "gru": gru, "rnn": rnn}[p["cell"]]
    return torch_loop(torch, step, x, state, dh, w)


def torch_loop(torch, step, x, state, dh, weights):
    """A loop over `step` (x_t, states) -> {quantity: tensor}; retain_grad keeps those of "a_…", h and c."""
    leaves = [x, *state.values(), *weights.values()]

    def call():
        for leaf in leaves:
            leaf.grad = None
        now, steps = state, []
        for x_t in x:
            made = step(x_t, now)
            for name, tensor in made.items():
                if name in ("h", "c") or name.startswith("a_"):
                    tensor.retain_grad()
            now = {q: made[q] for q in state}
            steps.append(made)
        torch.stack([made["h"] for made in steps]).backward(dh)
        return steps

    def named(steps):
        arrays = {"∂x": x.grad.numpy()}
        arrays |= {f"∂{q}_0": tensor.grad.numpy() for q, tensor in state.items()}
        arrays |= {f"∂{name}": tensor.grad.numpy() for name, tensor in weights.items()}
        for name in steps[0]:
            if name.startswith("a_"):
                rows = np.stack([made[name].grad.numpy() for made in steps])
                gates = name.removeprefix("a_")
                arrays |= {f"∂a_{q}": part for q, part in zip(gates, np.split(rows, len(gates), axis=2))}
                continue
            arrays[name] = np.stack([made[name].detach().numpy() for made in steps])
            if name in state:
                arrays[f"∂{name}"] = np.stack([made[name].grad.numpy() for made in steps])
        return arrays

    return call, named


def jax_scan(p):
    """A jitted scan with zeros added to every pre-activation and state: their gradients are the total ones.

    Four ways to write it are compiled, and the fastest on this machine competes: gates made in the scan or
    again outside it, the scan unrolled or not.
    """
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    sigmoid, tanh, blocks = jax.nn.sigmoid, jnp.tanh, BLOCKS[p["cell"]]

    def lstm(a_x, w, now):
        i, f, g, o = jnp.split(a_x + w["weight_hh"] @ now["h"] + w["bias_hh"], 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * now["c"] + i * g
        return {"c": c}, {"i": i, "f": f, "g": g, "o": o}

    def gru(a_x, w, now):
        x_r, x_z, x_n = jnp.split(a_x, 3)
        h_r, h_z, h_n = jnp.split(w["weight_hh"] @ now["h"] + w["bias_hh"], 3)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = tanh(x_n + r * h_n)
        return {"h": z * now["h"] + (1 - z) * n}, {"r": r, "z": z, "n": n}

    def rnn(a_x, w, now):
        h = tanh(a_x + w["weight_hh"] @ now["h"] + w["bias_hh"])
        return {"h": h}, {}

    equations = {"lstm": lstm, "gru": gru, "rnn": rnn}[p["cell"]]

    def compiled(stacked, unroll):
        def loss(w, x, start, on_a, on_state):
            a_x = x @ w["weight_ih"].T + w["bias_ih"] + on_a

            def step(now, at_t):
                a_x, nudge = at_t
                new, gates = equations(a_x, w, now)
                new = {q: rows + nudge[q] for q, rows in new.items()}
                if p["cell"] == "lstm":
                    new["h"] = gates["o"] * tanh(new["c"]) + nudge["h"]
                return new, (new, gates if stacked else {})

            _, (states, gates) = jax.lax.scan(step, start, (a_x, on_state), unroll=unroll)
            return (states["h"] * p["dh"][:, 0]).sum(), (a_x, states, gates)

        def everything(w, x, start, on_a, on_state):
            grads, (a_x, states, gates) = jax.grad(loss, argnums=(0, 1, 2, 3, 4), has_aux=True)(
                w, x, start, on_a, on_state
            )
            if not stacked:
                before = {q: jnp.concatenate([start[q][None], states[q][:-1]]) for q in start}
                _, gates = jax.vmap(equations, in_axes=(0, None, 0))(a_x, w, before)
            return grads, states, gates

        T, H = p["dh"].shape[0], p["dh"].shape[2]
        zeros = np.zeros((T, H), p["dh"].dtype)
        inputs = [
            *(p["params"], p["x"][:, 0], {q: rows[0] for q, rows in p["state"].items()}),
            *(np.zeros((T, len(blocks) * H), zeros.dtype), dict.fromkeys(p["state"], zeros)),
        ]
        inputs, made = jax.device_put(inputs), jax.jit(everything)
        return lambda: jax.block_until_ready(made(*inputs))

    candidates = [compiled(stacked, unroll) for stacked in (False, True) for unroll in (1, 4)]
    call = min(candidates, key=lambda call: min(timed(call, 6)[1:]))

    def named(result):
        (w, x, start, on_a, on_state), states, gates = result
        arrays = {**states, **gates, "∂x": x} | {f"∂{q}": rows for q, rows in on_state.items()}
        arrays |= {f"∂a_{q}": rows for q, rows in zip(blocks, np.split(np.asarray(on_a), len(blocks), axis=1))}
        arrays = {name: np.asarray(rows)[:, None] for name, rows in arrays.items()}
        arrays |= {f"∂{q}_0": np.asarray(row)[None] for q, row in start.items()}
        return arrays | {f"∂{name}": np.asarray(rows) for name, rows in w.items()}

    return call, named


BACKENDS = {
    "engine": numpy_engine,
    "module": torch_module,
    "cells": torch_cells,
    "loop": torch_by_hand,
    "jax": jax_scan,
}
EXPOSE_ALL = ("engine", "loop", "jax")


def timed(call, times) -> list[float]:
    """Seconds of each call, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    gc.enable()
    return seconds


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

    os.environ |= ONE_THREAD
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, str(ROOT))
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
