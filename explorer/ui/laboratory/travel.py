"""Where does it travel? The two roads of an LSTM's memory, and the half-life ruler."""

import numpy as np
import streamlit as st

from explorer.figures.roads import roads, shares
from explorer.figures.ruler import ruler
from explorer.measures import gradient_half_life
from explorer.numerals import magnitude, text
from explorer.paths import GATES
from explorer.ui import state
from explorer.ui.drawing import move_cursor, performed, plain, show
from explorer.ui.laboratory import numbers
from explorer.ui.language import say, speaker


def draw() -> None:
    """The LSTM of these settings, whatever the chosen cell: the others have one road only."""
    experiment = state.experiment().replace(cell="lstm")
    if state.experiment().cell != "lstm":
        st.markdown(say("lab.travel_lstm", cell=say(f"cell.{state.experiment().cell}")))
    _ruler(experiment)
    _roads(experiment)


def _roads(experiment) -> None:
    split, T = numbers.split(experiment), experiment.T
    k = 1
    direct = split.shares["direct"][1:]
    over = np.flatnonzero(direct < 0.5)
    sentence = say(
        "lab.roads_sentence",
        t=split.t,
        back=split.t - k,
        direct=magnitude(split.direct[k]),
        rest=magnitude(split.rest[k]),
        whole=magnitude(split.whole[k]),
    )
    show(
        "roads",
        lambda: roads(split, T, speaker()),
        sentence,
        title=say("lab.roads_figure"),
        on_click=move_cursor,
    )
    if len(over):
        said = say("lab.shares_sentence", back=split.t - int(over[-1]) - 1, share=text(100 * direct[over[-1]]))
    else:
        said = say("lab.shares_direct", share=text(100 * float(np.nanmin(direct))))
    show(
        "shares",
        lambda: shares(split, ("direct", "rest"), T, speaker()),
        said,
        title=say("lab.shares_figure"),
        on_click=move_cursor,
    )
    joined = np.array([split.shares[q][1 : split.t] for q in GATES])
    joined = 100 * joined[:, ~np.isnan(joined).any(axis=0)]
    show(
        "by_gate",
        lambda: shares(split, GATES, T, speaker()),
        say("lab.gates_sentence", **dict(zip(GATES, map(text, joined.mean(axis=1)))))
        if joined.size
        else say("lab.gates_none"),
        title=say("lab.gates_figure"),
        on_click=move_cursor,
    )


def _ruler(experiment) -> None:
    trace, split = performed(experiment).trace, numbers.split(experiment)
    t = split.t
    pre = trace[f"a_{trace.cell.keep}"][:t, 0]
    lives = np.log(2) / np.maximum(np.logaddexp(0, -pre.astype(float)).mean(axis=0), 1e-300)
    shown = float(gradient_half_life(numbers.curve(experiment.replace(loss=str(t)), "c")[:t])[0])
    clue = (1, say(f"ruler.{experiment.input}" if experiment.input in ("clue", "impulse") else "ruler.beginning"))
    sentence = say(
        "lab.ruler_sentence",
        median=text(float(np.median(lives))),
        longest=text(float(lives.max())),
        unit=int(lives.argmax()) + 1,
        f=text(float(np.exp(np.log(0.5) / np.median(lives)))),
        clue=plain(clue[1]),
        back=t - 1,
        reach=int((lives >= t - 1).sum()),
        H=experiment.H,
    )
    halves = "gradient" if np.isfinite(shown) else "unknown" if np.isnan(shown) and t > 1 else "no_gradient"
    sentence += " " + say(f"lab.ruler_{halves}", life=text(shown))
    show(
        "ruler",
        lambda: ruler(lives, shown, "f", t, experiment.T, clue, speaker()),
        sentence,
        title=say("lab.ruler_figure"),
        on_click=move_cursor,
    )
