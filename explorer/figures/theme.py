"""One colour a quantity, one template for every figure, and the same in the dark."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from explorer.numerals import ten_to

FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans CJK KR', 'Noto Sans KR', 'Malgun Gothic', sans-serif"

# What is not data: (light, dark).
PAPER = ("#fefefe", "#0e1117")
INK = ("#31333e", "#fafafa")
FAINT = ("#595d6a", "#a6abb8")
GRID = ("#e3e5ea", "#2b303b")
ZERO = ("#c3c6cf", "#474d5b")
BANDS = {
    "exploding": ("#dcdee4", "#343a47"),
    "alive": ("#fdfdfd", "#0f1218"),
    "shrinking": ("#f1f2f5", "#191d26"),
    "dead": ("#e6e8ed", "#242934"),
}

# A quantity's hue, and the step of it that text may take: (light, dark). Okabe & Ito 2008, lightened in the dark.
HUES = {
    "f": ("#D55E00", "#F2864A"),
    "i": ("#009E73", "#2FC197"),
    "g": ("#CC79A7", "#E3A0C5"),
    "o": ("#0072B2", "#58A9E0"),
    "r": ("#882255", "#D97BA6"),
    "c": ("#E69F00", "#F0B840"),
    "h": ("#56B4E9", "#86CCF4"),
    "x": ("#6B7280", "#9CA3AF"),
    "gradient": ("#6D28D9", "#C4B5FD"),
}
TEXT = {
    "f": ("#A84A00", "#F2864B"),
    "i": ("#00734F", "#2FC198"),
    "g": ("#9A3F76", "#E3A0C6"),
    "o": ("#005C92", "#58A9E1"),
    "r": ("#7D1F4E", "#D97BA7"),
    "c": ("#855C00", "#F0B841"),
    "h": ("#166A9B", "#86CCF5"),
    "x": ("#4B5563", "#9CA3B0"),
    "gradient": ("#5B21B6", "#C4B5FE"),
}
ROLE = {"z": "f", "n": "g"}  # the GRU's gates play the parts of the LSTM's
DASHES = {"f": "solid", "i": "dash", "g": "dot", "o": "dashdot", "r": "longdash"}
WIDTHS = {"c": 3.5, "h": 3, "x": 1}

# Networks beside one another: grey without gates, violet with, each with a dash of its own.
NETWORKS = {
    "rnn_tanh": (("#3f4450", "#d5d8df"), "solid", 2),
    "rnn_relu": (("#767b87", "#a3a8b4"), "dash", 2),
    "rnn_sigmoid": (("#9a9eaa", "#7d828e"), "dot", 2),
    "gru": (("#A06BE8", "#8F6BE8"), "dashdot", 3),
    "lstm": (("#6D28D8", "#C4B5FC"), "solid", 3.5),
    "lstm_shut": (("#8468B8", "#9C86D9"), "dot", 3),
    "lstm_chrono": (("#4C1296", "#DDD0FF"), "dash", 3),
    "lstm_c": (("#E69F00", "#F0B840"), "longdash", 2),
}


# One network under several remedies: the usual start, other weights, other biases, a shorter way back.
REMEDIES = {
    "usual": (("#3f4452", "#d5d8e1"), "solid", 2),
    "orthogonal": (("#0072B1", "#58A9E2"), "dash", 2.5),
    "identity": (("#009E72", "#2FC196"), "dashdot", 2.5),
    "shut": (("#767b89", "#a3a8b6"), "solid", 1.5),
    "bias_1": (("#D55E01", "#F2864C"), "dash", 3),
    "bias_3": (("#6D28DA", "#C4B5FB"), "solid", 3.5),
    "chrono": (("#E69F01", "#F0B842"), "longdash", 3),
    "whole": (("#767b8a", "#a3a8b7"), "dot", 2),
    "cut": (("#6D28D7", "#C4B5FA"), "solid", 3.5),
}


def role(quantity: str) -> str:
    """The part that a quantity plays, by which it is coloured."""
    return ROLE.get(quantity, quantity)


def hue(quantity: str) -> str:
    """The colour of a quantity's line."""
    return HUES[role(quantity)][0]


def line(quantity: str) -> dict:
    """The line style of a quantity: colour, dash, width."""
    part = role(quantity)
    return {"color": HUES[part][0], "dash": DASHES.get(part, "solid"), "width": WIDTHS.get(part, 2)}


def text_colour(quantity: str) -> str | None:
    """The colour of a quantity's symbol in words and equations, None for what has none."""
    pair = TEXT.get(role(quantity))
    return pair[0] if pair else None


def _oklab(colour: str) -> tuple[float, float, float]:
    """sRGB hex to OKLab (Ottosson 2020)."""
    r, g, b = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (r, g, b))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _hex(lightness: float, a: float, b: float) -> str:
    """OKLab to sRGB hex, clipped to what a screen can show."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    linear = (min(1.0, max(0.0, v)) for v in linear)
    srgb = (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in linear)
    return "#" + "".join(f"{round(255 * v):02x}" for v in srgb)


END_LIGHTNESS = (0.47, 0.84)  # of every ramp, light and dark, so that "open" looks equally open in all gates


@cache
def ramp(colour: str, dark: bool = False, stops: int = 9) -> list[str]:
    """From the page's background to the hue of `colour`, lightness in equal steps."""
    start = _oklab(PAPER[dark])
    _, a, b = _oklab(colour)
    chroma = 0.13 / math.hypot(a, b)
    end = (END_LIGHTNESS[dark], a * chroma, b * chroma)
    mix = [k / (stops - 1) for k in range(stops)]
    return [_hex(*[s + (e - s) * m for s, e in zip(start, end)]) for m in mix]


NEGATIVE, POSITIVE = "#2166ac", "#b35806"


@cache
def diverging(dark: bool = False) -> list[str]:
    """The one ramp for everything signed, the page's background at 0."""
    return ramp(NEGATIVE, dark)[:0:-1] + ramp(POSITIVE, dark)


def scale(colours: list[str]) -> list[list]:
    """A Plotly colour scale of evenly spaced colours."""
    return [[k / (len(colours) - 1), colour] for k, colour in enumerate(colours)]


def gate_scale(quantity: str) -> list[list]:
    """The colour scale of a gate, 0 shut to 1 open."""
    return scale(ramp(hue(quantity)))


def signed_scale() -> list[list]:
    """The colour scale of a signed value, centred on 0."""
    return scale(diverging())


def gradient_scale() -> list[list]:
    """The one colour scale of logarithms of gradients, from a marked floor upwards."""
    return scale(ramp(hue("gradient")))


def _pairs():
    yield from (PAPER, INK, FAINT, GRID, ZERO, *BANDS.values(), *HUES.values(), *TEXT.values())
    yield from (pair for pair, _, _ in (*NETWORKS.values(), *REMEDIES.values()))
    for quantity in HUES:
        yield from zip(ramp(hue(quantity)), ramp(hue(quantity), dark=True))
    yield from zip(diverging(), diverging(dark=True))


IN_THE_DARK: dict[str, str] = {light.lower(): dark.lower() for light, dark in _pairs()}


def symmetric_limit(values) -> float:
    """The smallest of 1, 2, 5, 10, 20, … that holds all finite values: the printed limits of an unbounded quantity.

    It ends where the width of an axis from −limit to limit would no longer be a float.
    """
    values = np.abs(values)
    largest = min(float(values.max(initial=0, where=np.isfinite(values))), 5e307)
    power = 10.0 ** max(0, math.floor(math.log10(max(largest, 1))))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest or step == 10))


def floor(*logs) -> int:
    """The power of ten at which an axis ends below, the highest of −5, −10, −20, … that holds all finite logs."""
    lowest = min((np.min(log, initial=0, where=np.isfinite(log)) for log in logs), default=0)
    return next(power for power in FLOORS if power <= lowest or power == FLOORS[-1])


FLOORS = [-digit * 10**n for n in range(5) for digit in (1, 2, 3, 5)][3:]


def powers(low: int, high: int, title: str = "") -> dict:
    """An axis of logarithms that reads as powers of ten: floats end at 10⁻³²⁴, gradients do not."""
    step = next(s for n in range(5) for s in (10**n, 2 * 10**n, 5 * 10**n) if (high - low) / s <= 6)
    at = list(range(-(-low // step) * step, high + 1, step))
    return {"title": {"text": title}, "range": [low, high], "tickvals": at, "ticktext": [ten_to(p) for p in at]}


def bounds(coordinates) -> float:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, … that holds all finite coordinates of a plane."""
    largest = float(np.abs(coordinates).max(initial=0, where=np.isfinite(coordinates)))
    return next(d * 10.0**n for n in range(-1, 12) for d in (1, 2, 5) if d * 10.0**n >= largest)


def backwards(T: int, last: int, words) -> dict:
    """The time axis with a second row of labels: how far each step lies before the loss at step `last`."""
    step = next(s for n in range(4) for s in (10**n, 2 * 10**n, 5 * 10**n) if T / s <= 8)
    at = sorted({*range(last, 0, -step), *range(last, T + 1, step)})
    return step_axis(T, words) | {
        "title": {"text": words("axis.step_and_distance")},
        "tickvals": at,
        "ticktext": [f"{t}<br>{last - t if t <= last else ''}" for t in at],
    }


def upright(at: float, pair: tuple[str, str], **line) -> dict:
    """A vertical line through all panels."""
    style = {"color": pair[0], "width": 1, "dash": "dot"} | line
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": style}


def level(at: float, pair: tuple[str, str], yref: str = "y", **line) -> dict:
    """A horizontal line across a panel."""
    style = {"color": pair[0], "width": 1, "dash": "dash"} | line
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": yref, "y0": at, "y1": at, "line": style}


def steps_line(y, name: str, style: dict, hover: str, **more) -> dict:
    """A line over the steps 1 … T."""
    return {
        "type": "scatter",
        "x": numbers(range(1, len(y) + 1)),
        "y": numbers(y),
        "name": name,
        "mode": "lines",
        "line": style,
        "hovertemplate": hover,
        **more,
    }


def area(there: np.ndarray, back: np.ndarray, colour: str, opacity: float) -> dict:
    """A pale band over the steps 1 … T, there along one line and back on the other; a gap where one is no number."""
    known = np.flatnonzero(np.isfinite(there) & np.isfinite(back))
    x, y = [], []
    for steps in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        x += [steps + 1.0, steps[::-1] + 1.0, [np.nan]]  # once round each part that hangs together
        y += [there[steps], back[steps[::-1]], [np.nan]]
    return {
        "type": "scatter",
        "x": numbers(np.concatenate(x)[:-1]),
        "y": numbers(np.concatenate(y)[:-1]),
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": colour,
        "opacity": opacity,
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"drawing": True},
    }


POWER = "10<sup>%{y:.3f}</sup>"  # what the mouse says of a logarithm

MARGIN = {"l": 72, "r": 76, "t": 8, "b": 44}  # the same left and right everywhere: one step is one vertical line


@cache
def template() -> dict:
    """The look of every figure."""
    axis = {
        "gridcolor": GRID[0],
        "zerolinecolor": ZERO[0],
        "linecolor": ZERO[0],
        "ticks": "outside",
        "tickcolor": ZERO[0],
        "ticklen": 4,
        "automargin": False,
        "title": {"standoff": 8, "font": {"size": 14}},
        "tickfont": {"size": 12},
        "exponentformat": "power",
        "minexponent": 4,
    }
    hover = {"bgcolor": PAPER[0], "bordercolor": ZERO[0], "font": {"color": INK[0], "family": FONT}}
    return {
        "layout": {
            "font": {"family": FONT, "size": 14, "color": INK[0]},
            "paper_bgcolor": PAPER[0],
            "plot_bgcolor": PAPER[0],
            "colorway": [light for light, _ in HUES.values()],
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": hover,
            "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "xanchor": "left"},
            "margin": MARGIN,
            "separators": ".",
            "hoverdistance": 40,
        }
    }


def figure(height: int, data: list[dict], **layout) -> dict:
    """A figure in the house's look, of a fixed height in pixels, as a dict in Plotly's schema.

    A zoom by the reader survives new data (uirevision).
    """
    return {"data": data, "layout": {"template": template(), "height": height, "uirevision": "kept", **layout}}


def said(text: str, x, y, *, colour: str = INK[0], size: int = 13, **place) -> dict:
    """An annotation: text at a place, without an arrow."""
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": {"color": colour, "size": size}, **place}


def step_axis(T: int, words, first: int = 1) -> dict:
    """The time axis of every figure: T steps, of which `first` is the number of the first.

    Between two steps there is no tick: for few of them Plotly would choose halves.
    """
    axis = {"title": {"text": words("axis.step")}, "range": [first - 0.5, first + T - 0.5]}
    return axis | ({"dtick": 1} if T < FEW else {})


FEW = 10  # steps; of more, Plotly's own choice is whole, and a zoom is seen to by chart.js


def numbers(array) -> np.ndarray:
    """Numbers as they travel to the browser: contiguous float32, float64 where float32 would end in infinity or 0."""
    try:
        with np.errstate(over="raise", under="raise"):
            return np.ascontiguousarray(array, np.float32)
    except FloatingPointError:
        return np.ascontiguousarray(array, np.float64)
