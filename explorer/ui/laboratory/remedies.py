"""What helps? Clipping, other weights to start from, open gates, a shorter way back."""

import numpy as np
import streamlit as st

from explorer.figures import theme
from explorer.figures.clipping import clipping
from explorer.figures.gradients import bracket, gradients
from explorer.measures import DEAD, dies, overflow
from explorer.numerals import magnitude, text
from explorer.ui import state
from explorer.ui.drawing import move_cursor, performed, show
from explorer.ui.laboratory import numbers
from explorer.ui.language import say, speaker

SWEPT = ("rnn_tanh", "rnn_relu", "lstm")


def draw() -> None:
    """Three figures: against explosion, against vanishing, and against the length."""
    experiment = state.experiment()
    _starts(experiment)
    _clipping(experiment)
    _truncated(experiment)


def starts(experiment) -> dict:
    """The remedies that only change what a network starts from, {name: experiment}; gains and biases as they are."""
    plain = {"chrono": False, "forget_bias": 0.0}
    rnn, lstm = experiment.replace(cell="rnn", **plain), experiment.replace(cell="lstm", **plain)
    return {
        "usual": rnn.replace(scheme="pytorch"),
        "orthogonal": rnn.replace(scheme="orthogonal"),
        "identity": rnn.replace(scheme="identity"),
        "shut": lstm,
        "bias_1": lstm.replace(forget_bias=1.0),
        "bias_3": lstm.replace(forget_bias=3.0),
        "chrono": lstm.replace(chrono=True),
    }


def _starts(experiment) -> None:
    tried = starts(experiment)
    curves = {name: numbers.curve(e) for name, e in tried.items()}
    last = experiment.steps_with_loss[-1]
    dead = {name: dies(curve[: last + 1], DEAD) for name, curve in curves.items()}
    activation = say(f"choice.activation.{experiment.activation}")
    names = {name: say(f"start.{name}", activation=activation) for name in curves}
    overflown = {name: overflow(performed(e).trace) for name, e in tried.items()}
    listed = [
        say(
            f"lab.start_{'overflow' if overflown[name] else 'alive' if dead[name] is None else 'dead'}",
            name=names[name],
            steps=dead[name],
            step=overflown[name],
            value=magnitude(curve[0]),
        )
        for name, curve in curves.items()
    ]
    helps = " " + say("lab.overflow_helps") if any(overflown.values()) else ""
    show(
        "starts",
        lambda: gradients(curves, experiment.steps_with_loss, speaker(), styles=theme.REMEDIES, names=names),
        "; ".join(listed) + "." + helps,
        title=say("lab.starts_figure"),
        on_click=move_cursor,
    )


def _clipping(experiment) -> None:
    limit = state.view().clip
    rivals = {
        "rnn_tanh": experiment.replace(cell="rnn", activation="tanh", gain=1.0),
        "rnn_relu": experiment.replace(cell="rnn", activation="relu", gain=1.0),
        "lstm": experiment.replace(cell="lstm", gain=1.0),
    }
    sizes = {name: numbers.weight_sizes(e) for name, e in rivals.items()}
    cut = {name: int((logs > limit).sum()) for name, logs in sizes.items()}
    largest = {name: float(np.nanmax(logs, initial=-np.inf)) for name, logs in sizes.items()}
    overflown = [
        say(
            "lab.clipping_overflow",
            network=say(f"network.{name}"),
            gain=f"{numbers.GAINS[np.isnan(logs).argmax()]:.1f}",
        )
        for name, logs in sizes.items()
        if np.isnan(logs).any()
    ]
    show(
        "clipping",
        lambda: clipping(numbers.GAINS, sizes, limit, experiment.gain, speaker()),
        " ".join(
            [
                say(
                    "lab.clipping_sentence",
                    limit=text(10.0**limit),
                    n=len(numbers.GAINS),
                    **{name: cut[name] for name in SWEPT},
                    most=magnitude(max(largest.values())),
                ),
                *overflown,
            ]
        ),
        title=say("lab.clipping_figure"),
        details=(limit,),
        on_drag=lambda value: state.look(clip=round(float(value), 1)),
    )


def _truncated(experiment) -> None:
    window = state.view().window
    bound = state.controlled_slider(f"window_{experiment.T}", window, lambda new: state.look(window=new))
    st.slider(say("lab.window"), 1, experiment.T, **bound)
    curves = {"whole": numbers.curve(experiment), "cut": (found := numbers.cut(experiment, window)).curve}
    last = experiment.steps_with_loss[-1] + 1
    first = experiment.T - window + 1
    words = {"window": window, "first": first, "cell": say(f"cell.{experiment.cell}"), "kept": text(100 * found.kept)}
    words["cosine"] = text(found.cosine)
    names = {name: say(f"start.{name}") for name in curves}
    sound = np.isfinite(performed(experiment).grads.params["weight_hh"]).all()
    which = "overflow" if not sound else "sentence" if last >= first else "nothing"
    show(
        "truncated",
        lambda: bracket(
            gradients(curves, experiment.steps_with_loss, speaker(), height=360, styles=theme.REMEDIES, names=names),
            first,
            experiment.T,
            speaker()("lab.bracket", window=window),
        ),
        say(f"lab.truncated_{which}", **words),
        title=say("lab.truncated_figure"),
        details=(window,),
        on_click=move_cursor,
    )
