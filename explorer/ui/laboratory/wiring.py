"""And by the wiring? The same weights under three losses."""

import numpy as np

from explorer.figures.gradients import gradients
from explorer.figures.maps import maps
from explorer.measures import DEAD, EXPLODING, dies
from explorer.numerals import magnitude
from explorer.ui import state
from explorer.ui.drawing import move_cursor, show
from explorer.ui.laboratory import numbers
from explorer.ui.language import say, speaker


def draw() -> None:
    """A loss on every step, on the last, on the chosen one."""
    experiment, t = state.experiment(), state.view().step
    losses = {"all": "all", "last": "last", "step": str(t)}
    wired = {name: experiment.replace(loss=loss) for name, loss in losses.items()}
    logs = {name: numbers.deep(e).log10("h")[:, 0] for name, e in wired.items()}
    steps = {name: e.steps_with_loss for name, e in wired.items()}
    curves = {name: numbers.curve(e) for name, e in wired.items()}
    words = {"t": t, "cell": say(f"cell.{experiment.cell}"), **{name: magnitude(c[0]) for name, c in curves.items()}}
    show(
        "maps",
        lambda: maps(logs, steps, speaker()),
        say("lab.maps_sentence", **words),
        title=say("lab.maps_figure"),
        details=(t,),
        on_click=move_cursor,
    )
    dead = {name: dies(curve[: steps[name][-1] + 1], DEAD) for name, curve in curves.items()}
    low, high = float(np.min(curves["all"])), float(np.max(curves["all"]))
    fed = "lab.wired_fed" if np.log10(DEAD) < low and high < np.log10(EXPLODING) else "lab.wired_sentence"
    said = [
        say(fed, low=magnitude(low), high=magnitude(high)),
        say(f"lab.wired_{'alive' if dead['last'] is None else 'dead'}", steps=dead["last"], value=words["last"]),
    ]
    show(
        "wired",
        lambda: gradients(
            curves,
            range(0),
            speaker(),
            height=340,
            styles=STYLES,
            names={name: speaker()(f"wiring.{name}") for name in curves},
        ),
        " ".join(said),
        title=say("lab.wired_figure"),
        details=(t,),
        on_click=move_cursor,
    )


STYLES = {
    "all": (("#6D28D8", "#C4B5FC"), "solid", 3.5),
    "last": (("#3f4450", "#d5d8df"), "dash", 2.5),
    "step": (("#E69F00", "#F0B840"), "dot", 3),
}
