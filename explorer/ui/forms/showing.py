"""The pictures of an answer: the form on the stage, what only this form has, its gates, its gradients."""

from __future__ import annotations

from threading import Lock

import streamlit as st
from cachetools import LRUCache, cached

from explorer.corpora import digits
from explorer.figures import form_pictures, recall_lines
from explorer.figures.heatmaps import heatmaps
from explorer.numerals import plain as in_full
from explorer.numerals import power_of_ten, text
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.trained.recall import NUMBERS, Recall, recall
from explorer.ui import proving, state
from explorer.ui.components.packing import pack
from explorer.ui.components.stage import Piece, staged
from explorer.ui.drawing import MEGABYTE, prove, put_on_stage, show
from explorer.ui.drawing import plain as without_markup
from explorer.ui.language import current, say, speaker


@cached(LRUCache(64), lock=Lock())
def answered(asked: Asked, cell: str, language: str) -> answers.Answered:
    """The answer, made once. Raises answers.Refused."""
    return answers.answer(asked, cell, language)


@cached(LRUCache(64), lock=Lock())
def _wired(asked: Asked, cell: str, language: str) -> dict:
    return answers.wirings(answered(asked, cell, language).parts[0].trace)


@cached(LRUCache(8), lock=Lock())
def recalled(cell: str) -> dict[str, Recall]:
    return recall(cell)


@cached(LRUCache(32 * MEGABYTE, len), lock=Lock())
def _staged(asked: Asked, cell: str, language: str) -> bytes:
    """The answer as the stage takes it, packed."""
    parts = answered(asked, cell, language).parts
    says = [said for part in parts for said in part.says]
    form = {
        "enters": [bool(entered) for part in parts for entered in part.enters],
        "says": says,
        "names": [say("forms.encoder"), say("forms.decoder")] if len(parts) > 1 else [say(f"cell.{cell}")],
    }
    pieces = [Piece(part.trace, part.back.grads, part.back.direct, part.enters) for part in parts]
    loss = [step for step, said in enumerate(says, start=1) if said]
    return pack(staged(pieces, say(f"cell.{cell}"), loss, form))


def cursor(found: answers.Answered) -> state.View:
    """The view, its cursor inside the steps of the form, those of a decoder after those of its encoder."""
    return state.view(sum(part.trace.T for part in found.parts), found.parts[0].trace.H)


def on_stage(asked: Asked, cell: str, found: answers.Answered) -> None:
    """The form unrolled, step by step; the numbers of one network are proved where they are pressed."""
    answer, more = (asked, cell, current()), {}
    if len(found.parts) == 1:
        more = {"on_prove": prove, "proof": proving.answer(answer, answer, lambda _: found.parts[0].back)}
    put_on_stage(
        _staged(asked, cell, current()),
        cursor(found),
        key="form_stage",
        file_name=f"{asked.form}_{cell}",
        title=say("forms.question"),
        note=f"{say(f'choice.form.{asked.form}')}. {say('stage.replay_note_trained')}",
        **more,
    )
    pair = " " + say("forms.idealised_pair") if len(found.parts) > 1 else ""
    st.caption(say("forms.idealised_stage") + pair)


def pictures(asked: Asked, cell: str, found: answers.Answered) -> None:
    """Everything else that is drawn of an answer."""
    key, place = (asked, cell), cursor(found)

    def draw(name, make, alt, title, details=key, follows=True) -> None:
        """follows: its x axis is the step, so that it marks the cursor and moves it."""
        show(
            f"form_{name}",
            make,
            alt,
            title=title,
            details=details,
            on_click=_go if follows else None,
            cursor=(place.step, place.unit) if follows else False,
            file=f"{name}_{asked.form}_{cell}",
        )

    {
        "sequence_to_sequence": _prices,
        "sequence_to_vector": _review,
        "vector_to_sequence": _digit,
        "encoder_decoder": _translation,
    }[found.form](draw, found)
    _gates(draw, found)
    _wirings(draw, asked, cell)
    if found.form == "encoder_decoder":
        _recall(draw, cell)


def _go(step: int, unit: int | None) -> None:
    state.look(step=step, **({"unit": unit} if unit else {}))


def _prices(draw, found) -> None:
    forecast = found.more["forecast"]
    errors = {name: in_full(error, 3) for name, error in forecast.errors.items()}
    alt = say("forms.alt_prices", first=forecast.given.known + 1, **errors)
    prices, known = forecast.given.prices, forecast.given.known
    make = lambda: form_pictures.forecast_lines(prices, forecast.said, known, speaker())  # noqa: E731
    draw("forecast", make, alt, say("forms.prices_picture"))


def _review(draw, found) -> None:
    given, words = found.more["scores"], found.more["words"]
    alt = say("forms.alt_review", scores=", ".join(f"{word} {score:.0f}" for word, score in zip(words, given)))
    make = lambda: form_pictures.score_line(given, words, speaker())  # noqa: E731
    draw("score", make, alt, say("forms.review_picture"))


def _digit(draw, found) -> None:
    pixels, shares = found.more["pixels"], found.more["shares"]
    names = [digits.shown(letter) for letter in digits.LETTERS]
    left, right = st.columns([1, 2])
    with left:
        alt = say("forms.alt_digit", dark=int((pixels > 0.5).sum()))
        make = lambda: form_pictures.picture(pixels, speaker())  # noqa: E731
        draw("picture", make, alt, say("forms.digit_picture"), follows=False)
    with right:
        likeliest = ", ".join(f"{names[k]} {shares[t, k]:.2f}" for t, k in enumerate(shares.argmax(axis=1)))
        alt = say("forms.alt_letters", letters=likeliest)
        make = lambda: form_pictures.letter_shares(shares, names, speaker())  # noqa: E731
        draw("letters", make, alt, say("forms.letters_picture"))


def _translation(draw, found) -> None:
    shares = found.more["shares"]
    if shares is None:
        return
    read, written = found.parts[0].enters, found.parts[1].says
    looks = ", ".join(
        f"{word} ← {read[k]} {100 * row[k]:.0f} %" for word, row, k in zip(written, shares, shares.argmax(1))
    )
    make = lambda: form_pictures.attention(shares, read, written, speaker())  # noqa: E731
    draw("attention", make, say("forms.alt_attention", looks=looks), say("forms.attention_picture"))


def _gates(draw, found) -> None:
    """One picture of all gates a network; a decoder's steps go on from those of its encoder."""
    first = 1
    for which, part in zip(("_encoder", "_decoder") if len(found.parts) > 1 else ("",), found.parts):
        trace = part.trace
        states = [q for q in ("c", "h") if q in trace.cell.states]
        shown = [q for q in trace.cell.equations(trace.options) if q not in states] + states
        symbols = ", ".join(without_markup(say(f"symbol.{q}")) for q in shown)
        alt = say("forms.alt_gates", names=symbols, first=first, last=first + trace.T - 1, H=trace.H)
        make = lambda trace=trace, shown=shown, first=first: heatmaps(trace, shown, speaker(), first)  # noqa: E731
        title = say(f"forms.{'gates' if len(shown) > len(states) else 'states'}{which}_picture")
        draw(f"gates{which}", make, alt, title)
        first += trace.T


def _wirings(draw, asked: Asked, cell: str) -> None:
    rows = _wired(asked, cell, current())
    first = ", ".join(
        f"{say(f'choice.form.{form}')} {power_of_ten(float(norm[0]))}" for form, (norm, _) in rows.items()
    )
    make = lambda: form_pictures.gradient_rows(rows, speaker())  # noqa: E731
    draw("wirings", make, say("forms.alt_wirings", first=first), say("forms.wirings_picture"))
    st.caption(say("forms.idealised_wirings"))


def _recall(draw, cell: str) -> None:
    found = recalled(cell)
    said = [
        say(
            "forms.recall_of",
            attention=say(f"choice.attention.{name}"),
            place=int(one.wrong.argmax()) + 1,
            wrong=text(100 * one.wrong.max()),
            foreign=f"{100 * one.foreign.mean():.0f}",
        )
        for name, one in found.items()
    ]
    alt = say("forms.alt_recall", count=NUMBERS, said="; ".join(said))
    make = lambda: recall_lines.recall_lines(found, speaker())  # noqa: E731
    draw("recall", make, alt, say("forms.recall_picture"), details=(cell,), follows=False)
    st.caption(say("forms.idealised_recall"))
