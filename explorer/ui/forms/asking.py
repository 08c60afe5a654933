"""What a visitor may ask of each form, and the one sentence for what cannot be asked."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer.corpora import digits
from explorer.corpora.reviews import EXAMPLES, GRAMMARS
from explorer.datasets.own import MOST, NotNumbers, read_numbers
from explorer.datasets.prices import table
from explorer.forms import FORMS
from explorer.settings import shortest
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.training.beams import MOST as BEAMS
from explorer.training.translators import ATTENTION
from explorer.ui import state, tables
from explorer.ui.components.sketch import sketch
from explorer.ui.language import current, literal, say
from explorer.ui.state import kinds

REFUSED = "refused_form"  # in the session: why something was not taken, said once


def choose_form() -> None:
    st.segmented_control(
        say("forms.form"),
        list(FORMS),
        format_func=lambda form: say(f"choice.form.{form}"),
        required=True,
        **_bound("form"),
    )


def controls(asked: Asked) -> Asked | None:
    """What the visitor may make up for this form, and what is asked then; None while it can be read in several ways."""
    stands = {
        "sequence_to_sequence": _ask_prices,
        "sequence_to_vector": _ask_review,
        "vector_to_sequence": _ask_digit,
        "encoder_decoder": _ask_translation,
    }[asked.form](asked)
    if refused := st.session_state.pop(REFUSED, None):
        key, details = refused
        st.warning(say(key, **details))
    return None if stands is False else state.asked()


def refusal(error: answers.Refused, asked: Asked) -> str:
    """The sentence for what cannot be answered."""
    details = _literal(error.details)
    if error.reason == "series":
        details["count"] = len(read_numbers(asked.prices, answers.LARGEST))
    return say(f"forms.refused_{error.reason}", **details)


def _bound(name: str, **also) -> dict:
    """The arguments of the widget of one setting; `also` is asked with it."""
    value = getattr(state.asked(), name)
    return state.controlled(f"ask_{name}_{current()}", value, lambda new: state.ask(**{name: new}, **also))


def _written(name: str, shown: str, empty: str = "") -> dict:
    """The same for a text, which the browser does not cut: one that is too long is refused in a sentence.

    empty   what stands for an empty one, where "" is the example
    """
    most = kinds(Asked)[name].most

    def typed(new: str) -> None:
        if len(new) <= most:
            state.ask(**{name: new or empty})
        else:
            _refuse("forms.refused_long", most=most, count=len(new))

    return state.controlled(f"ask_{name}_{current()}", shown, typed)


def _refuse(key: str, **details) -> None:
    """The words are chosen later: a widget speaks before the page knows its language."""
    state.touch()
    st.session_state[REFUSED] = key, details


def _literal(details) -> dict[str, str]:
    return {name: literal(str(detail)) for name, detail in details.items()}


def _ask_prices(asked: Asked) -> bool:
    names = {"own": say("forms.own")}
    companies = [*table()[1], "own"]
    st.selectbox(say("forms.company"), companies, format_func=lambda c: names.get(c, c), **_bound("company"))
    if asked.company != "own":
        return True
    stands = _sure(asked.prices)
    prices = state.asked().prices
    try:
        now = tables.written(np.array(read_numbers(prices, answers.LARGEST))[:, None]) if stands else prices
    except NotNumbers:
        now = prices
    tables.text_field(PRICES, say("forms.prices"), now, help=say("forms.prices_help"))
    tables.upload(PRICES, say("table.file"))
    return stands


def _sure(prices: str) -> bool:
    """Whether the prices of an address can be read in one way only; if not, they are asked about as if typed."""
    return "," not in prices or tables.typed(PRICES, prices).refusal is None


def _take_prices(numbers: np.ndarray, table) -> None:
    """Prices (n, 1) into the address, with all their digits. Raises tables.Refused if they do not fit into it."""
    prices, most = numbers[:, 0].tolist(), kinds(Asked)["prices"].most
    written = " ".join(map(shortest, prices[:MOST]))
    if len(prices) > MOST or len(written) > most:
        fitting = min(len(prices), MOST) * most // max(most, len(written))
        raise tables.Refused(NOT_PRICES["many"], most=fitting, count=len(prices))
    state.ask(prices=written)


NOT_PRICES = {
    "none": "forms.refused_numbers_none",
    "many": "forms.refused_numbers_many",
    "bad": "forms.refused_numbers_bad",
}
PRICES = tables.Place("prices", 1, NOT_PRICES, _take_prices)


def _ask_review(asked: Asked) -> None:
    known = [word for word in GRAMMARS[current()].words if word.isalpha()]
    st.text_input(
        say("forms.review"),
        help=say("forms.review_help", count=len(known), words=", ".join(known)),
        **_written("review", asked.review or EXAMPLES[current()], empty=" "),
    )


def _ask_digit(asked: Asked) -> None:
    many = len(digits.pictures(held_out=True)[1])
    st.number_input(say("forms.digit"), 1, many, help=say("forms.digit_help"), **_bound("digit", drawn=""))
    st.caption(say("forms.draw"))
    sketch(key="sketch", label=say("forms.draw"), erase=say("forms.erase"), drawn=asked.drawn, on_drawn=_drawn)


def _drawn(bitmap: np.ndarray) -> None:
    state.ask(drawn=answers.write_pixels(digits.counted(bitmap)) if bitmap.any() else "")


def _ask_translation(asked: Asked) -> None:
    st.text_input(say("forms.source"), **_written("source", asked.source))
    first, second, third = st.columns(3)
    with first:
        st.selectbox(
            say("forms.attention"), ATTENTION, format_func=lambda a: say(f"choice.attention.{a}"), **_bound("attention")
        )
    with second:
        st.number_input(say("forms.beam"), 1, BEAMS, disabled=asked.teacher > 0, **_bound("beam"))
    with third:
        st.number_input(say("forms.teacher"), 0, 100, step=10, **_bound("teacher"))
