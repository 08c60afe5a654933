"""The states of a network in one plane: where it went, where one step would take it, and where it would stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.figures import theme
from explorer.fixed_points import FixedPoint


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through the space of states.

    origin   (n,), the point that is (0, 0)
    axes     (2, n), of length 1 and at right angles
    names    of the two axes: "h_1", "h_2", "c", or "pc_1", "pc_2"
    whole    whether it holds all states, so that the flow in it is the flow; else it is a slice
    seen     the share of the run's variance that lies in the plane
    """

    origin: np.ndarray
    axes: np.ndarray
    names: tuple[str, str]
    whole: bool
    seen: float

    def shadow(self, states: np.ndarray) -> np.ndarray:
        """Where states (…, n) stand in the plane, (…, 2)."""
        return (states - self.origin) @ self.axes.T

    def points(self, coordinates: np.ndarray, through: np.ndarray) -> np.ndarray:
        """The states (…, n) at coordinates (…, 2) of the parallel plane through a state."""
        return through + (coordinates - self.shadow(through)) @ self.axes


ARROWS = 17  # of the flow field, on a side
LISTED = 12  # fixed points with a number beside them


def grid(limit: float) -> np.ndarray:
    """The coordinates of the flow field, (n, 2)."""
    at = np.linspace(-limit, limit, ARROWS)
    return np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)


def plane(
    view: Plane,
    limit: float,
    states: np.ndarray,
    t: int,
    flow: np.ndarray,
    points: Sequence[FixedPoint],
    words: Callable[..., str],
    *,
    height: int = 560,
) -> dict:
    """The run (T, n) with step t marked, the flow (n, 2) at `grid(limit)`, and the fixed points."""
    path, at = view.shadow(states), grid(limit)
    x, y = (words(f"plane.{name}") for name in view.names)
    marks = [
        {
            **_dots(path),
            "name": words("plane.path"),
            "mode": "lines+markers",
            "line": {"color": theme.HUES["h"][0], "width": 2},
            "marker": {"size": 4, "color": theme.HUES["h"][0]},
            "text": [f"t = {step}" for step in range(1, len(path) + 1)],
            "hovertemplate": "%{text}",
            "meta": {"steps": True},
        },
        {
            **_dots(path[t - 1 : t]),
            "name": f"t = {t}",
            "mode": "markers",
            "marker": {"size": 14, "color": theme.PAPER[0], "line": {"color": theme.INK[0], "width": 3}},
            "hovertemplate": f"t = {t}",
        },
    ]
    for attracts, symbol in ((True, "circle"), (False, "x")):
        some = [number for number, point in enumerate(points, start=1) if point.attracts == attracts]
        if some:
            marks.append(
                {
                    **_dots(view.shadow(np.array([points[number - 1].state for number in some]))),
                    "name": words("plane.attractor" if attracts else "plane.other"),
                    "mode": "markers+text",
                    "marker": {"symbol": symbol, "size": 13, "color": theme.HUES["f" if attracts else "r"][0]},
                    "text": [str(number) if number <= LISTED else "" for number in some],
                    "textposition": "top right",
                    "customdata": theme.numbers([abs(points[number - 1].eigenvalues[0]) for number in some]),
                    "hovertemplate": "%{text} |λ₁| = %{customdata:.3g}",
                }
            )
    axis = {"range": [-1.05 * limit, 1.05 * limit], "constrain": "domain"}
    return theme.figure(
        height,
        [*_arrows(at, flow, limit, words), *marks],
        xaxis={**axis, "title": {"text": x}},
        yaxis={**axis, "title": {"text": y}, "scaleanchor": "x"},
        hovermode="closest",
        showlegend=True,
        margin={**theme.MARGIN, "l": 56, "r": 16},
        meta={"cursor": False},
    )


def _dots(at: np.ndarray) -> dict:
    return {"type": "scatter", "x": theme.numbers(at[:, 0]), "y": theme.numbers(at[:, 1])}


def _arrows(at: np.ndarray, flow: np.ndarray, limit: float, words) -> list[dict]:
    """A stroke and a head where each state of the grid would go, no longer than its cell."""
    length = np.linalg.norm(flow, axis=1, keepdims=True)
    longest = 1.6 * limit / (ARROWS - 1)
    tips = at + flow * np.minimum(1, longest / np.maximum(length, 1e-300))
    strokes = np.stack([at, tips, np.full_like(at, np.nan)], axis=1).reshape(-1, 2)
    angles = np.degrees(np.arctan2(flow[:, 0], flow[:, 1]))
    colour = theme.FAINT[0]
    return [
        {
            **_dots(strokes),
            "name": words("plane.flow"),
            "mode": "lines",
            "line": {"color": colour, "width": 1},
            "hoverinfo": "skip",
        },
        {
            **_dots(tips),
            "name": words("plane.flow"),
            "mode": "markers",
            "marker": {"symbol": "triangle-up", "size": 6, "angle": theme.numbers(angles), "color": colour},
            "hoverinfo": "skip",
            "showlegend": False,
        },
    ]


SHAPES = ("circle", "diamond", "square", "triangle-up", "star", "cross")
HUES = ("f", "o", "i", "g", "c", "r")


def eigenvalues(points: Sequence[FixedPoint], words: Callable[..., str], *, height: int = 560) -> dict:
    """The eigenvalues of the step at each fixed point, in the complex plane, with the circle |λ| = 1."""
    limit = max(1.2, 1.1 * theme.bounds(np.array([abs(point.eigenvalues[0]) for point in points] or [0.0])))
    dots = [
        {
            "type": "scatter",
            "x": theme.numbers(point.eigenvalues.real),
            "y": theme.numbers(point.eigenvalues.imag),
            "name": words("plane.point", number=n + 1),
            "mode": "markers",
            "marker": {"symbol": SHAPES[n % len(SHAPES)], "size": 9, "color": theme.HUES[HUES[n % len(HUES)]][0]},
            "hovertemplate": "%{x:.3g} + %{y:.3g} i",
        }
        for n, point in enumerate(points)
    ]
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = {
        "type": "scatter",
        "x": theme.numbers(np.cos(turn)),
        "y": theme.numbers(np.sin(turn)),
        "name": "|λ| = 1",
        "mode": "lines",
        "line": {"color": theme.INK[0], "width": 1.5},
        "hoverinfo": "skip",
    }
    axis = {"range": [-limit, limit], "constrain": "domain"}
    return theme.figure(
        height,
        [circle, *dots],
        xaxis={**axis, "title": {"text": words("axis.real")}},
        yaxis={**axis, "title": {"text": words("axis.imaginary")}, "scaleanchor": "x"},
        hovermode="closest",
        showlegend=True,
        margin={**theme.MARGIN, "l": 56, "r": 16},
        meta={"cursor": False},
    )
