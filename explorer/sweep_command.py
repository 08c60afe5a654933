"""The command line: `python -m explorer sweep`.

python -m explorer sweep "cell=rnn&input=impulse&T=200" --out map.npz         gain 0 to 4, on all cores
python -m explorer sweep cell=lstm --over forget_bias --from -2 --to 6
python -m explorer sweep cell=rnn --dask tcp://host:8786                      on a Dask cluster
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.command import outputs
from explorer.experiment import KINDS, Experiment
from explorer.replacing import beside
from explorer.sweep import AXES, Kept, Mean, Sweep, first_overflow, folder, results

OPTIONS = {"low": "from", "high": "to", "points": "points", "seeds": "seeds"}


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
    add("--from", dest="low", help="its lowest value (default: 0, or -2 of a bias)")
    add("--to", dest="high", help="its highest value (default: 4, or 6 of a bias)")
    add("--points", default=41, help="values (default: 41)")
    add("--seeds", default=8, help="seeds to average over (default: 8)")
    add("--jobs", type=int, help="processes on this machine; -1 is one a core (default)")
    add("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler, such as tcp://host:8786")
    add("--no-cache", action="store_true", help="keep nothing on disk, and take nothing from there")
    outputs.add(add, "the map")
    sweep.set_defaults(name="sweep", command=lambda chosen: run_sweep(chosen, read, run))


def run_sweep(chosen, read, run) -> None:
    out, sweep = outputs.output(chosen), _sweep(chosen)
    if chosen.jobs is not None and chosen.dask is not None:
        raise ValueError("--jobs is for this machine, --dask for a cluster: give one of them")
    jobs = -1 if chosen.jobs is None else chosen.jobs
    if not (jobs == -1 or 1 <= jobs <= 1024):
        raise ValueError(f"--jobs must be -1 or from 1 to 1024, but is {jobs}")
    e = read(chosen)
    _all_counts(e, sweep.axis)
    runs, mean, progress = sweep.runs(e), Mean(sweep, e.T), run()
    for done, (number, found) in enumerate(results(runs, _kept(chosen), jobs=jobs, dask=chosen.dask), start=1):
        mean.add(number, found)
        progress(done / len(runs))
    print(f"{e.cell}, T={e.T}, D={e.D}, H={e.H}, {e.input}, {len(runs)} runs over {sweep.axis}")
    if found := first_overflow(sweep, e, mean):
        value, seed, step = found
        first = f"the first with {sweep.axis} {value:g} and seed {seed} at step {step}"
        helps = "a smaller gain, tanh or a shorter sequence helps"
        print(f"{len(mean.overflown)} of them overflow, {first}, and leave nan in the map; {helps}")
    if out is not None:
        place = outputs.write(out, {"values": sweep.values, "lags": mean.lags, "log10_survival": mean.map})
        print(f"{mean.map.shape[0]} x {mean.map.shape[1]} numbers written to {place}")
        return
    columns = np.unique(np.linspace(0, len(mean.lags) - 1, 7).round().astype(int))
    print(f"log10 of the gradient's norm that is left, averaged over {sweep.seeds} seeds, by steps back")
    print("".join([f"{sweep.axis:>12}", *(f"{mean.lags[k]:>10}" for k in columns)]))
    for value, row in zip(sweep.values, mean.map):
        print("".join([f"{value:>12g}", *(f"{row[k]:>10.2f}" for k in columns)]))


def _sweep(chosen) -> Sweep:
    low, high = (0.0, 4.0) if chosen.over == "gain" else (-2.0, 6.0)
    low, high = low if chosen.low is None else chosen.low, high if chosen.high is None else chosen.high
    try:
        return Sweep(chosen.over, low, high, chosen.points, chosen.seeds)
    except ValueError as error:
        name, colon, what = str(error).partition(": ")
        raise ValueError(f"--{OPTIONS[name]}{colon}{what}" if name in OPTIONS else str(error)) from None


def _all_counts(e: Experiment, axis: str) -> None:
    """Refuse settings that a sweep would pass over."""
    if e.loss not in ("last", str(e.T)):
        raise ValueError(f"a sweep has its loss at the last step, and the experiment at {e.loss}: leave loss out")
    if getattr(e, axis) != getattr(Experiment, axis):
        given = f"{KINDS[axis].key}={KINDS[axis].write(getattr(e, axis))}"
        raise ValueError(
            f"{axis} is what is swept, with --from and --to, and the experiment fixes it: leave {given} out"
        )


def _kept(chosen) -> Kept:
    if chosen.no_cache:
        return Kept(None)
    try:
        kept = Kept(folder())
        with beside(kept.folder / "a run"):
            return kept
    except OSError as error:
        what = f"runs cannot be kept in {folder()}: {error.strerror}"
        raise ValueError(f"{what}: set EXPLORER_CACHE to another folder, or add --no-cache") from None
