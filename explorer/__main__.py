"""The command line: `python -m explorer trace`; `sweep` is in `explorer.sweep_command`, `train` in
`explorer.training.command`.

    python -m explorer trace                                        the experiment of the first page
    python -m explorer trace "cell=gru&T=200&loss=all"              an experiment, by what its address says
    python -m explorer trace --json experiment.json                 or by its JSON file
    python -m explorer trace cell=rnn --out run.npz                 every number of every step
    python -m explorer trace cell=gru --length 1000000 --input needle   the page of long sequences
    python -m explorer trace --cell lstm --length 1000000 --H 32 --method parallel --input series.csv --out run.npz

With --length, --H and so on it takes sizes beyond the explorer's sliders: a network as drawn by `init_params` reads
normal random numbers or another input, and only norms are kept unless --out or --window asks for more.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qsl

import numpy as np

from explorer import input_command, parallel_time, sweep_command, unroll
from explorer.cells import CELLS
from explorer.experiment import KINDS, Experiment
from explorer.initialise import SCHEMES, init_params
from explorer.input_command import source
from explorer.long_run import Long, streamed
from explorer.long_series import series
from explorer.measures import norm
from explorer.performing import direct_gradient, perform
from explorer.stream import METHODS, Stream, stream
from explorer.training import command

MOST = {"T": 10**8, "B": 1024, "D": 4096, "H": 4096, "layers": 16, "chunk": 10**6}
FULL = 2**31  # bytes up to which --out is given everything, not norms alone
MEMORY = 2**34  # bytes
WORK = 10**15  # multiplications
LONGEST_JSON = 2**20


def whole(name: str):
    """A reader of whole numbers from 1 to the most that is allowed."""

    def read(text: str) -> int:
        try:
            number = int(text.replace("_", ""))
        except ValueError:
            number = 0
        if not 1 <= number <= MOST[name]:
            raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {MOST[name]:,}, but got {text!r}")
        return number

    return read


def seed_number(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, but got {text!r}")
    return int(text)


def steps(text: str) -> tuple[int, int]:
    """ "first-last", counted from 1, as array indices (start, stop)."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"expected steps such as 1-100, but got {text!r}")
    return int(first) - 1, int(last)


class Parser(argparse.ArgumentParser):
    """Answers wrong input in one sentence, without the usage."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="python -m explorer", description="Gate dynamics of recurrent networks.", allow_abbrev=False)
    commands = top.add_subparsers(required=True, metavar="command", parser_class=Parser)
    trace = commands.add_parser(
        "trace",
        help="run a network forward and backward",
        description="Run a network forward and backward; print norms, or write every number to a file.",
        allow_abbrev=False,
    )
    add = trace.add_argument
    add("experiment", nargs="?", help="what the explorer's address says, such as 'cell=gru&T=200&loss=all'")
    add("--json", type=Path, metavar="FILE", help="the experiment as a JSON file")
    add("--method", choices=METHODS, default="engine", help="how to run it (default: engine)")
    add("--device", help="cpu, or a GPU by PyTorch's name, for --method torch (default: cpu)")
    add("--out", type=Path, metavar="FILE.npz", help="write the numbers instead of printing norms")
    input_command.add(trace.add_argument_group("what runs through the network, with --length"))
    sizes = trace.add_argument_group("sizes of your own, instead of an experiment").add_argument
    sizes("--length", "--T", dest="T", type=whole("T"), metavar="T", help="steps; needed for sizes of your own")
    sizes("--cell", choices=tuple(CELLS))
    sizes("--activation", choices=CELLS["rnn"].options["activation"], help="of an RNN")
    for name, what in (("B", "sequences"), ("D", "inputs a step"), ("H", "units"), ("layers", "stacked layers")):
        sizes(f"--{name}", type=whole(name), help=what)
    sizes("--init", choices=SCHEMES, help="how the weights are drawn")
    sizes("--forget-bias", type=float, help="added to the bias of the gate that keeps")
    sizes("--gain", type=float, help="multiplies weight_hh")
    sizes("--seed", type=seed_number)
    sizes("--dtype", choices=("float32", "float64"))
    sizes("--loss", choices=("last", "all"), help="the steps whose h counts, as L = Σ h / √H")
    sizes("--chunk", type=whole("chunk"), help="steps held in memory at a time")
    sizes("--window", type=steps, metavar="FIRST-LAST", help="steps, counted from 1, to write in full with --out")
    trace.set_defaults(command=run_trace, name="trace")
    sweep_command.add(commands, Progress, read_experiment)
    command.add(commands)
    return top


OWN = {"cell": "lstm", "activation": None, "B": 1, "D": None, "input": None, "H": 32, "layers": 1, "init": "pytorch"}
OWN |= {"forget_bias": 0.0, "gain": 1.0, "seed": 1, "dtype": "float64", "loss": "last", "chunk": 4096, "window": None}


def main(arguments=None) -> int:
    for out in (sys.stdout, sys.stderr):
        out.reconfigure(encoding="utf-8")  # Windows writes to a file or a pipe in a code page that has no ∂
    top = parser()
    chosen = top.parse_args(arguments)
    try:
        chosen.command(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, RuntimeError, MemoryError, ModuleNotFoundError) as error:
        top.exit(2, f"{top.prog} {chosen.name}: {' '.join(str(error).split()) or type(error).__name__}\n")
    return 0


def run_trace(chosen):
    if chosen.device is not None and chosen.method != "torch":
        raise ValueError("--device goes with --method torch")
    if chosen.out is not None and chosen.out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, but is {chosen.out}")
    own = [name for name in OWN if getattr(chosen, name) is not None]
    if chosen.T is None:
        if own:
            raise ValueError(f"--{own[0].replace('_', '-')} is a size of your own and needs --length")
        if given := input_command.of_table(chosen):
            raise input_command.unused(given)
        run_experiment(chosen)
    elif chosen.experiment is not None or chosen.json is not None:
        if wrong := [name for name in own if name != "input"]:
            raise ValueError(f"give an experiment or sizes of your own, not both: --{wrong[0].replace('_', '-')}")
        run_long(chosen)
    else:
        for name, usual in OWN.items():
            if getattr(chosen, name) is None:
                setattr(chosen, name, usual)
        run_sizes(chosen)


# an experiment


def run_experiment(chosen):
    experiment = read_experiment(chosen)
    performance = perform(experiment)
    trace, grads = performance.trace, performance.grads
    if chosen.method != "engine":
        stack = [dict(layer.params) for layer in trace.layers]
        given = (experiment.cell, stack, trace.layers[0].x)
        dh = direct_gradient(experiment)
        trace, grads = everything(chosen, given, experiment.options, dh)
    print(f"{experiment.cell}, T={experiment.T}, D={experiment.D}, H={experiment.H}, loss {experiment.loss}")
    if chosen.out is not None:
        write(chosen.out, arrays(trace, grads))
        return
    named = dict(grads.state) | {f"a_{gate}": rows for gate, rows in grads.pre.items()}
    with np.errstate(divide="ignore"):
        show({f"∂{name}": np.log10(norm(rows)) for name, rows in named.items()})


def read_experiment(chosen) -> Experiment:
    if chosen.json is not None:
        if chosen.experiment is not None:
            raise ValueError("give the experiment as an address or as a file, not both")
        if chosen.json.stat().st_size > LONGEST_JSON:
            raise ValueError(f"{chosen.json} is larger than {LONGEST_JSON} bytes: it cannot be an experiment")
        experiment, fallbacks = Experiment.from_json(chosen.json.read_text(encoding="utf-8"))
    else:
        address, _, text = (chosen.experiment or "").rpartition("?")
        query, keys = dict(parse_qsl(text, keep_blank_values=True)), {kind.key for kind in KINDS.values()}
        if not address and (strange := [key for key in query if key not in keys]):  # a page's address has more in it
            raise ValueError(f"an experiment reads like cell=gru&T=200&loss=all, and has no setting {strange[0]!r}")
        experiment, fallbacks = Experiment.from_query(query)
    if fallbacks:
        refused = fallbacks[0]
        raise ValueError(f"{refused.name} cannot be {refused.given!r}: the explorer would take {refused.used or '-'}")
    return experiment


def everything(chosen, given, options, dh):
    """Trace and Gradients by the method chosen; a Certificate is printed."""
    if chosen.method == "parallel":
        trace, forward = parallel_time.run(*given, **options)
        grads, backward = parallel_time.backprop(trace, dh)
        for way, certificates in (("forward", forward), ("backward", backward)):
            for layer, certificate in enumerate(certificates, start=1):
                print(f"layer {layer} {way}: {certificate}")
        return trace, grads
    if chosen.method == "engine":
        trace = unroll.run(*given, **options)
        return trace, unroll.backprop(trace, dh)
    from explorer import torch_path  # PyTorch is loaded when it is asked for

    trace = torch_path.run(*given, device=chosen.device or "cpu", **options)
    return trace, torch_path.backprop(trace, dh)


# sizes of one's own


def run_long(chosen):
    """An experiment over a length of its own, as on the page of long sequences."""
    e, T = read_experiment(chosen), chosen.T
    long = Long(length=min(max(T, 1000), 10**6), method="numpy" if chosen.method == "engine" else "auto")
    if long.length != T:
        raise ValueError(f"an experiment may have a length from 1,000 to 1,000,000, but got {T:,}")
    name, own = source(chosen)
    how = {"method": chosen.method, "device": chosen.device or "cpu"}
    made = streamed(e, replace(long, series=name), own, progress=Progress(), **how)
    D = 1 if own is None else own.shape[1]
    print(f"{e.cell}, T={T}, D={D}, H={e.H}, loss {e.loss}, {name}, {chosen.method}")
    answer(chosen, made)


def answer(chosen, made: Stream):
    for direction, way in zip(("forward", "backward"), made.ways):
        if way.together:
            print(f"{direction}: {way.together / way.steps:.0%} in parallel time, seam {way.seam:.1e}")
    if chosen.out is None:
        show({f"∂{name}": rows for name, rows in made.log10.items()})
    else:
        write(chosen.out, norms_of(made))


class Progress:
    """How far a run is, on the error output: a bar on a screen, a line every tenth in a log; nothing if it is short."""

    def __init__(self):
        self.began, self.next = monotonic(), 0.1

    def __call__(self, share: float):
        took = monotonic() - self.began
        if took < 2 or (share < self.next and not sys.stderr.isatty()):
            return
        self.next = share + 0.1
        left = took * (1 - share) / share
        line = f"{share:4.0%}  {took:.0f} s, about {left:.0f} s left"
        if sys.stderr.isatty():
            bar = "█" * round(40 * share)
            print(f"\r{bar:40} {line}   ", end="\n" if share == 1 else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def run_sizes(chosen):
    T, B, H = chosen.T, chosen.B, chosen.H
    name, own = source(chosen)
    D = chosen.D or (16 if name in ("noise", "needle") else 1 if own is None else own.shape[1])
    options = {} if chosen.activation is None else {"activation": chosen.activation}
    if chosen.loss == "last" and chosen.window is None and chosen.out is not None and T * B * H * 160 <= FULL:
        chosen.window = (0, T)
    bytes_kept = 16 * B * T * (2 + len(CELLS[chosen.cell].gates)) * chosen.layers
    bytes_kept += 8 * B * (chosen.H * 20 + D) * chosen.layers * (min(chosen.chunk, T) + span(chosen.window))
    bytes_kept += 64 * chosen.layers * 4 * H * (H + max(D, H))
    if bytes_kept > MEMORY:
        raise ValueError(f"this needs {bytes_kept / 2**30:.0f} GiB, more than the {MEMORY // 2**30} GiB allowed")
    work = T * B * chosen.layers * 24 * H * (H + max(D, H))
    if work > WORK:
        raise ValueError(f"this needs {work:.0e} multiplications, more than the {WORK:.0e} allowed")
    params = init_params(
        *(chosen.cell, D, H),
        seed=chosen.seed,
        scheme=chosen.init,
        forget_bias=chosen.forget_bias,
        gain=chosen.gain,
        layers=chosen.layers,
        dtype=chosen.dtype,
        **options,
    )

    def dh(start, stop):
        if chosen.loss == "last" and stop < T:
            return None
        rows = np.zeros((stop - start, B, H), chosen.dtype)
        rows[slice(None) if chosen.loss == "all" else -1] = H**-0.5
        return rows

    made = stream(
        *(chosen.cell, params, series(name, T, seed=chosen.seed, B=B, D=D, own=own), dh),
        **{"T": T, "chunk": chosen.chunk, "window": chosen.window},
        **{"method": chosen.method, "device": chosen.device or "cpu", "progress": Progress()},
        **options,
    )
    print(f"{chosen.cell}, T={T}, B={B}, D={D}, H={H}, loss {chosen.loss}, {name}, {chosen.dtype}, {chosen.method}")
    answer(chosen, made)


def span(window) -> int:
    return window[1] - window[0] if window else 0


# results


def show(log10: dict[str, np.ndarray], lines: int = 20):
    """A table of log10 norms (T, B) of the first sequence, at steps from the first to the last."""
    T = len(next(iter(log10.values())))
    chosen = np.unique(np.linspace(0, T - 1, min(lines, T)).round().astype(int))
    print(f"log10 of the norm of the gradient, at {len(chosen)} of {T} steps")
    print("".join([f"{'t':>10}", *(f"{name:>12}" for name in log10)]))
    for t in chosen:
        print("".join([f"{t + 1:>10}", *(f"{rows[t, 0]:>12.3f}" for rows in log10.values())]))


def arrays(trace, grads) -> dict[str, np.ndarray]:
    """Every number of every layer, by name: "h" and "dh", with "layer2." before those of a second layer."""
    named = {}
    for number, (layer, back) in enumerate(zip(trace.layers, grads.layers), start=1):
        before = f"layer{number}." if len(trace.layers) > 1 else ""
        named |= {before + name: rows for name, rows in (*layer.values.items(), ("x", layer.x))}
        named |= {before + name: rows for name, rows in layer.params.items()}
        named |= {f"{before}d{name}": rows for name, rows in (*back.state.items(), *back.params.items(), ("x", back.x))}
        named |= {f"{before}da_{name}": rows for name, rows in back.pre.items()}
        named |= {f"{before}d{name}_0": rows for name, rows in back.initial.items()}
    return named


def norms_of(made: Stream) -> dict[str, np.ndarray]:
    """Log norms, levels and gradients of the weights of every layer, and the arrays of the window."""
    named = {}
    for number, layer in enumerate(made.layers, start=1):
        before = f"layer{number}." if len(made.layers) > 1 else ""
        named |= {f"{before}log10_d{name}": rows for name, rows in layer.log10.items()}
        named |= {f"{before}level_{name}": rows for name, rows in layer.levels.items()}
        named |= {f"{before}log10_d{name}_0": rows for name, rows in layer.initial.items()}
        named |= {f"{before}d{name}": rows for name, rows in layer.params.items()}
    if made.window is not None:
        window = made.window
        named |= {f"window.{name}": rows for name, rows in arrays(window.trace, window.grads).items()}
        named |= {"window.first_step": np.array(window.steps.start + 1), "window.exponent": np.array(window.exponent)}
    return named


def write(path: Path, named: dict[str, np.ndarray]):
    np.savez(path, **named)
    print(f"{len(named)} arrays written to {path}")


if __name__ == "__main__":
    sys.exit(main())
