"""Lines of a training: over its updates, or over the steps of a sequence after some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from explorer.figures import theme

LOWEST, HIGHEST = -10, 3  # powers of ten of a gradient, always the same
POINTS = 400  # of a line at most
LOSS = (-4, 1.5)  # powers of ten


def over_updates(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    planned: int,
    kind: str,
    words: Callable[..., str],
    *,
    levels: Mapping[str, float] | None = None,
    now: int | None = None,
    height: int = 300,
) -> dict:
    """One line a network or gate, {name: (updates, values)}.

    kind    "score", "gate" (0 to 1), "loss" (above 0), "gradient_log" or "gradient_relative" (log₁₀)
    levels  of what the lines are compared with, {"guess": …, "goal": …}
    now     an update to mark
    """
    levels = levels or {}
    log = kind == "loss"
    end = 10 ** LOSS[1] if log else HIGHEST
    return theme.figure(
        height,
        [_line(name, np.asarray(x), np.asarray(y), words) for name, (x, y) in lines.items()],
        xaxis={"title": {"text": words("axis.update")}, "range": [0, planned]},
        yaxis=_value_axis(kind, words),
        hovermode="x",
        showlegend=True,
        shapes=[*(_level(value) for value in levels.values()), *([] if now is None else [_mark(now)])],
        annotations=[_level_name(name, value, planned, log, words) for name, value in levels.items() if value < end],
        meta={"cursor": False, "column": "update"},
    )


def over_steps(
    lines: Mapping[str, np.ndarray],
    T: int,
    kind: str,
    words: Callable[..., str],
    *,
    births: Mapping[str, np.ndarray] | None = None,
    height: int = 300,
) -> dict:
    """One line (T,) a network or gate, over the steps 1 … T; dotted and thin, the same at birth."""
    drawn = []
    for name, values in (births or {}).items():
        line = _line(name, np.arange(1, len(values) + 1), values, words)
        line["line"] = line["line"] | {"width": 1, "dash": "dot"}
        drawn.append(line | {"name": words("training.at_birth", name=line["name"]), "showlegend": False})
    drawn += [_line(name, np.arange(1, len(values) + 1), values, words) for name, values in lines.items()]
    return theme.figure(
        height,
        drawn,
        xaxis=theme.step_axis(T, words),
        yaxis=_value_axis(kind, words),
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )


def _value_axis(kind: str, words) -> dict:
    title = {"title": {"text": words(f"axis.{kind}")}}
    match kind:
        case "loss":
            return title | {"type": "log", "range": list(LOSS), "dtick": 1}
        case "gradient_log" | "gradient_relative":
            return title | {"range": [LOWEST, HIGHEST], "dtick": 2}
    return title | {"range": [-0.03, 1.05]}


def _line(name: str, x: np.ndarray, y: np.ndarray, words) -> dict:
    """A line of at most POINTS points, each the mean of its neighbours; a network or a gate by its name."""
    if name in theme.NETWORKS:
        (colour, _), dash, width = theme.NETWORKS[name]
        label, style = words(f"network.{name}"), {"color": colour, "dash": dash, "width": width}
    else:
        label, style = words(f"symbol.{name}"), theme.line(name)
    many = -(-len(y) // POINTS) or 1
    return {
        "type": "scatter",
        "x": theme.numbers(_means(x, many)),
        "y": theme.numbers(_means(y, many)),
        "name": label,
        "mode": "lines" if len(y) > 1 else "markers",
        "line": style,
        "marker": {"color": style["color"], "size": 8},
        "hovertemplate": "%{y:.3g}",
    }


def _means(values: np.ndarray, many: int) -> np.ndarray:
    if many == 1:
        return values
    return np.array([np.mean(values[start : start + many]) for start in range(0, len(values), many)])


def _level(value: float) -> dict:
    line = {"color": theme.FAINT[0], "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}


def _mark(update: int) -> dict:
    line = {"color": theme.HUES["gradient"][0], "width": 1, "dash": "dot"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": update, "x1": update, "line": line}


def _level_name(name: str, value: float, planned: int, log: bool, words) -> dict:
    place = {"xanchor": "right", "yanchor": "bottom" if name == "guess" else "top", "xshift": -4}
    at = np.log10(value) if log else value  # an annotation on a log axis is placed by the power
    return theme.said(words(f"training.level_{name}"), planned, float(at), colour=theme.FAINT[0], size=12, **place)


def bars(
    groups: Mapping[str, Mapping[int, float]],
    axis: str,
    words: Callable[..., str],
    *,
    mark: int | None = None,
    marked: str = "",
    height: int = 260,
) -> dict:
    """Shares of right answers beside one another, {"whole": {x: share}, "cut": {x: share}}, at whole numbers x.

    mark   an x after which there is a line, named `marked`
    """
    colours = {"whole": theme.HUES["gradient"][0], "cut": theme.HUES["f"][0]}
    names = [str(x) for x in sorted({x for shares in groups.values() for x in shares})]
    drawn = [
        {
            "type": "bar",
            "x": [str(x) for x in shares],
            "y": theme.numbers(list(shares.values())),
            "name": words(f"training.{name}"),
            "marker": {"color": colours[name], "pattern": {"shape": "/" if name == "cut" else ""}},
            "hovertemplate": "%{y:.0%}",
        }
        for name, shares in groups.items()
    ]
    shapes, notes = [], []
    if mark is not None:
        x = names.index(str(mark)) + 0.5
        shapes = [_mark(x)]
        place = {"xanchor": "left", "yanchor": "top", "xshift": 4}
        notes = [theme.said(marked, x, 1.05, colour=theme.FAINT[0], size=12, **place)]
    return theme.figure(
        height,
        drawn,
        xaxis={
            "title": {"text": words(f"axis.{axis}")},
            "type": "category",
            "categoryarray": names,
            "range": [-0.6, len(names) - 0.4],
            "nticks": 16,
            "showgrid": False,
        },
        yaxis={"title": {"text": words("axis.right")}, "range": [0, 1.05], "tickformat": ".0%"},
        showlegend=True,
        bargap=0.25,
        shapes=shapes,
        annotations=notes,
        meta={"cursor": False, "column": axis},
    )


def follower(
    count: np.ndarray, values: Mapping[str, Sequence[float]], words: Callable[..., str], *, height: int = 260
) -> dict:
    """The count that must be kept, (T,) with NaN where there is none, and units through one sequence, scaled to it.

    values   of a unit, brought to the scale of the count by its straight line
    """
    T, top = len(count), max(1.0, float(np.nanmax(count)))
    steps = theme.numbers(range(1, T + 1))
    drawn = [
        {
            "type": "scatter", "x": steps, "y": theme.numbers(count), "name": words("training.count"),
            "mode": "lines", "line": {"color": theme.HUES["x"][0], "width": 6, "shape": "hv"}, "opacity": 0.5,
            "hovertemplate": "%{y:.0f}",
        }
    ]  # fmt: skip
    for unit, row in values.items():
        name = words("training.unit_scaled", unit=unit)
        drawn.append(
            {
                "type": "scatter", "x": steps, "y": theme.numbers(row), "name": name,
                "mode": "lines", "line": {"color": theme.HUES["gradient"][0], "width": 2.5},
                "hovertemplate": "%{y:.2f}",
            }
        )  # fmt: skip
    return theme.figure(
        height,
        drawn,
        xaxis=theme.step_axis(T, words),
        yaxis={"title": {"text": words("axis.count")}, "range": [-0.15 * top - 0.5, 1.25 * top + 0.5]},
        hovermode="x",
        showlegend=True,
        meta={"cursor": False},
    )
