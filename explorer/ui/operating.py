"""What if …? The panel that operates on the run, and the words for what was done."""

from __future__ import annotations

import streamlit as st

from explorer.cells import CELLS
from explorer.experiment import Experiment
from explorer.figures.difference import difference
from explorer.measures import moved, norm, overflow, reach
from explorer.numerals import power_of_ten
from explorer.performing import Performance
from explorer.surgery import INPUT, LIMITS, MOST, SWAP, UNIT, Operation
from explorer.ui import state
from explorer.ui.drawing import move_cursor, performed, plain, show
from explorer.ui.language import current, say, speaker


def said(operation: Operation, experiment: Experiment) -> str:
    """An operation in words."""
    one, symbol = operation, ""
    whom = say("surgery.one_unit", unit=one.place) if one.place else say("surgery.all_units")
    if one.what == SWAP:
        return say("surgery.swapped", first=one.first, last=one.last)
    if one.what == INPUT:
        channels = performed(experiment).input.channels
        whom = f"x[{channels[one.place - 1]}]" if one.place else "x"
    elif one.what != UNIT:
        symbol = plain(say(f"symbol.{one.what}"))
    kind = {UNIT: "silenced", INPUT: "put"}.get(one.what, "pinned")
    return say(
        f"surgery.{kind}",
        symbol=symbol,
        whom=whom,
        value=f"{one.value:g}".replace("-", "−"),
        steps=when(one, experiment),
    )


def when(operation: Operation, experiment: Experiment) -> str:
    """The steps of an operation in words."""
    first, last = span(operation, experiment)
    if first == last:
        return say("surgery.at", first=first)
    if last == experiment.T:
        return say("surgery.always") if first == 1 else say("surgery.from", first=first)
    return say("surgery.between", first=first, last=last)


def span(operation: Operation, experiment: Experiment) -> tuple[int, int]:
    """The first and the last step of an operation, from 1."""
    return operation.first, operation.last or experiment.T


def note(*, here: bool) -> None:
    """On every page: that the run was operated on, and how; whether it is the run that is shown `here`."""
    if state.experiment().surgery:
        st.info(told(here=here))


def told(*, here: bool = True) -> str:
    """That the run was operated on, and how, in words; nothing if it was not."""
    experiment = state.experiment()
    done = "; ".join(said(one, experiment) for one in experiment.surgery)
    return say("surgery.note" if here else "surgery.elsewhere", list=done) if done else ""


def presets(experiment: Experiment, t: int, u: int) -> dict[str, Operation]:
    """Questions that fit the cell, by their words' key."""
    keeps, gates = experiment.z_keeps, CELLS[experiment.cell].gates
    by_cell = {
        "lstm": {
            "keep_f": Operation("f", t, None, 1),
            "forget_f": Operation("f", t, t, 0),
            "deaf": Operation("i", t, None, 0),
        },
        "gru": {
            "keep_z": Operation("z", t, None, float(keeps)),
            "forget_z": Operation("z", t, t, float(not keeps)),
            "look": Operation("r", t, None, 0),
        },
    }
    own = by_cell.get(experiment.cell, {"forget_h": Operation("h", t, t, 0)} if "h" in gates else {})
    return own | {"unit": Operation(UNIT, 1, None, 0, u), "silent": Operation(INPUT, t, t, 0)}


def operate(operation: Operation) -> None:
    """Operate on the run once more; the last operation counts where two meet."""
    before = tuple(one for one in state.experiment().surgery if one != operation)
    state.change(surgery=(*before, operation)[:MOST])


def panel() -> None:
    """The folded controls."""
    experiment, view = state.experiment(), state.view()
    folded = st.expander(say("surgery.what_if"), key="surgery", on_change="rerun")
    if not folded.open:  # what nobody sees costs nothing
        return
    with folded:
        full = len(experiment.surgery) >= MOST
        with st.container(horizontal=True):
            for name, operation in presets(experiment, view.step, view.unit).items():
                question = say(f"surgery.preset_{name}", t=view.step, unit=view.unit)
                st.button(question, key=f"preset_{name}", on_click=operate, args=(operation,), disabled=full)
        _own(experiment, full)
        _done(experiment)


def _own(experiment: Experiment, full: bool) -> None:
    """An operation of one's own: what, whose, when, and to what."""
    e, view, cell = experiment, state.view(), CELLS[experiment.cell]
    offered = (*dict.fromkeys((*cell.gates, *cell.states)), UNIT, INPUT, SWAP)
    what_column, whose_column, first_column, last_column, value_column = st.columns([3, 2, 2, 2, 3])
    what = what_column.selectbox(
        say("surgery.what"), offered, format_func=_name, key=f"op_what_{e.cell}_{current()}", help=say("surgery.help")
    )
    place = None
    if what != SWAP:
        place = _whose(e, what, whose_column)
    begin = min(view.step, e.T - 1) if what == SWAP else view.step
    first = first_column.number_input(
        say("surgery.first"), 1, e.T - (what == SWAP), begin, key=f"op_first_{begin}_{e.T}_{what}"
    )
    lowest = first + (what == SWAP)
    last = last_column.number_input(
        say("surgery.other" if what == SWAP else "surgery.last"),
        lowest,
        e.T,
        max(lowest, begin),
        key=f"op_last_{lowest}_{e.T}",
    )
    value = 0.0
    if what not in (UNIT, SWAP):
        low, high = map(float, LIMITS[what])
        value = value_column.number_input(
            say("surgery.value"), low, high, 0.0 if what == INPUT else min(1.0, high), step=0.1, key=f"op_value_{what}"
        )
    operation = Operation(what, int(first), None if last == e.T and what != SWAP else int(last), float(value), place)
    st.button(say("surgery.operate"), key="operate", on_click=operate, args=(operation,), disabled=full, type="primary")


def _name(what: str) -> str:
    return say(f"surgery.{what}") if what in (UNIT, INPUT, SWAP) else plain(say(f"panel.{what}"))


def _whose(e: Experiment, what: str, column) -> int | None:
    """The unit or the input, None for all."""
    if what == INPUT:
        channels = performed(e).input.channels
        names = [say("surgery.all_inputs"), *channels]
        return (
            column.selectbox(
                say("surgery.whose"),
                range(len(names)),
                format_func=names.__getitem__,
                key=f"op_channel_{e.input}_{e.D}_{current()}",
            )
            or None
        )
    unit = state.view().unit
    names = {unit: say("surgery.one_unit", unit=unit), 0: say("surgery.all_units")}
    return (
        column.selectbox(
            say("surgery.whose"), list(names), format_func=names.__getitem__, key=f"op_unit_{unit}_{current()}"
        )
        or None
    )


def _done(experiment: Experiment) -> None:
    """What has been done, and the way back."""
    for one in experiment.surgery:
        st.markdown(f"- {said(one, experiment)}")
    if experiment.surgery:
        with st.container(horizontal=True):
            st.button(
                say("surgery.undo"), key="undo", on_click=state.change, kwargs={"surgery": experiment.surgery[:-1]}
            )
            st.button(say("surgery.reset"), key="unoperate", on_click=state.change, kwargs={"surgery": ()})


def show_difference() -> None:
    """How far the operations reach: a figure and its sentence; nothing without operations."""
    experiment = state.experiment()
    if not experiment.surgery:
        return
    now, former = performed(experiment), performed(experiment.original)
    unit = state.view().unit
    memory = "c" if "c" in now.trace.cell.states else "h"
    apart = {
        "h": moved(now.trace, former.trace)[:, 0],
        f"unit_{memory}": abs(now.trace[memory] - former.trace[memory])[:, 0, unit - 1],
    }
    gradients = {name: norm(run.grads.state["h"])[:, 0] for name, run in (("now", now), ("former", former))}
    show(
        "difference",
        lambda: difference(apart, gradients, tuple(span(one, experiment) for one in experiment.surgery), speaker()),
        sentence(now, former),
        title=say("surgery.how_far"),
        details=(unit,),
        on_click=move_cursor,
    )


def sentence(now: Performance, former: Performance) -> str:
    """How far, and what the gradient does, from the numbers."""
    e = now.experiment
    apart, size = moved(now.trace, former.trace)[:, 0], norm(former.trace["h"])[:, 0]
    start, last = min(one.first for one in e.surgery), reach(apart, size)
    overflown = [step for run in (now, former) if (step := overflow(run.trace))]
    if overflown:
        reached = say("surgery.reach_overflow", step=min(overflown))
    elif not apart.any():
        reached = say("surgery.reach_nothing")
    elif last is None:
        reached = say("surgery.reach_little", start=start)
    else:
        key = "surgery.reach_end" if last == e.T else "surgery.reach"
        reached = say(key, start=start, last=last, T=e.T)
    before, after = (norm(run.grads.state["h"])[0, 0] for run in (former, now))
    return reached + " " + say("surgery.gradient", before=power_of_ten(before), after=power_of_ten(after))
