"""The page of the four forms: what a visitor may ask of each, what is answered, and the pictures of it."""

from __future__ import annotations

from threading import Lock

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached

from explorer import trained
from explorer.corpora import digits
from explorer.corpora.reviews import EXAMPLES, language_of
from explorer.corpora.translation import kind_of
from explorer.datasets.prices import table
from explorer.figures import form_pictures
from explorer.figures.heatmaps import heatmaps
from explorer.figures.wiring import wiring
from explorer.forms import FORMS
from explorer.long_series import Unreadable, read_csv
from explorer.numerals import power_of_ten
from explorer.trained import answers
from explorer.trained.asking import LONGEST, Asked
from explorer.training.beams import MOST as BEAMS
from explorer.training.translators import ATTENTION
from explorer.ui import state
from explorer.ui.components.sketch import sketch
from explorer.ui.drawing import move_cursor, plain, show
from explorer.ui.language import current, literal, say, speaker

MOST_BYTES = 1 << 20


@cached(LRUCache(64), lock=Lock())
def answered(asked: Asked, cell: str, language: str) -> answers.Answered:
    """The answer, made once. Raises answers.Refused."""
    return answers.answer(asked, cell, language)


@cached(LRUCache(8), lock=Lock())
def recalled(cell: str) -> dict:
    return answers.recall(cell)


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


def _bound(name: str) -> dict:
    """The arguments of the widget of one setting."""
    asked = state.asked()
    return state.controlled(f"ask_{name}_{current()}", getattr(asked, name), lambda new: state.ask(**{name: new}))


def _ask_prices(asked: Asked) -> None:
    names = {"own": say("forms.own")}
    companies = [*table()[1], "own"]
    st.selectbox(say("forms.company"), companies, format_func=lambda c: names.get(c, c), **_bound("company"))
    if asked.company == "own":
        st.text_area(say("forms.prices"), help=say("forms.prices_help"), max_chars=2000, **_bound("prices"))
        file = st.file_uploader(say("forms.file"), type=["csv", "txt", "tsv"], max_upload_size=1)
        if file is not None and st.session_state.get("price_file") != file.file_id:
            st.session_state["price_file"] = file.file_id
            _take(file.getvalue())


def _take(data: bytes) -> None:
    try:
        numbers = read_csv(data[: MOST_BYTES + 1])
    except Unreadable as error:
        details = {name: literal(str(detail)) for name, detail in error.details.items()}
        st.warning(say(f"long.file_{error.reason}", **{"rows": 500, "largest": "10³⁰"} | details))
        return
    written = ",".join(f"{number:.6g}" for number in numbers[:501])
    if len(numbers) > 500 or len(written) > 2000:
        st.warning(
            say("forms.refused_numbers_many", most=min(500, 2000 * len(numbers) // len(written)), count=len(numbers))
        )
        return
    state.ask(prices=written)
    st.rerun()


def _ask_review(asked: Asked) -> None:
    shown = asked.review or EXAMPLES[current()]
    key = f"ask_review_{current()}"
    bound = state.controlled(key, shown, lambda new: state.ask(review=new or " "))
    st.text_input(say("forms.review"), max_chars=LONGEST, **bound)


def _ask_digit(asked: Asked) -> None:
    many = len(digits.pictures(held_out=True)[1])
    st.number_input(say("forms.digit"), 1, many, **_bound("digit"))
    st.caption(say("forms.draw"))
    sketch(key="sketch", label=say("forms.draw"), erase=say("forms.erase"), drawn=asked.drawn, on_drawn=_drawn)


def _drawn(bitmap: np.ndarray) -> None:
    state.ask(drawn=answers.write_pixels(digits.counted(bitmap)) if bitmap.any() else "")


def _ask_translation(asked: Asked) -> None:
    st.text_input(say("forms.source"), max_chars=30, **_bound("source"))
    first, second, third = st.columns(3)
    with first:
        st.selectbox(
            say("forms.attention"), ATTENTION, format_func=lambda a: say(f"choice.attention.{a}"), **_bound("attention")
        )
    with second:
        st.number_input(say("forms.beam"), 1, BEAMS, disabled=asked.teacher > 0, **_bound("beam"))
    with third:
        st.number_input(say("forms.teacher"), 0, 100, step=10, **_bound("teacher"))


def refusal(error: answers.Refused, asked: Asked) -> str:
    """The sentence for what cannot be answered."""
    details = {name: literal(str(detail)) for name, detail in error.details.items()}
    if error.reason == "series":
        details["count"] = len(asked.prices.replace(",", " ").split())
    return say(f"forms.refused_{error.reason}", **details)


def sentence(asked: Asked, found: answers.Answered) -> str:
    """The answer in words, and what about it is idealised."""
    more = found.more
    match found.form:
        case "sequence_to_sequence":
            forecast, t = more["forecast"], state.view().step
            t, errors = min(t, len(forecast.said)), forecast.errors
            verdict = say("forms.better" if errors["network"] < errors["naive"] else "forms.worse")
            return " ".join(
                [
                    say(
                        "forms.answer_prices",
                        day=t,
                        said=f"{forecast.said[t - 1]:.4g}",
                        naive=f"{forecast.given.prices[t - 1]:.4g}",
                        network=f"{errors['network']:.3g}",
                        naive_error=f"{errors['naive']:.3g}",
                        verdict=verdict,
                    ),
                    say("forms.idealised_prices"),
                ]
            )
        case "sequence_to_vector":
            said = [say("forms.answer_review", text=literal(" ".join(more["words"])), score=found.text)]
            if more["unknown"]:
                said.append(say("forms.answer_unknown", words=literal(", ".join(more["unknown"]))))
            return " ".join([*said, say("forms.idealised_review")])
        case "vector_to_sequence":
            said = [say("forms.answer_digit", word=found.text or "—", other=more["other"] or "—")]
            if more["truth"]:
                said.append(say("forms.answer_digit_truth", truth=more["truth"]))
            return " ".join([*said, say("forms.idealised_digit")])
    said = [say("forms.answer_translation", source=literal(asked.source), text=found.text)]
    right = found.text == more["truth"]
    said.append(say("forms.answer_right") if right else say("forms.answer_wrong", truth=more["truth"]))
    if len(more["beam"]) > 1:
        texts = "; ".join(f"{text} ({np.exp(log):.3f})" for text, log in more["beam"])
        said.append(say("forms.answer_beam", texts=texts))
    if more["attention"] != asked.attention:
        said.append(say("forms.dates_attention"))
    return " ".join(said)


def scores(asked: Asked, cell: str) -> str:
    """What the network of this answer reaches on what was held out."""
    variant = {
        "sequence_to_sequence": "prices",
        "sequence_to_vector": language_of(asked.review or EXAMPLES[current()]),
        "vector_to_sequence": "digits",
        "encoder_decoder": "dates" if kind_of(asked.source) == "dates" else asked.attention,
    }[asked.form]
    found = trained.load(asked.form, variant, cell)
    numbers = "; ".join(f"{say(f'forms.measure_{measure}')} {score:.3g}" for measure, score in found.scores.items())
    return say("forms.trained", file=trained.file(asked.form, variant, cell).name, scores=numbers)


def pictures(asked: Asked, cell: str, found: answers.Answered) -> None:
    """Everything that is drawn of an answer."""
    key, step = (asked, cell), state.view().step
    flat = [pair for part in found.parts for pair in zip(part.enters, part.says)]
    at = min(step, len(flat))
    enters, says = flat[at - 1]
    alt = say(
        "forms.alt_wiring",
        form=say(f"choice.form.{found.form}"),
        T=len(flat),
        ins=sum(bool(enters) for enters, _ in flat),
        outs=sum(bool(says) for _, says in flat),
        t=at,
        enters=enters or say("forms.nothing"),
        says=says or say("forms.nothing"),
    )
    unrolled = [(part.enters, part.says) for part in found.parts]
    _show("wiring", lambda: wiring(unrolled, at, speaker()), alt, say("forms.wiring"), (*key, at), clicks=True)
    {
        "sequence_to_sequence": _draw_prices,
        "sequence_to_vector": _draw_review,
        "vector_to_sequence": _draw_digit,
        "encoder_decoder": _draw_translation,
    }[found.form](key, found)
    _draw_gates(key, found)
    rows = answers.wirings(found.parts[0].trace)
    first = ", ".join(
        f"{say(f'choice.form.{form}')} {power_of_ten(float(norm[0]))}" for form, (norm, _) in rows.items()
    )
    title, alt = say("forms.wirings_picture"), say("forms.alt_wirings", first=first)
    _show("wirings", lambda: form_pictures.gradient_rows(rows, speaker()), alt, title, key, clicks=True)
    st.caption(say("forms.idealised_wirings"))
    if found.form == "encoder_decoder":
        _draw_recall(cell)


def _show(name, make, alt, title, details, clicks=False) -> None:
    asked, cell = state.asked(), state.experiment().cell
    click = move_cursor if clicks else None
    show(
        f"form_{name}",
        make,
        alt,
        title=title,
        details=details,
        on_click=click,
        cursor=clicks,
        file=f"{name}_{asked.form}_{cell}",
    )


def _draw_prices(key, found) -> None:
    forecast = found.more["forecast"]
    errors = {name: f"{error:.3g}" for name, error in forecast.errors.items()}
    alt = say("forms.alt_prices", first=forecast.given.known + 1, **errors)
    make = lambda: form_pictures.forecast_lines(  # noqa: E731
        forecast.given.prices, forecast.said, forecast.given.known, speaker()
    )
    _show(
        "forecast",
        make,
        alt,
        say("forms.prices_picture"),
        key,
        clicks=True,
    )


def _draw_review(key, found) -> None:
    given, words = found.more["scores"], found.more["words"]
    alt = say("forms.alt_review", scores=", ".join(f"{word} {score:.0f}" for word, score in zip(words, given)))
    _show(
        "score", lambda: form_pictures.score_line(given, words, speaker()), alt, say("forms.review_picture"), key, True
    )


def _draw_digit(key, found) -> None:
    pixels, shares = found.more["pixels"], found.more["shares"]
    names = [digits.shown(letter) for letter in digits.LETTERS]
    left, right = st.columns([1, 2])
    with left:
        alt = say("forms.alt_digit", dark=int((pixels > 0.5).sum()))
        _show("picture", lambda: form_pictures.picture(pixels, speaker()), alt, say("forms.digit_picture"), key)
    with right:
        likeliest = ", ".join(f"{names[k]} {shares[t, k]:.2f}" for t, k in enumerate(shares.argmax(axis=1)))
        alt = say("forms.alt_letters", letters=likeliest)
        make = lambda: form_pictures.letter_shares(shares, names, speaker())  # noqa: E731
        _show("letters", make, alt, say("forms.letters_picture"), key, clicks=True)


def _draw_translation(key, found) -> None:
    shares = found.more["shares"]
    if shares is None:
        return
    read, written = found.parts[0].enters, found.parts[1].says
    looks = ", ".join(
        f"{word} ← {read[k]} {100 * row[k]:.0f} %" for word, row, k in zip(written, shares, shares.argmax(1))
    )
    make = lambda: form_pictures.attention(shares, read, written, speaker())  # noqa: E731
    _show("attention", make, say("forms.alt_attention", looks=looks), say("forms.attention_picture"), key)


def _draw_gates(key, found) -> None:
    names = ("gates",) if len(found.parts) == 1 else ("gates_encoder", "gates_decoder")
    titles = {
        "gates": say("forms.gates_picture"),
        "gates_encoder": say("forms.gates_encoder"),
        "gates_decoder": say("forms.gates_decoder"),
    }
    for name, part in zip(names, found.parts):
        trace = part.trace
        states = [q for q in ("c", "h") if q in trace.cell.states]
        shown = [q for q in trace.cell.equations(trace.options) if q not in states] + states
        symbols = ", ".join(plain(say(f"symbol.{q}")) for q in shown)
        alt = say("forms.alt_gates", names=symbols, T=trace.T, H=trace.H)
        make = lambda trace=trace, shown=shown: heatmaps(trace, shown, speaker())  # noqa: E731
        _show(name, make, alt, titles[name], key, clicks=len(found.parts) == 1)


def _draw_recall(cell: str) -> None:
    found = recalled(cell)
    worst = "; ".join(
        f"{say(f'choice.attention.{name}')}: {row.argmin() + 1} ({100 * row.min():.1f} %)"
        for name, row in found.items()
    )
    make = lambda: form_pictures.recall_lines(found, speaker())  # noqa: E731
    _show("recall", make, say("forms.alt_recall", worst=worst), say("forms.recall_picture"), (cell,))
