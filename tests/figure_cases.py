"""Every figure of every cell, for tests that look at all of them."""

from functools import cache, partial, wraps
from itertools import product

import numpy as np
import plotly.graph_objects as go

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.figures import clipping as _clipping
from explorer.figures import cloud as _cloud
from explorer.figures import difference as _difference
from explorer.figures import factors as _factors
from explorer.figures import gradients as _gradients
from explorer.figures import half_life as _half_life
from explorer.figures import heatmaps as _heatmaps
from explorer.figures import maps as _maps
from explorer.figures import plane as _plane
from explorer.figures import reach as _reach
from explorer.figures import roads as _roads
from explorer.figures import ruler as _ruler
from explorer.figures import saturation as _saturation
from explorer.figures import unit_lines as _unit_lines
from explorer.measures import norm, overflow
from explorer.paths import GATES
from explorer.performing import rivals
from explorer.ui.laboratory import numbers


def checked(make):
    """The figure function, its dict read by Plotly itself, which refuses what its schema does not know."""
    return wraps(make)(lambda *args, **kwargs: go.Figure(make(*args, **kwargs)))


difference = checked(_difference.difference)
gradients = checked(_gradients.gradients)
half_life = checked(_half_life.half_life)
heatmaps = checked(_heatmaps.heatmaps)
saturation = checked(_saturation.saturation)
bracket = checked(_gradients.bracket)
clipping = checked(_clipping.clipping)
cloud = checked(_cloud.cloud)
eigenvalues = checked(_plane.eigenvalues)
factors = checked(_factors.factors)
maps = checked(_maps.maps)
matrix = checked(_reach.matrix)
plane = checked(_plane.plane)
reach = checked(_reach.reach)
roads = checked(_roads.roads)
ruler = checked(_ruler.ruler)
shares = checked(_roads.shares)
spectrum = checked(_reach.spectrum)
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
    """log₁₀ of the gradient norms of all networks, and along C."""
    found = {name: numbers.curve(rival) for name, rival in rivals(experiment).items()}
    return found | {"lstm_c": numbers.curve(rivals(experiment)["lstm"], "c")}


def figures(experiment, words=key):
    """{name: () -> Figure} of one experiment."""
    p = perform(experiment)
    trace = p.trace
    found = {
        "heatmaps": partial(heatmaps, trace, quantities(trace), words),
        "unit_lines": partial(unit_lines, trace, quantities(trace), 1, words),
        "gradients": lambda: gradients(curves(experiment), experiment.steps_with_loss, words),
    }
    here, back = norm(trace["h"])[:, 0], norm(p.grads.state["h"])[:, 0]
    apart = {"h": here, "unit_c" if "c" in trace.cell.states else "unit_h": here / 2}
    found["difference"] = partial(difference, apart, {"now": back, "former": back / 2}, ((2, 5),), words)
    found |= _laboratory(experiment, words)
    if trace.cell.keep:
        found["saturation"] = partial(saturation, trace, bounded(trace), words)
        found["half_life"] = partial(half_life, trace, 1, words)
    return found


def _laboratory(e, words):
    """Those of the laboratory, from what its pages measure."""
    T, t, last = e.T, max(1, e.T // 2), e.steps_with_loss[-1] + 1
    found = {
        "bracket": lambda: bracket(
            _gradients.gradients(curves(e), e.steps_with_loss, words), max(1, last - 2), last, words("lab.bracket")
        ),
        "several": lambda: gradients(
            (c := numbers.compared(e, "units")).curves, e.steps_with_loss, words, spread=c.spread
        ),
        "cloud": lambda: cloud(*numbers.step_spectra(e), T, words),
        "reach": lambda: reach(numbers.pairs(e)[1], numbers.pairs(e)[0], words),
        "matrix": lambda: matrix(numbers.one_pair(e, T, t)[0], words),
        "spectrum": lambda: spectrum(numbers.one_pair(e, T, t)[1], words),
        "maps": lambda: maps(
            {loss: numbers.deep(e.replace(loss=loss)).log10("h")[:, 0] for loss in ("all", "last")},
            {loss: e.replace(loss=loss).steps_with_loss for loss in ("all", "last")},
            words,
        ),
        "clipping": lambda: clipping(
            numbers.GAINS, {"lstm": np.linspace(-3, 9, len(numbers.GAINS))}, 1.0, e.gain, words
        ),
    }
    if e.cell == "rnn":
        found["factors"] = lambda: factors(*numbers.factors(e), words)
    if e.cell == "lstm":
        found["roads"] = lambda: roads(numbers.split(e), T, words)
        found["shares"] = lambda: shares(numbers.split(e), ("direct", "rest"), T, words)
        found["by_gate"] = lambda: shares(numbers.split(e), GATES, T, words)
        found["ruler"] = lambda: ruler(np.geomspace(0.5, 200, e.H), 30.0, "f", last, T, (1, "1"), words)
    if e.H * len(CELLS[e.cell].states) > 1 and not overflow(perform(e).trace):

        def drawn(make):
            p = numbers.portrait(e, t)
            if make is eigenvalues:
                return eigenvalues(p.points, words)
            return plane(p.plane, p.limit, p.states, t, p.flow, p.points, words)

        found |= {"plane": lambda: drawn(plane), "eigenvalues": lambda: drawn(eigenvalues)}
    return found


def every_figure(**sizes):
    """(name, () -> Figure, built once) over all cells and conventions."""
    for experiment in experiments(**{"T": 12, "H": 4} | sizes):
        options = "-".join(f"{name}={value}" for name, value in experiment.options.items())
        for name, make in figures(experiment).items():
            yield f"{name}-{experiment.cell}-{options}", cache(make)
