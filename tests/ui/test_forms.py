"""The page of the four forms: it answers what a visitor makes up, and says in words what it cannot."""

import re
from dataclasses import replace

import numpy as np
import pytest

from explorer.cells import CELLS
from explorer.forms import FORMS
from explorer.i18n import table, words
from explorer.numerals import text
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.trained.recall import recall
from explorer.ui.components.packing import unpack
from explorer.ui.components.sketch import read
from tests.ui.visiting import OVERFLOW, bring, charts, fine, link, on_stage, pictures, until_over, visit


def said(at) -> str:
    return " ".join(element.value for element in at.markdown)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_answered_and_drawn(form, lang):
    at = visit("forms", form=form, lang=lang, cell="gru", attention="dot")
    assert not at.warning
    drawn = charts(at)
    assert "form_wirings" in drawn and any("gates" in name for name in drawn)
    assert all(chart["alt"] and "{" not in chart["alt"] for chart in drawn.values())


def test_the_textbook_example():
    at = visit("forms", form="sequence_to_vector", lang="ko")
    assert "추천해요 굉장히 좋다" in said(at) and "95점" in said(at)


def test_what_is_typed_is_in_the_link():
    at = visit("forms", form="sequence_to_vector", cell="gru")
    [field] = [w for w in at.text_input if w.label == words("en")("forms.review")]
    field.set_value("this book is not good")
    fine(at.run())
    assert link(at)["review"] == "this book is not good" and "this book is not good" in said(at)
    again = visit("forms", **link(at))
    assert said(again) == said(at)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"form": "sequence_to_vector", "review": " "}, "forms.refused_empty"),
        ({"company": "own"}, "forms.refused_numbers_none"),
        ({"company": "own", "prices": "1 2 nan"}, "forms.refused_numbers_bad"),
        ({"company": "own", "prices": "1 1 1"}, "forms.refused_series"),
        ({"company": "own", "prices": "1 2 1e31"}, "forms.refused_numbers_bad"),
        ({"company": "own", "prices": "3 " * 600}, "forms.refused_numbers_many"),
        ({"form": "sequence_to_vector", "review": "!?"}, "forms.refused_empty"),
        ({"form": "encoder_decoder", "source": "십만"}, "forms.refused_source"),
        ({"form": "encoder_decoder", "source": " "}, "forms.refused_source"),
        ({"form": "vector_to_sequence", "drawn": "0"}, "forms.refused_picture"),
        ({"form": "vector_to_sequence", "drawn": "0" * 64}, "forms.refused_picture"),
        ({"form": "encoder_decoder", "source": "<b>x</b>"}, "forms.refused_source"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_bad_input_gets_one_sentence(query, key, lang):
    at = visit("forms", lang=lang, **query)
    pattern = re.sub(r"\\\{.*?\\\}", ".*", re.escape(table(lang)[key]))
    assert len(at.warning) == 1 and not charts(at)
    assert re.fullmatch(pattern, at.warning[0].value), at.warning[0].value


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("query", "enters", "says", "loss"),
    [
        ({"form": "sequence_to_vector", "review": "추천해요 굉장히 좋다"}, "111", ["", "", "95"], [3]),
        ({"form": "vector_to_sequence", "digit": "3"}, "100000", None, [1, 2, 3, 4, 5, 6]),
        ({"form": "encoder_decoder"}, "1111111", ["", "", "", "twenty", "-", "three", "□"], [4, 5, 6, 7]),
    ],
)
def test_the_stage_shows_what_enters_and_what_counts(query, enters, says, loss, lang):
    about, run = on_stage(visit("forms", cell="lstm", lang=lang, **query))
    assert "".join(str(int(entered)) for entered in run["form"]["enters"]) == enters
    assert says is None or run["form"]["says"] == says
    assert run["loss"] == loss and run["T"] == len(enters)
    assert about["alone"] == (query["form"] == "encoder_decoder")  # two networks: whence a number is, without a proof
    direct = np.linalg.norm(run["direct"], axis=1)
    np.testing.assert_allclose(direct, [float(t + 1 in loss) for t in range(run["T"])], atol=1e-6)


def test_a_number_on_the_stage_is_proved():
    at = visit("forms", form="sequence_to_vector", cell="lstm", t="2", u="3", level="2", q="f")
    here = *(at.session_state[part] for part in ("experiment", "asked")), 2, 3, 2, "f", False
    at.session_state["to_prove"] = ("da_f", 2, 3, False), here
    proof = on_stage(fine(at.run()))[0]["proof"]
    assert {name: check["verdict"] for name, check in proof["checks"].items()} == dict(
        torch="agrees", difference="agrees"
    )
    at.session_state["asked"] = replace(at.session_state["asked"], review="좋다")
    at.session_state["touched"] = True
    assert on_stage(fine(at.run()))[0]["proof"] is None and "to_prove" not in at.session_state


def test_the_encoders_last_state_crosses_to_the_decoder():
    _, run = on_stage(visit("forms", form="encoder_decoder", cell="lstm"))
    found = answers.answer(Asked("encoder_decoder"), "lstm", "en")
    encoder, decoder = (part.trace for part in found.parts)
    assert run["second"]["from"] == encoder.T and run["form"]["names"] == ["encoder", "decoder"]
    for state in ("h", "c"):
        both = np.concatenate([encoder[state][:, 0], decoder[state][:, 0]])
        np.testing.assert_array_equal(run["values"][state], both.astype(np.float32))
    assert {name: array.shape for name, array in run["second"]["params"].items()} == {
        name: array.shape for name, array in decoder.params.items()
    }


def test_the_cursor_stays_inside_the_form():
    at = visit("forms", form="encoder_decoder", cell="gru", t="400", u="64", T="12", H="4")
    cursor = on_stage(at)[0]["cursor"]
    assert (cursor["step"], cursor["unit"]) == (7, 48) and link(at)["t"] == "400"
    assert charts(at)["form_gates_decoder"]["cursor"] == {"step": 7, "unit": 48}


def test_gates_of_the_decoder_go_on_where_the_encoder_ends():
    figures = {name: unpack(figure) for name, figure in pictures(visit("forms", form="encoder_decoder")).items()}
    encoder, decoder = figures["form_gates_encoder"], figures["form_gates_decoder"]
    assert encoder["layout"]["xaxis"]["range"] == [0.5, 3.5] and decoder["layout"]["xaxis"]["range"] == [3.5, 7.5]
    assert {trace["x0"] for trace in decoder["data"]} == {4} and decoder["layout"]["xaxis"]["dtick"] == 1


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_recall_says_its_numbers(cell, lang):
    alt = charts(visit("forms", form="encoder_decoder", cell=cell, lang=lang))["form_recall"]["alt"]
    for one in recall(cell).values():
        assert text(100 * one.wrong.max()) in alt and f"{100 * one.foreign.mean():.0f} %" in alt


def test_nothing_without_effect_is_offered():
    for cell in CELLS:
        at = visit("forms", cell=cell)
        assert not at.sidebar.expander and not at.sidebar.slider and not at.sidebar.number_input
    assert visit("gates").sidebar.expander


def test_what_went_out_of_bounds_in_the_experiment_is_not_said_here():
    assert visit("gates", **OVERFLOW).warning and not visit("forms", **OVERFLOW).warning


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("data", "key", "details"),
    [
        (b"day,name\nmon,a\ntue,b\n" + b"x,y\n" * 20, "table.refused_none", {}),
        (b"", "table.refused_none", {}),
        (b"price\n", "table.refused_none", {}),
        (b"\xff\xfe\x00", "table.refused_text", {}),
        (b"1.5\n" * 10**6, "forms.refused_numbers_many", {"most": 500, "count": 10**6}),
        (b"1.5\n" * (10**6 + 1), "table.refused_many", {"most": "1,000,000", "count": "1,000,001"}),
        (b"123.456\n" * 400, "forms.refused_numbers_many", {"most": 250, "count": 400}),
        (b"1\n2\nnan\n" * 3, "table.refused_missing", {"count": 3, "rows": "3, 6, 9"}),
        (b"1\n2\n1e31\n", "table.refused_infinite", {"column": "“1”", "row": 3, "cell": "“1e31”"}),
    ],
    ids=["words", "empty", "head", "bytes", "million", "more", "long", "nan", "infinite"],
)
def test_a_file_that_is_no_series_gets_one_sentence(data, key, details, lang):
    at = bring(visit("forms", company="own", prices="1 2 3 4 5 6 7 8 9 8 7 6 5", lang=lang), data)
    assert [w.value for w in at.warning] == [words(lang)(key, **details)]
    assert "form_forecast" in charts(at), "what was there before is still answered"


def test_a_file_is_taken():
    prices = [10 + (-1) ** k * k / 7 for k in range(40)]
    data = "day,price\n" + "".join(f"{k},{price}\n" for k, price in enumerate(prices))
    at = bring(visit("forms", company="own"), data.encode())
    assert not at.warning and [float(price) for price in link(at)["prices"].split()] == prices, "with all digits"
    assert "form_forecast" in charts(at)


@pytest.mark.parametrize(
    ("size", "change"), [(71_234_000, 1500), (1.7e9, 0.5), (2e15, 3e13), (8e29, 1e28), (1e-6, 1e-8)]
)
def test_prices_of_any_size_are_forecast(size, change):
    """Won prices of millions, and changes that are small beside them."""
    prices = [size + change * (k % 5 - k % 3) for k in range(40)]
    at = bring(visit("forms", company="own"), b"price\n" + "\n".join(map(repr, prices)).encode())
    assert not at.warning and [float(price) for price in link(at)["prices"].split()] == prices
    drawn = unpack(charts(at)["form_forecast"]["figure"])["data"]
    np.testing.assert_allclose(np.diff(drawn[0]["y"]) / change, np.diff(prices[1:]) / change, atol=1e-6)
    again = visit("forms", **link(at))
    assert not again.warning and said(again) == said(at)


@pytest.mark.parametrize(("setting", "column"), [("close", "close"), (None, "volume")])
def test_a_column_is_chosen_and_stands_in_the_link(setting, column):
    rows = [(f"2024-01-{k:02}", 100 + k % 7, k * k) for k in range(1, 29)]
    data = "day;close;volume\n" + "\n".join(f"{day};{close},5;{volume}" for day, close, volume in rows)
    at = bring(visit("forms", company="own"), data.encode())
    if setting:
        [select] = [w for w in at.selectbox if w.label == words("en")("table.column")]
        assert select.options == ["close", "volume"] and select.value == "volume"
        select.set_value("close")
        at = until_over(fine(at.run()))
        assert link(at)["col"] == "close"
    wanted = [close + 0.5 if setting else volume for _, close, volume in rows]
    assert [float(price) for price in link(at)["prices"].split()] == wanted


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_list_that_may_be_several_is_asked_about_and_answered_with_a_click(lang):
    typed = ", ".join(f"{70 + k % 4},{k}00" for k in range(1, 10)) + ", 71,500, 70,900, 72,100"
    at = visit("forms", company="own", lang=lang)
    at.text_area[0].set_value(typed)
    fine(at.run())
    assert at.warning[0].value == words(lang)("table.refused_comma", piece="“71,100”")
    assert "prices" not in link(at) and at.text_area[0].value == typed
    [which] = at.radio
    assert which.label == words(lang)("table.which") and len(which.options) == 3
    [meant] = [k for k, option in enumerate(which.options) if option.startswith("71100")]
    which.set_value(meant)
    fine(at.run())
    assert not at.warning and not at.radio
    assert link(at)["prices"].startswith("71100 72200 73300 70400") and len(link(at)["prices"].split()) == 12


@pytest.mark.parametrize("prices", ["1,5; 2,5; 1,5; 3,5", "70,100, 71,200, 70,300", "1,000.5 1,000.6"])
def test_a_link_that_may_mean_several_is_asked_about(prices):
    at = visit("forms", company="own", prices=prices)
    assert len(at.warning) == 1 and at.radio and not charts(at)
    assert at.text_area[0].value == prices
    at.radio[0].set_value(0)
    fine(at.run())
    assert "," not in link(at)["prices"] and not at.radio


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("query", "label", "typed", "key", "details"),
    [
        ({"form": "sequence_to_vector"}, "review", "good " * 50, "forms.refused_long", {"most": 200, "count": 250}),
        ({"form": "encoder_decoder"}, "source", "일" * 31, "forms.refused_long", {"most": 30, "count": 31}),
        ({"company": "own"}, "prices", "1.25\n" * 10**5, "forms.refused_numbers_many", {"most": 500, "count": 10**5}),
        ({"company": "own"}, "prices", "1000.25 " * 300, "forms.refused_numbers_many", {"most": 250, "count": 300}),
        (
            {"company": "own"},
            "prices",
            "1.25 " * 450 + "x",
            "forms.refused_numbers_bad",
            {"place": 451, "piece": "x"},
        ),
    ],
    ids=["review", "source", "rows", "digits", "bad"],
)
def test_what_is_too_long_gets_one_sentence(query, label, typed, key, details, lang):
    at = visit("forms", lang=lang, **query)
    before = len(at.warning)  # one's own prices begin empty
    [field] = [w for w in (*at.text_input, *at.text_area) if w.label == words(lang)(f"forms.{label}")]
    field.set_value(typed)
    said_now = [w.value for w in fine(at.run()).warning]
    assert said_now[0] == words(lang)(key, **details) and len(said_now) == before + 1
    assert label not in link(at)


def test_unknown_words_are_said_and_left_out():
    at = visit("forms", form="sequence_to_vector", review="this qwxz book is good", cell="gru")
    assert "qwxz" in said(at) and not at.warning
    at = visit("forms", form="sequence_to_vector", review="qwxz <b>blorp</b>", cell="gru")
    assert len(at.warning) == 1 and "qwxz" in at.warning[0].value and "<b>" not in at.warning[0].value


def test_a_picture_that_is_chosen_takes_the_place_of_a_drawing():
    at = visit("forms", form="vector_to_sequence", cell="gru", drawn="g" * 64)
    [field] = at.number_input
    field.set_value(9)
    fine(at.run())
    assert link(at)["digit"] == "9" and "drawn" not in link(at)


def test_own_prices_are_forecast():
    prices = ",".join(f"{price:.3f}" for price in np.random.default_rng(0).standard_normal(30).cumsum())
    at = visit("forms", company="own", prices=prices)
    figure = unpack(charts(at)["form_forecast"]["figure"])
    assert len(figure["data"][2]["y"]) == 29


def test_a_drawing_that_is_none_is_empty():
    assert not read("2" * 1024).any() and not read(None).any() and read("1" * 1024).all()


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_words_that_it_knows_can_be_looked_up(lang):
    [field] = visit("forms", form="sequence_to_vector", lang=lang).text_input
    for word in {"en": ("good", "recommend", "not"), "ko": ("추천해요", "않아요")}[lang]:
        assert word in field.help
