"""One update of a training, forward, backward and Adam, beside PyTorch's modules and a loop over LSTMCell.

    python benchmarks/training.py            21 rounds, a minute
    python benchmarks/training.py --rounds 5

B = 32, T = 50, H = 32, one input of 5 numbers a step, loss at the last step. All run in this one process on one core
and one thread, called in turn, after a check that six updates lead all to the same weights. A ratio is the median
of the rounds' own ratios, its time over the engine's: above 1 the engine is faster. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from statistics import median

import alone  # before NumPy
import numpy as np
import torch

from explorer.training import Training
from explorer.training.models import packed, views
from explorer.training.optimisers import Adam, blank_memory
from explorer.training.runs import look

RATE = 0.001
# cell, dtype, rival, the least ratio that is asked for
BARS = (
    ("rnn", "float32", "module", 1.0),
    ("rnn", "float64", "module", 1.0),
    ("gru", "float32", "module", 1.0),
    ("gru", "float64", "module", 1.0),
    ("lstm", "float64", "module", 1.0),
    ("lstm", "float32", "module", 0.5),
    ("lstm", "float32", "loop", 3.0),
    ("lstm", "float64", "loop", 3.0),
)


def engine(training: Training, batch):
    """One call is one update; the second function returns the weights."""
    model, rule, vector = training.model, Adam(), training.draw()
    memory, count = blank_memory(rule, vector), 0

    def update():
        nonlocal count
        count += 1
        seen = look(model, views(vector, model.shapes), training.of, batch)
        rule.step(vector, packed(seen.gradient, model.shapes, vector.dtype), memory, RATE, count)

    return update, lambda: vector


def in_torch(training: Training, batch, loop: bool):
    """The same with torch.nn.RNN, GRU, LSTM, or with a loop over the LSTMCell."""
    torch.set_num_threads(1)
    kind = torch.nn.LSTMCell if loop else getattr(torch.nn, training.cell.upper())
    dtype = getattr(torch, training.dtype)
    stack, readout = kind(training.of.D, training.H).to(dtype), torch.nn.Linear(training.H, training.of.K).to(dtype)
    parameters = [*stack.parameters(), *readout.parameters()]
    with torch.no_grad():
        for parameter, array in zip(parameters, views(training.draw(), training.model.shapes).values()):
            parameter.copy_(torch.tensor(array))
    optimiser = torch.optim.Adam(parameters, RATE)
    x, wanted = torch.tensor(batch.x, dtype=dtype), torch.tensor(batch.wanted[-1])

    def last():
        if not loop:
            return stack(x)[0][-1]
        state = None
        for x_t in x:
            state = stack(x_t, state)
        return state[0]

    def update():
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(readout(last()), wanted).backward()
        optimiser.step()

    return update, lambda: np.concatenate([parameter.detach().numpy().ravel() for parameter in parameters])


def seconds(update, calls=5) -> float:
    """Of a call in a row of them, as in a training; the first one, after another library's turn, warms the caches."""
    update()
    start = time.perf_counter()
    for _ in range(calls):
        update()
    return (time.perf_counter() - start) / calls


def compare(cell: str, dtype: str, rounds: int) -> dict[str, list[float]]:
    """Seconds an update in each round."""
    training = Training(task="recall", distance=49, cell=cell, dtype=dtype)
    batch = training.of.batch(1, 49, 32)
    backends = {"engine": engine(training, batch), "module": in_torch(training, batch, loop=False)}
    if cell == "lstm":
        backends["loop"] = in_torch(training, batch, loop=True)
    for update, _ in backends.values():
        seconds(update)
    weights = [weights() for _, weights in backends.values()]
    for theirs in weights[1:]:
        off = np.abs(theirs - weights[0]).max()
        if not off < (1e-10 if dtype == "float64" else 1e-4):
            raise SystemExit(f"{cell} {dtype}: after six updates the weights differ by {off:.1e}")
    times = {name: [] for name in backends}
    for _ in range(rounds):
        for name, (update, _) in backends.items():
            times[name].append(seconds(update))
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21, help="turns of each backend a case (21)")
    rounds = parser.parse_args().rounds
    alone.one_core()
    gc.disable()
    times = {}
    print("| cell | dtype | engine | torch.nn module | loop over LSTMCell |\n|---|---|---|---|---|")
    for cell in ("rnn", "gru", "lstm"):
        for dtype in ("float32", "float64"):
            times[cell, dtype] = found = compare(cell, dtype, rounds)
            shown = [
                f"{1e3 * median(found[name]):.2f} ms" if name in found else "" for name in ("engine", "module", "loop")
            ]
            print(f"| {cell.upper()} | {dtype} | {' | '.join(shown)} |", flush=True)

    print("\n| bar | ratio to meet | measured | |\n|---|---|---|---|")
    passed = True
    for cell, dtype, rival, least in BARS:
        ratio = median(np.divide(times[cell, dtype][rival], times[cell, dtype]["engine"]).tolist())
        passed &= ratio >= least
        mark = "PASS" if ratio >= least else "FAIL"
        print(f"| {cell.upper()} {dtype} against the {rival} | ≥ {least}x | {ratio:.2f}x | {mark} |")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
