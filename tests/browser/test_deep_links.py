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
from tests.browser.conftest import figure, settle, until_quiet

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


BROKEN = "T=60&amp;H=16&cel=rnn&seed%3D7%26t%3D9&utm_source=mail&fbclid=1"


@pytest.mark.parametrize("page_name", ["", "gates", "long"])
def test_a_link_that_a_mailer_has_broken_is_mended_and_says_so(cold_server, visit, page_name):
    page = visit(f"{cold_server}/{page_name}?{BROKEN}")
    alerts = page.get_by_test_id("stAlert")
    expect(alerts).to_have_count(3)
    for said in ("copied with &amp; in place of &", "“cel=rnn” (did you mean “cell”?)", "percent-encoded twice"):
        expect(alerts.filter(has_text=said)).to_have_count(1)
    assert sorted(page.url.partition("?")[2].split("&")) == ["H=16", "T=60", "seed=7", "t=9"]


@pytest.mark.parametrize("page_name", ["", "gates"])
def test_a_link_of_more_parts_than_are_read(cold_server, visit, page_name):
    """Streamlit takes such a link for none."""
    page = visit(f"{cold_server}/{page_name}?T=60&{'&'.join(f'k{n}=1' for n in range(2000))}")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_have_text(words("en")("note.link_long", given="2,001"))
    page.get_by_role("radio", name="GRU", exact=True).click()
    expect(alert).to_have_count(0)
    page.wait_for_url(f"**/{page_name}?cell=gru")


def test_an_embedded_page_stays_embedded(cold_server, visit):
    page = visit(f"{cold_server}/gates?embed=true&embed_options=show_padding&T=60&utm_source=x")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.get_by_role("radio", name="GRU", exact=True).click()
    page.wait_for_url("**cell=gru**")
    settle(page)
    assert set(page.url.partition("?")[2].split("&")) == {
        "embed=true",
        "embed_options=show_padding",
        "T=60",
        "cell=gru",
    }
    expect(page.locator(".streamlit-embedded")).to_have_count(1)
    page.reload()
    until_quiet(page)
    expect(page.locator(".streamlit-embedded")).to_have_count(1)


def test_the_language_of_the_browser_at_first(server, visit):
    page = visit(server, locale="ko-KR")
    expect(page.locator("h1")).to_contain_text(words("ko")("home.question"))
