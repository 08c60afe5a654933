"""The widgets of the experiment's settings, all made from the same table as the URL."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.datasets.own import LARGEST, MOST
from explorer.experiment import KINDS
from explorer.inputs.tables import MOST_TAKEN, Table
from explorer.naming import DIALECTS, letter, listed
from explorer.settings import Choice, Number, Switch, shortest
from explorer.ui import state, table_view, tables
from explorer.ui.language import current, literal, say

IN_SIGHT = ("cell", "input", "T", "H", "seed")


def control(name: str, *, disabled: bool = False, **arguments) -> None:
    """Draw the widget of one setting of the experiment or the training, by what kind of setting it is."""
    kind = KINDS.get(name) or state.TRAINED[name]
    value = getattr(state.experiment() if name in KINDS else state.training(), name)
    low, high = arguments.pop("bounds", None) or (getattr(kind, "low", 0), getattr(kind, "high", 0))
    # Other bounds make another widget. So does another language: a choice comes back as the words on it.
    key = f"{name}_{low}_{high}_{current()}"
    slides = isinstance(kind, Number) and name not in TYPED
    bind = state.controlled_slider if slides else state.controlled
    bound = bind(key, value, choose_input if name == "input" else lambda new: state.change(**{name: new}))
    label, help_key = say(f"setting.{name}"), f"help.{name}"
    bound |= {"help": say(help_key) if name in HELPED else None, "disabled": disabled}
    match kind:
        case Choice(options=options) if len(options) <= ABREAST:
            written = {"format_func": lambda o: say(f"choice.{name}.{o}"), "required": True, "width": "stretch"}
            st.segmented_control(label, options, **written, **bound)
        case Choice(options=options):
            st.selectbox(label, options, format_func=lambda o: say(f"choice.{name}.{o}"), **bound)
        case Switch():
            st.toggle(label, **bound, **arguments)
        case Number(step=step):
            widget = st.slider if slides else st.number_input
            if isinstance(step, float):  # a link may ask for a value between two steps
                arguments["format"] = f"%.{max(decimals(step), decimals(value))}f"
            widget(
                arguments.pop("label", label),
                low,
                high,
                step=step,
                **bound,
                **arguments,
            )


def decimals(number: float) -> int:
    """Digits after the point that it takes to write a number of a link, which has at most six."""
    return len(f"{number:.6f}".rstrip("0").partition(".")[2])


def choose_input(name: str) -> None:
    """Take another input; one's own numbers start with an example."""
    numbers = state.experiment().numbers
    if name == "own" and not numbers:
        state.change(input=name, numbers=EXAMPLE, T=len(EXAMPLE))
    elif name == "own":
        width = st.session_state.get("own_width", 1)  # as many inputs as they were before another input was chosen
        state.change(input=name, D=1 if len(numbers) % width else width)
    else:
        state.change(input=name)


EXAMPLE = (1.0, 0.5, -0.5, -1.0, 0.0, 0.0, 0.0, 0.0)
TYPED = (
    "seed",
    "input_seed",
    "data_seed",
    "rate",
    "momentum",
    "clip_at",
    "updates",
    "truncate",
    "B",
)  # numbers without a middle
ABREAST = 3  # so many choices fit beside one another
HELPED = ("forget_bias", "reset_after", "z_keeps", "chrono", "scheme", "harder", "truncate", "dtype")


def in_sight(elsewhere: tuple[str, ...]) -> None:
    """The few settings that are always there, less those that the page shows itself."""
    for name in IN_SIGHT:
        if name not in elsewhere:
            control(name)
        if name == "input" and name not in elsewhere:
            with st.container():  # always there, so that what follows keeps its place
                if state.experiment().input == "own":
                    _own_numbers()


def others(elsewhere: tuple[str, ...]) -> list[str]:
    """All other settings that matter to this experiment, less those that the page shows itself."""
    e = state.experiment()
    low, high, _ = DATASETS[e.input].widths
    cell = "gru" if "cell" in elsewhere else e.cell  # a page of all cells shows the conventions of the one that has any
    names = [
        *(["activation"] if e.cell == "rnn" else []),
        *(name for name in CELLS[cell].options if name != "activation"),
        *(["D"] if low < high and e.input != "own" else []),  # of own numbers, their columns
        *(["input_seed"] if DATASETS[e.input].drawn else []),
        *("layers", "scheme", "gain", "forget_bias", "chrono", "loss"),
    ]
    return [name for name in names if name not in elsewhere]


def folded(elsewhere: tuple[str, ...]) -> None:
    """Their widgets."""
    e = state.experiment()
    arguments = {
        "D": {"bounds": DATASETS[e.input].widths[:2]},
        "chrono": {"disabled": CELLS[e.cell].keep is None and "cell" not in elsewhere},
    }
    drawn_by = {"gain": gain, "forget_bias": forget_bias, "loss": loss}
    for name in others(elsewhere):
        draw = drawn_by.get(name) or partial(control, name, **arguments.get(name, {}))
        draw()


def conventions() -> None:
    """What texts write differently and matters to this cell, as one compact row."""
    e = state.experiment()
    if e.cell == "rnn":
        return  # nothing to name, nothing to reset
    with st.container(horizontal=True, key="conventions"):
        for name in CELLS[e.cell].options:
            _convention(name, (True, False), getattr(e, name), lambda new, name=name: state.change(**{name: new}))
        _convention("names", DIALECTS, state.view().names, lambda new: state.look(names=new))


def _convention(name: str, options: tuple, value, changed) -> None:
    """One choice between conventions, its values in words; names with the gates as they are then listed."""

    def written(option) -> str:
        if name != "names":
            return say(f"convention.{name}_{'yes' if option else 'no'}")
        cell = state.experiment().cell
        gates = (letter(gate, option) for gate in listed(cell, option))
        return f"{say(f'convention.{option}')} {' '.join(gates)}"

    st.segmented_control(
        say(f"convention.{name}"),
        options,
        format_func=written,
        required=True,
        help=say(f"help.{name}"),
        **state.controlled(f"convention_{name}_{state.experiment().cell}_{current()}", value, changed),
    )


def gain(*, disabled: bool = False) -> None:
    """The recurrent gain, which is the spectral radius under that scheme."""
    spectral = state.experiment().scheme == "spectral"
    control("gain", label=say("setting.spectral_gain" if spectral else "setting.gain"), disabled=disabled)


def forget_bias(*, disabled: bool = False) -> None:
    """The bias of the gate that keeps; without effect under chrono initialisation."""
    control("forget_bias", disabled=disabled or state.experiment().chrono)


def loss() -> None:
    """Where the loss sits: last, all, or a step of its own slider."""
    e = state.experiment()
    kind = e.loss if e.loss in ("last", "all") else "step"

    def chosen(new):
        state.change(loss=str(max(1, e.T // 2)) if new == "step" else new)

    st.selectbox(
        say("setting.loss"),
        ("last", "all", "step"),
        format_func=lambda o: say(f"choice.loss.{o}"),
        help=say("help.loss"),
        **state.controlled(f"loss_kind_{current()}", kind, chosen),
    )
    if kind == "step":
        bound = state.controlled_slider(f"loss_step_{e.T}", int(e.loss), lambda new: state.change(loss=str(new)))
        st.slider(say("setting.loss_step"), 1, e.T, **bound)


def _own_numbers() -> None:
    """A field for numbers, and one for a file of them."""
    e = state.experiment()
    st.session_state["own_width"] = e.D
    now = tables.written(np.reshape(e.numbers, (-1, e.D)))
    tables.text_field(OWN, say("setting.numbers"), now, help=say("help.numbers"))
    with st.expander(say("table.from_file")):
        tables.upload(OWN, say("table.file"))


def _take_numbers(numbers: np.ndarray, table: Table) -> None:
    """Own numbers (n, D) into the experiment. Raises tables.Refused beyond its bounds."""
    if numbers.size > MOST:
        raise tables.Refused(REFUSED["many"], most=MOST, count=numbers.size)
    wrong = np.argwhere(~(np.abs(numbers) <= LARGEST))
    if len(wrong):
        row, column = wrong[0]
        piece = table_view.as_written(table, row, column) or shortest(float(numbers[row, column]))
        place = row * numbers.shape[1] + column + 1
        raise tables.Refused(REFUSED["bad"], place=place, piece=literal(table_view.cut(piece, 20)))
    state.change(numbers=tuple(numbers.ravel().tolist()), D=numbers.shape[1], T=max(2, len(numbers)))


REFUSED = {"none": "note.numbers_none", "many": "note.numbers_many", "bad": "note.numbers_bad"}
OWN = tables.Place("numbers", MOST_TAKEN, REFUSED, _take_numbers, narrow=True)
