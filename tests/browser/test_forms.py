"""The four forms in a browser: a drawn digit is spelt, and one cursor goes through stage, gates and attention."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer.cells import CELLS
from explorer.forms import FORMS
from explorer.i18n import words
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.training.translators import ATTENTION
from tests.browser.conftest import chart, settle
from tests.browser.test_moving import query

EN = words("en")
RUNS = [f"form={form}" for form in FORMS if form != "encoder_decoder"]
RUNS += [f"form=encoder_decoder&attention={attention}" for attention in ATTENTION]
RING = [(96 + 55 * np.sin(a), 96 - 75 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 25)]


def by_mouse(page, points) -> None:
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def by_finger(page, points) -> None:
    hand = page.context.new_cdp_session(page)
    for kind, touched in [("Start", points[0]), *(("Move", point) for point in points[1:]), ("End", None)]:
        at = [{"x": touched[0], "y": touched[1]}] if touched else []
        hand.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": at})


def ink(page) -> int:
    """Pixels of the canvas that are drawn on."""
    return page.locator(".gate-sketch canvas").evaluate(
        """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
             .filter((value, k) => k % 4 === 3 && value > 127).length"""
    )


def drawn_on(page, hand) -> None:
    canvas = page.locator(".gate-sketch canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    hand(page, [(box["x"] + x, box["y"] + y) for x, y in RING])
    page.wait_for_function("() => new URLSearchParams(location.search).has('drawn')")
    settle(page)


@pytest.mark.parametrize(("hand", "context"), [(by_mouse, {}), (by_finger, {"has_touch": True})])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_drawn_digit_is_spelt_and_wiped(server, visit, hand, context, lang):
    page = visit(f"{server}/forms?form=vector_to_sequence&cell=gru&lang={lang}", **context)
    text = page.locator("[data-testid=stMain]")
    truth = words(lang)("forms.answer_digit_truth", truth="").split()[0]
    expect(text).to_contain_text(truth)
    drawn_on(page, hand)
    assert ink(page) > 2000
    found = answers.answer(Asked("vector_to_sequence", drawn=query(page)["drawn"]), "gru", lang)
    assert found.text == {"en": "zero", "ko": "영"}[lang], "a ring is a nought"
    expect(text.locator("strong", has_text=found.text).first).to_be_visible()
    expect(text).not_to_contain_text(truth)
    page.get_by_role("button", name=words(lang)("forms.erase")).click()
    page.wait_for_function("() => !new URLSearchParams(location.search).has('drawn')")
    settle(page)
    assert ink(page) == 0
    expect(text).to_contain_text(truth)


def test_a_picture_is_chosen_by_keyboard_and_replaces_a_drawing(server, visit):
    page = visit(f"{server}/forms?form=vector_to_sequence&cell=gru")
    drawn_on(page, by_mouse)
    page.get_by_test_id("stNumberInputField").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function("() => new URLSearchParams(location.search).get('digit') === '4'")
    settle(page)
    assert "drawn" not in query(page) and ink(page) == 0
    found = answers.answer(Asked("vector_to_sequence", digit=4), "gru", "en")
    expect(page.locator("[data-testid=stMain] strong").first).to_have_text(found.text)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("run", RUNS)
def test_every_formula_gives_the_runs_own_number(server, visit, cell, run):
    """Through both networks of a pair, and over what crosses between them, forwards and backwards."""
    page = visit(f"{server}/forms?{run}&cell={cell}&source=천일")
    found = page.locator(".stage").evaluate(
        """({ stage: { run } }) => Object.entries({ ...run.formulas, ...run.chain }).flatMap(([name, formula]) =>
             Array.from({ length: run.T * 5 }, (_, k) => [Math.floor(k / 5), (k % 5) * 3]).map(([t, unit]) =>
               [name, t, run.number(formula, t, unit), run.at(name, t)[unit]]))"""
    )
    for name, t, shown, wanted in found:
        assert shown == pytest.approx(wanted, rel=1e-4, abs=1e-5), (name, t)


def marked(page, name: str) -> int:
    """How many panels of a chart mark the cursor."""
    plot = chart(page, f"form_{name}")
    plot.scroll_into_view_if_needed()
    settle(page)
    return plot.locator(".overlay .now").count()


def test_one_cursor_goes_through_encoder_and_decoder(server, visit):
    page = visit(f"{server}/forms?form=encoder_decoder&cell=gru&attention=dot&t=3")
    T = page.locator(".stage").evaluate("({ stage }) => stage.run.T")
    assert T == 7 and marked(page, "gates_encoder") == 4 and marked(page, "gates_decoder") == 0
    assert marked(page, "attention") == 1
    page.locator(".stage").scroll_into_view_if_needed()
    page.locator(".stage").get_by_role("button", name=EN("stage.player_next")).click()
    expect(page.locator(".lens .chosen .name")).to_have_text(EN("forms.decoder"))
    expect(page.locator(".lens .chosen .says")).to_have_text("twenty")
    assert marked(page, "gates_encoder") == 0 and marked(page, "gates_decoder") == 4
    assert chart(page, "form_attention").locator(".overlay .row").count() == 1
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '4'")


def test_the_player_plays_through_the_form(server, visit):
    page = visit(f"{server}/forms?form=encoder_decoder&cell=gru&t=1")
    page.get_by_label(EN("stage.speed")).select_option("8")
    page.get_by_role("button", name=EN("stage.player_play")).click()
    page.wait_for_function("() => document.querySelector('.stage').stage.cursor.step === 6")
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '7'")


def test_a_click_in_the_gates_moves_the_stage(server, visit):
    page = visit(f"{server}/forms?form=sequence_to_vector&cell=gru&lang=ko&t=1")
    plot = chart(page, "form_gates").locator(".plot")
    plot.scroll_into_view_if_needed()
    settle(page)
    box = plot.locator(".nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    page.wait_for_function("() => document.querySelector('.stage').stage.cursor.step === 2")
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.unit") > 2


def test_a_click_on_a_letter_is_no_unit(server, visit):
    page = visit(f"{server}/forms?form=vector_to_sequence&cell=gru&t=1&u=2")
    plot = chart(page, "form_letters").locator(".plot")
    plot.scroll_into_view_if_needed()
    settle(page)
    box = plot.locator(".nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.2)
    page.wait_for_function("() => document.querySelector('.stage').stage.cursor.step === 5")
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.unit") == 1


def test_a_zoom_into_few_steps_has_whole_ticks(server, visit):
    page = visit(f"{server}/forms?cell=gru")
    plot = chart(page, "form_forecast").locator(".plot")
    plot.scroll_into_view_if_needed()
    settle(page)
    ticks = "(plot) => [...plot.querySelectorAll('.xtick text')].map((tick) => tick.textContent)"
    plot.evaluate("(plot) => Plotly.relayout(plot, { 'xaxis.range': [3.2, 6.1] })")
    page.wait_for_timeout(200)
    assert plot.evaluate(ticks) == ["4", "5", "6"]
    plot.evaluate("(plot) => Plotly.relayout(plot, { 'xaxis.range': [0.5, 104.5] })")
    page.wait_for_timeout(200)
    assert plot.evaluate(ticks) == ["20", "40", "60", "80", "100"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_nothing_sticks_out_on_a_phone(server, visit, form, lang):
    page = visit(f"{server}/forms?form={form}&cell=lstm&lang={lang}", viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator(".stage").evaluate("(stage) => stage.scrollWidth - stage.clientWidth") <= 0


def test_the_form_can_be_taken_away_as_a_replay(server, visit, new_context, tmp_path):
    page = visit(f"{server}/forms?form=encoder_decoder&cell=lstm&attention=additive&t=3")
    page.locator(".saving").evaluate("(menu) => (menu.open = true)")
    with page.expect_download() as waiting:
        page.locator(".saving").get_by_role("button", name="(HTML)").click()
    assert waiting.value.suggested_filename == "encoder_decoder_lstm.html"
    target = tmp_path / "replay.html"
    waiting.value.save_as(target)
    alone = new_context(offline=True).new_page()
    alone.goto(target.as_uri())
    alone.locator(".stage").get_by_role("button", name=EN("stage.player_next")).click()
    expect(alone.locator(".lens .chosen .says")).to_have_text("twenty")
    expect(alone.locator("main > p")).to_contain_text(EN("stage.replay_note_trained"))
