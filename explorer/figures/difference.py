"""What an operation does through time: how far the run moves from the original, and both gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme

NEAREST, FURTHEST = -16, 2  # powers of ten on the axis of distances; float64 tells no two numbers nearer apart
FAINTEST, LOUDEST = -12, 2  # on that of gradients
MIDDLE = 0.5


def difference(
    distances: Mapping[str, np.ndarray],
    gradients: Mapping[str, np.ndarray],
    steps: tuple[tuple[int, int], ...],
    words: Callable[..., str],
) -> dict:
    """Two panels over the steps 1 … T, on log scales of fixed ends.

    distances   {"h": (T,), "unit_c" or "unit_h": (T,)}: ‖h − h′‖, and that of one unit's memory alone
    gradients   {"now": (T,), "former": (T,)}: ‖∂L/∂h‖ of both runs
    steps       the first and the last step of each operation, from 1
    """
    T = len(gradients["now"])
    lines = [_line(name, values, "y", words) for name, values in distances.items()]
    lines += [_line(name, values, "y2", words) for name, values in gradients.items()]
    return theme.figure(
        420,
        lines,
        xaxis=theme.step_axis(T, words) | {"anchor": "y2"},
        yaxis=_axis("axis.difference", NEAREST, FURTHEST, [MIDDLE + 0.04, 1], words),
        yaxis2=_axis("axis.gradient", FAINTEST, LOUDEST, [0, MIDDLE - 0.04], words),
        hovermode="x",
        showlegend=True,
        shapes=[_band(*pair) for pair in steps],
        meta={"cursor": True},
    )


STYLES = {
    "h": theme.line("h"),
    "unit_h": theme.line("h") | {"width": 1.5, "dash": "dot"},
    "unit_c": theme.line("c") | {"width": 2, "dash": "dash"},
    "now": {"color": theme.HUES["gradient"][0], "width": 3, "dash": "solid"},
    "former": {"color": theme.FAINT[0], "width": 2, "dash": "dot"},
}


def _line(name: str, values: np.ndarray, axis: str, words) -> dict:
    return {
        "type": "scatter",
        "x": theme.numbers(range(1, len(values) + 1)),
        "y": np.where(values > 0, values, np.nan).astype(np.float64),  # 0 has no place on a log axis: a gap
        "yaxis": axis,
        "name": words(f"difference.{name}"),
        "mode": "lines",
        "line": STYLES[name],
        "hovertemplate": "%{y:.3g}",
    }


def _axis(title: str, low: int, high: int, domain: list, words) -> dict:
    return {
        "title": {"text": words(title)},
        "type": "log",
        "range": [low, high],
        "dtick": 4,
        "domain": domain,
        "anchor": "x",
    }


def _band(first: int, last: int) -> dict:
    """The steps of an operation."""
    return {
        "type": "rect",
        "yref": "paper",
        "x0": first - 0.5,
        "x1": last + 0.5,
        "y0": 0,
        "y1": 1,
        "fillcolor": theme.BANDS["dead"][0],
        "opacity": 0.6,
        "line": {"width": 0},
        "layer": "below",
    }
