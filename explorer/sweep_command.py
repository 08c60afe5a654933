"""The command line: `python -m explorer sweep`.

python -m explorer sweep "cell=rnn&input=impulse&T=200" --out map.npz         gain 0 to 4, on all cores
python -m explorer sweep cell=lstm --over forget_bias --from -2 --to 6
python -m explorer sweep cell=rnn --dask tcp://host:8786                      on a Dask cluster
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.sweep import AXES, Kept, Mean, Sweep, first_overflow, folder, results


def add(commands, run, read) -> None:
    """Add the command to those of the parser; `read` takes an experiment from what was typed, `run` answers."""
    sweep = commands.add_parser(
        "sweep",
        help="where gradients survive, over a setting and the distance back",
        description="Run an experiment over a range of a setting and many seeds; print or write the map.",
        allow_abbrev=False,
    )
    add = sweep.add_argument
    add("experiment", nargs="?", help="what the explorer's address says, such as 'cell=rnn&T=200'")
    add("--json", type=Path, metavar="FILE", help="the experiment as a JSON file")
    add("--over", choices=AXES, default="gain", help="the setting that is swept (default: gain)")
    add("--from", dest="low", type=float, help="its lowest value (default: 0, or -2 of a bias)")
    add("--to", dest="high", type=float, help="its highest value (default: 4, or 6 of a bias)")
    add("--points", type=int, default=41, help="values (default: 41)")
    add("--seeds", type=int, default=8, help="seeds to average over (default: 8)")
    add("--jobs", type=int, default=-1, help="processes on this machine; -1 is one a core (default)")
    add("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler, such as tcp://host:8786")
    add("--no-cache", action="store_true", help="keep nothing on disk, and take nothing from there")
    add("--out", type=Path, metavar="FILE.npz", help="write the map instead of printing it")
    sweep.set_defaults(name="sweep", command=lambda chosen: run_sweep(chosen, read(chosen), run()))


def run_sweep(chosen, e, progress) -> None:
    if chosen.out is not None and chosen.out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, but is {chosen.out}")
    if not (chosen.jobs == -1 or 1 <= chosen.jobs <= 1024):
        raise ValueError(f"--jobs must be -1 or from 1 to 1024, but is {chosen.jobs}")
    low, high = (0.0, 4.0) if chosen.over == "gain" else (-2.0, 6.0)
    sweep = Sweep(
        chosen.over,
        low if chosen.low is None else chosen.low,
        high if chosen.high is None else chosen.high,
        chosen.points,
        chosen.seeds,
    )
    runs, mean = sweep.runs(e), Mean(sweep, e.T)
    kept = Kept(None if chosen.no_cache else folder())
    for done, (number, found) in enumerate(results(runs, kept, jobs=chosen.jobs, dask=chosen.dask), start=1):
        mean.add(number, found)
        progress(done / len(runs))
    print(f"{e.cell}, T={e.T}, D={e.D}, H={e.H}, {e.input}, {len(runs)} runs over {sweep.axis}")
    if found := first_overflow(sweep, e, mean):
        value, seed, step = found
        first = f"the first with {sweep.axis} {value:g} and seed {seed} at step {step}"
        helps = "a smaller gain, tanh or a shorter sequence helps"
        print(f"{len(mean.overflown)} of them overflow, {first}, and leave nan in the map; {helps}")
    if chosen.out is not None:
        np.savez(chosen.out, values=sweep.values, lags=mean.lags, log10_survival=mean.map)
        print(f"{mean.map.shape[0]} x {mean.map.shape[1]} numbers written to {chosen.out}")
        return
    columns = np.unique(np.linspace(0, len(mean.lags) - 1, 7).round().astype(int))
    print(f"log10 of the gradient's norm that is left, averaged over {sweep.seeds} seeds, by steps back")
    print("".join([f"{sweep.axis:>12}", *(f"{mean.lags[k]:>10}" for k in columns)]))
    for value, row in zip(sweep.values, mean.map):
        print("".join([f"{value:>12g}", *(f"{row[k]:>10.2f}" for k in columns)]))
