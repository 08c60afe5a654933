"""A link opened on a cold server shows exactly the picture it was copied from."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment, perform
from explorer.i18n import LANGUAGES, words
from explorer.measures import norm
from explorer.performing import rivals
from explorer.trained.answers import answer
from explorer.trained.asking import Asked
from explorer.training import Training, TrainingRun
from explorer.training.racing import entered, picture
from tests.browser.conftest import figure

LINK = "cell=gru&input=sine&T=60&H=16&seed=7&fb=1.5&gain=1.2&loss=40&t=9&u=3"
EXPERIMENT = Experiment(cell="gru", input="sine", T=60, H=16, seed=7, forget_bias=1.5, gain=1.2, loss="40")


def check_home(page):
    curve = np.log10(norm(perform(rivals(EXPERIMENT)["gru"]).grads.state["h"])[:40, 0])
    drawn = figure(page, "memory")["traces"][1]
    np.testing.assert_allclose(drawn["y"][:40], curve, rtol=1e-5, atol=1e-6)


def check_unrolled(page):
    h = perform(EXPERIMENT).trace["h"][:, 0]
    shown = page.locator(".stage").evaluate(
        "({ stage }) => ({ ...stage.cursor, h: stage.run.values.h.map((row) => Array.from(row)) })"
    )
    assert (shown["step"], shown["unit"]) == (8, 2)
    np.testing.assert_allclose(shown["h"], h, rtol=1e-6, atol=1e-7)


def check_gates(page):
    trace = perform(EXPERIMENT).trace
    drawn = figure(page, "gates")["traces"]
    assert [panel["name"] for panel in drawn] == ["r", "z", "n", "h"]
    for panel in drawn:
        np.testing.assert_allclose(panel["z"], trace[panel["name"]][:, 0].T, rtol=1e-6, atol=1e-7)


def check_gradients(page):
    drawn = {trace["name"]: trace["y"] for trace in figure(page, "gradients")["traces"]}
    assert len(drawn) == 6
    for rival in rivals(EXPERIMENT).values():
        curve = np.log10(norm(perform(rival).grads.state["h"])[:40, 0])
        assert any(np.allclose(y[:40], curve, rtol=1e-5, atol=1e-6) for y in drawn.values()), rival


def check_forms(page):
    """The link says GRU and no form: the first company's prices, and what the shipped GRU says of them."""
    said = answer(Asked(), "gru", "en").more["forecast"].said
    lines = [trace["y"] for trace in figure(page, "form_forecast")["traces"]]
    np.testing.assert_allclose(lines[2], said, rtol=1e-6)


def check_long(page):
    drawn = figure(page, "long")["traces"][0]
    assert drawn["x"][-1] == 20_000 and max(drawn["y"]) == 5


def check_training(page):
    drawn = figure(page, "gradient_steps")["traces"]
    trained = Training(cell="gru", H=16, seed=7, forget_bias=1.5, gain=1.2)
    for k, name in enumerate(("rnn_tanh", "gru", "lstm")):
        reach = picture(TrainingRun(entered(trained, [name])[name])).reach["h"]
        np.testing.assert_array_equal(drawn[k]["y"], reach)


CHECKS = {"": check_home, "unrolled": check_unrolled, "gates": check_gates, "gradients": check_gradients}
CHECKS |= {"long": check_long, "training": check_training, "forms": check_forms}
TITLES = {
    "": ("home.question", {}),
    "unrolled": ("unrolled.question", {"cell": "GRU"}),
    "gates": ("gates.question", {}),
    "gradients": ("gradients.question", {}),
    "forms": ("forms.question", {}),
    "long": ("long.question", {}),
    "training": ("training.recall_question", {"distance": 50}),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page_name", CHECKS)
def test_cold_deep_link(cold_server, visit, page_name, language):
    page = visit(f"{cold_server}/{page_name}?{LINK}&lang={language}")
    key, values = TITLES[page_name]
    expect(page.locator("h1")).to_contain_text(words(language)(key, **values))
    expect(page.locator(".gate-chart, .stage").first).to_be_visible()
    CHECKS[page_name](page)
    for part in (*LINK.split("&"), f"lang={language}"):
        assert part in page.url, (part, page.url)


def test_a_link_that_asks_too_much_is_answered_in_words(cold_server, visit):
    page = visit(f"{cold_server}/gates?H=999&T=60&fb=nan&input=own&x=a,b")
    alerts = page.get_by_test_id("stAlert")
    expect(alerts).to_have_count(4)
    expect(alerts.filter(has_text="999")).to_have_count(1)
    assert len(figure(page, "gates")["traces"][0]["z"]) == 32


def test_the_language_of_the_browser_at_first(server, visit):
    page = visit(server, locale="ko-KR")
    expect(page.locator("h1")).to_contain_text(words("ko")("home.question"))
