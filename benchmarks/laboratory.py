"""What the gradient laboratory costs: a repaint with all five networks, the map of all pairs, gradients without end.

    python benchmarks/laboratory.py [--presses 40] [--rounds 21]

The repaint is timed as in latency.py: cursor keys on the sequence length of the question "Why?" (T = 200, H = 32), in
headless Chromium, from the key to the last repaint in any chart in sight. All pairs are `all_pairs` of one run at the
same size. The backward pass with a power of two, `deep_backprop`, is called in turn with `backprop` on one thread; the
ratio is the median of the rounds' own. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time

import alone  # noqa: F401

SIZES = ((200, 32), (500, 64))  # T, H
KEY_MS, PAIRS_S, RATIO = 250, 1.0, 1.3
CELLS = ("lstm", "gru", "rnn")


def seconds(call) -> float:
    """Of one call, the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    call()
    taken = time.perf_counter() - begun
    gc.enable()
    return taken


def engine(rounds: int) -> tuple[dict, dict]:
    """({cell: seconds of all pairs}, {(cell, T, H): (seconds of backprop, of deep_backprop)}), a list each."""
    from explorer import Experiment, all_pairs, backprop, deep_backprop, perform
    from explorer.performing import direct_gradient

    pairs, backward = {}, {}
    for cell in CELLS:
        for T, H in SIZES:
            e = Experiment(cell=cell, T=T, H=H)
            trace, dh = perform(e).trace, direct_gradient(e)
            calls = (lambda t=trace, d=dh: backprop(t, d)), (lambda t=trace, d=dh: deep_backprop(t, d))
            times = [[seconds(call) for call in calls] for _ in range(rounds + 1)][1:]
            backward[cell, T, H] = list(zip(*times))
            if SIZES[0] == (T, H):
                pairs[cell] = [seconds(lambda t=trace: all_pairs(t)) for _ in range(max(3, rounds // 4))]
    return pairs, backward


def repaint(presses: int) -> list[float]:
    """Milliseconds of each key with all five networks."""
    from latency import keys
    from playwright.sync_api import sync_playwright
    from serving import server, wait_until_up

    from tests.browser.chromium import ARGUMENTS, find

    with sync_playwright() as playwright, server() as (process, port):
        wait_until_up(process, port)
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            return keys(browser, port, "gradients?ask=why&T=200&H=32", "T_", 3, presses)
        finally:
            browser.close()


def report(times: list[float], pairs: dict, backward: dict) -> bool:
    """Print the table; whether all bars hold."""
    from serving import load_average, quantile, table, verdict

    median = quantile(times, 0.5)
    rows = [("", "median", "bar", "")]
    passed = [median <= KEY_MS]
    head = f"five networks, T = 200, H = 32: key → last repaint ({len(times)} keys)"
    rows.append((head, f"{median:.0f} ms", f"≤ {KEY_MS} ms", verdict(passed[-1])))
    for cell, taken in pairs.items():
        passed.append(quantile(taken, 0.5) <= PAIRS_S)
        spent = f"{quantile(taken, 0.5):.2f} s"
        rows.append(
            (f"all pairs of the {cell.upper()}, T = 200, H = 32", spent, f"≤ {PAIRS_S:g} s", verdict(passed[-1]))
        )
    for (cell, T, H), (plain, deep) in backward.items():
        ratio = quantile([b / a for a, b in zip(plain, deep)], 0.5)
        passed.append(ratio <= RATIO)
        name = f"backward of the {cell.upper()} with a power of two, T = {T}, H = {H}"
        rows.append((name, f"{ratio:.2f}x the plain one", f"≤ {RATIO}x", verdict(passed[-1])))
    rows.append(("load average, 1 and 5 minutes", load_average(), "", ""))
    print(table(rows))
    return all(passed)


def main() -> int:
    """Measure; 1 if a bar fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--presses", type=int, default=40, help="key presses, 5 to 200")
    parser.add_argument("--rounds", type=int, default=21, help="turns of the engine, 3 to 200")
    chosen = parser.parse_args()
    if not (5 <= chosen.presses <= 200 and 3 <= chosen.rounds <= 200):
        parser.error("--presses from 5 to 200, --rounds from 3 to 200")
    return 0 if report(repaint(chosen.presses), *engine(chosen.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
