"""What a visitor may ask of each form, and the one sentence for what cannot be asked."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer.corpora import digits
from explorer.corpora.reviews import EXAMPLES, GRAMMARS
from explorer.datasets.own import MOST, NotNumbers, typed_numbers
from explorer.datasets.prices import table
from explorer.forms import FORMS
from explorer.inputs.tables import LARGEST, MOST_ROWS, Unreadable, take
from explorer.numerals import ten_to
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.training.beams import MOST as BEAMS
from explorer.training.translators import ATTENTION
from explorer.ui import state
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


def controls(asked: Asked) -> None:
    """What the visitor may make up for this form."""
    {
        "sequence_to_sequence": _ask_prices,
        "sequence_to_vector": _ask_review,
        "vector_to_sequence": _ask_digit,
        "encoder_decoder": _ask_translation,
    }[asked.form](asked)
    if refused := st.session_state.pop(REFUSED, None):
        key, details = refused
        st.warning(say(key, **details))


def refusal(error: answers.Refused, asked: Asked) -> str:
    """The sentence for what cannot be answered."""
    details = _literal(error.details)
    if error.reason == "series":
        details["count"] = len(typed_numbers(asked.prices))
    return say(f"forms.refused_{error.reason}", **details)


def _bound(name: str, **also) -> dict:
    """The arguments of the widget of one setting; `also` is asked with it."""
    value = getattr(state.asked(), name)
    return state.controlled(f"ask_{name}_{current()}", value, lambda new: state.ask(**{name: new}, **also))


def _written(name: str, shown: str, too_long=None, empty: str = "") -> dict:
    """The same for a text, which the browser does not cut: one that is too long is refused in a sentence.

    empty   what stands for an empty one, where "" is the example
    """
    most = kinds(Asked)[name].most

    def typed(new: str) -> None:
        if len(new) <= most:
            state.ask(**{name: new or empty})
        elif too_long:
            too_long(new)
        else:
            _refuse("forms.refused_long", most=most, count=len(new))

    return state.controlled(f"ask_{name}_{current()}", shown, typed)


def _refuse(key: str, **details) -> None:
    """The words are chosen later: a widget speaks before the page knows its language."""
    state.touch()
    st.session_state[REFUSED] = key, details


def _literal(details) -> dict[str, str]:
    return {name: literal(str(detail)) for name, detail in details.items()}


def _ask_prices(asked: Asked) -> None:
    names = {"own": say("forms.own")}
    companies = [*table()[1], "own"]
    st.selectbox(say("forms.company"), companies, format_func=lambda c: names.get(c, c), **_bound("company"))
    if asked.company == "own":
        typed = _written("prices", asked.prices, _take_text)
        st.text_area(say("forms.prices"), help=say("forms.prices_help"), **typed)
        file = st.file_uploader(say("forms.file"), type=["csv", "txt", "tsv"], max_upload_size=200)
        if file is not None and st.session_state.get("price_file") != file.file_id:
            st.session_state["price_file"] = file.file_id
            _take_file(file.getvalue())
            st.rerun()


def _take_file(data: bytes) -> None:
    try:
        numbers = take(data)[:, 0]
    except Unreadable as error:
        known = {"rows": ten_to(int(np.log10(MOST_ROWS))), "largest": ten_to(int(np.log10(LARGEST)))}
        _refuse(f"long.file_{error.reason}", **known | _literal(error.details))
    else:
        _take(numbers)


def _take_text(text: str) -> None:
    """Many prices, or ones with many digits."""
    try:
        numbers = typed_numbers(text)
    except NotNumbers as error:
        _refuse(f"forms.refused_numbers_{error.reason}", **_literal(error.details))
    else:
        _take(numbers)


def _take(numbers) -> None:
    """Prices to six digits, if they fit into an address."""
    most = kinds(Asked)["prices"].most
    written = " ".join(f"{number:.6g}" for number in numbers[:MOST])
    if len(numbers) > MOST or len(written) > most:
        fitting = min(len(numbers), MOST) * most // max(most, len(written))
        _refuse("forms.refused_numbers_many", most=fitting, count=len(numbers))
    else:
        state.ask(prices=written)


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
