"""Every figure of every cell, for tests that look at all of them."""

from functools import cache, partial, wraps
from itertools import product

import numpy as np
import plotly.graph_objects as go

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.figures import difference as _difference
from explorer.figures import gradients as _gradients
from explorer.figures import half_life as _half_life
from explorer.figures import heatmaps as _heatmaps
from explorer.figures import saturation as _saturation
from explorer.figures import unit_lines as _unit_lines
from explorer.measures import norm
from explorer.performing import rivals


def checked(make):
    """The figure function, its dict read by Plotly itself, which refuses what its schema does not know."""
    return wraps(make)(lambda *args, **kwargs: go.Figure(make(*args, **kwargs)))


difference = checked(_difference.difference)
gradients = checked(_gradients.gradients)
half_life = checked(_half_life.half_life)
heatmaps = checked(_heatmaps.heatmaps)
saturation = checked(_saturation.saturation)
unit_lines = checked(_unit_lines.unit_lines)


def key(name, /, **values) -> str:
    """A language in which every text is its own key."""
    return f"[{name}]"


def experiments(**sizes):
    """One Experiment for every cell under every combination of its conventions."""
    for name, cell in CELLS.items():
        for chosen in product(*cell.options.values()):
            yield Experiment(cell=name, **dict(zip(cell.options, chosen, strict=True)), **sizes)


def quantities(trace) -> list[str]:
    """Gates, then states."""
    return list(dict.fromkeys((*trace.cell.gates, *trace.cell.states)))


def bounded(trace) -> list[str]:
    """The gates in [0, 1]."""
    ranges = trace.cell.ranges(trace.options)
    return [q for q in trace.cell.gates if q not in trace.cell.states and ranges[q] == (0, 1)]


def curves(experiment) -> dict[str, np.ndarray]:
    """The gradient norms of all networks, and along C."""
    runs = {name: perform(rival).grads.state for name, rival in rivals(experiment).items()}
    found = {name: norm(state["h"])[:, 0] for name, state in runs.items()}
    return found | {"lstm_c": norm(runs["lstm"]["c"])[:, 0]}


def figures(experiment, words=key):
    """{name: () -> Figure} of one experiment."""
    p = perform(experiment)
    trace = p.trace
    found = {
        "heatmaps": partial(heatmaps, trace, quantities(trace), words),
        "unit_lines": partial(unit_lines, trace, quantities(trace), 1, words),
        "gradients": lambda: gradients(curves(experiment), experiment.steps_with_loss, words),
    }
    if trace.cell.keep:
        found["saturation"] = partial(saturation, trace, bounded(trace), words)
        found["half_life"] = partial(half_life, trace, 1, words)
    return found


def every_figure(**sizes):
    """(name, () -> Figure, built once) over all cells and conventions."""
    for experiment in experiments(**{"T": 12, "H": 4} | sizes):
        options = "-".join(f"{name}={value}" for name, value in experiment.options.items())
        for name, make in figures(experiment).items():
            yield f"{name}-{experiment.cell}-{options}", cache(make)
