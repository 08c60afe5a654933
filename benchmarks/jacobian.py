"""∂h_T/∂h_k for all k, side by side with PyTorch's autograd, batched and row by row.

    python benchmarks/jacobian.py            all sizes, a few minutes
    python benchmarks/jacobian.py --quick    the smaller size, three rounds, no bar of speed

Everyone runs the network forward and finds the Frobenius norm of each ∂h_T/∂h_k, k = 0 … T; the columns "and σ₁" add
the largest singular value. PyTorch's loop is over LSTMCell, GRUCell or RNNCell. All are on one core and one thread,
called in turn, round by round, after a check that they agree. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from statistics import median

from alone import one_core

SIZES = ((200, 32, 16), (500, 64, 32))  # T, H, D; one sequence
BARS = {"batched": 3, "rows": 25}  # times faster, for the LSTM of these sizes, with σ₁ and without:
BARS_AT = (500, 64, 32)
AGREE = 1e-12  # of log₁₀


def backends(cell, T, H, D) -> dict:
    """{name: call}: each call leaves log₁₀ of the norms, and of σ₁ if it is asked for, computed: (1 or 2, T + 1)."""
    import numpy as np
    import torch

    from explorer import init_params, jacobian_norms, run

    torch.set_num_threads(1)
    params = {name: array.astype(float) for name, array in init_params(cell, D, H, seed=1).items()}
    x = np.random.default_rng(1).standard_normal((T, 1, D))
    kind = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell]
    module = kind(D, H).double()
    module.load_state_dict({name: torch.tensor(array) for name, array in params.items()})
    inputs = torch.tensor(x)

    def engine(spectral):
        norms = jacobian_norms(run(cell, params, x), spectral=spectral)
        return np.array([norms.frobenius, norms.spectral] if spectral else [norms.frobenius])

    def forward():
        now = torch.zeros(1, H, dtype=torch.float64, requires_grad=True)
        c = torch.zeros(1, H, dtype=torch.float64)
        steps = [now]
        for x_t in inputs:
            now, c = module(x_t, (now, c)) if cell == "lstm" else (module(x_t, now), c)
            steps.append(now)
        return steps

    def logs(stack, spectral):  # (T + 1, H, H)
        norms = [torch.linalg.matrix_norm(stack)]
        if spectral:
            norms.append(torch.linalg.svdvals(stack)[:, 0])
        return torch.stack(norms).log10().numpy()

    def batched(spectral):
        steps = forward()
        rows = torch.eye(H, dtype=torch.float64)[:, None]
        grads = torch.autograd.grad(steps[-1], steps, rows, is_grads_batched=True)
        return logs(torch.stack([grad[:, 0] for grad in grads]), spectral)

    def row_by_row(spectral):
        steps = forward()
        rows = [torch.autograd.grad(steps[-1][0, u], steps, retain_graph=True) for u in range(H)]
        return logs(torch.stack([torch.cat(grads) for grads in rows], dim=1), spectral)

    return {"engine": engine, "batched": batched, "rows": row_by_row}


def timed(call, spectral) -> float:
    """Seconds of a call, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    call(spectral)
    seconds = time.perf_counter() - start
    gc.enable()
    return seconds


def compare(case, rounds) -> tuple[dict, float]:
    """({(backend, σ₁ or not): seconds of each round}, the largest difference of logarithms)."""
    import numpy as np

    calls = backends(*case)
    wanted = calls["engine"](True)
    seen = wanted > -280  # below, PyTorch's numbers have lost their digits
    apart = max(np.abs(calls[name](True) - wanted)[seen].max() for name in BARS)
    times = {(name, spectral): [] for name in calls for spectral in (False, True)}
    for _ in range(rounds):
        for name, spectral in times:
            times[name, spectral].append(timed(calls[name], spectral))
    return times, float(apart)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="turns of each backend a case (7; quick: 3)")
    parser.add_argument("--quick", action="store_true", help="the smaller size only")
    chosen = parser.parse_args()
    one_core()

    print("| cell | T, H, D | | engine | autograd, batched | autograd, row by row | log₁₀ apart |")
    print("|---|---|---|---|---|---|---|", flush=True)
    least, worst = dict.fromkeys(BARS, float("inf")), 0.0
    for cell in ("lstm", "gru", "rnn"):
        for sizes in SIZES[: 1 if chosen.quick else None]:
            times, apart = compare((cell, *sizes), chosen.rounds or (3 if chosen.quick else 7))
            worst = max(worst, apart)
            for spectral in (False, True):
                own, shown = times["engine", spectral], []
                for name in BARS:
                    ratio = median(other / mine for other, mine in zip(times[name, spectral], own))
                    shown.append(f"{1e3 * median(times[name, spectral]):.0f} ms, {ratio:.1f}x")
                    if cell == "lstm" and sizes == BARS_AT:
                        least[name] = min(least[name], ratio)
                norm = "norm and σ₁" if spectral else "norm"
                where = [cell.upper(), "{}, {}, {}".format(*sizes), norm, f"{1e3 * median(own):.1f} ms"]
                print("|", " | ".join([*where, *shown, f"{apart:.0e}"]), "|", flush=True)

    print("\n| bar | to meet | measured | |\n|---|---|---|---|")
    results = [
        (
            "LSTM T = 500, H = 64, autograd batched",
            f"≥ {BARS['batched']}x faster",
            f"{least['batched']:.1f}x",
            BARS["batched"],
        ),
        (
            "LSTM T = 500, H = 64, autograd row by row",
            f"≥ {BARS['rows']}x faster",
            f"{least['rows']:.1f}x",
            BARS["rows"],
        ),
    ]
    met = [least["batched"] >= BARS["batched"], least["rows"] >= BARS["rows"], worst <= AGREE]
    rows = [row[:3] for row in results] + [("log₁₀ of all norms", f"within {AGREE:.0e}", f"{worst:.0e}")]
    if chosen.quick:
        rows, met = rows[2:], met[2:]
    for row, fine in zip(rows, met):
        print("|", " | ".join(row), "|", "PASS |" if fine else "FAIL |")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
