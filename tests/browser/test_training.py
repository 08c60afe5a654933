"""Training in a real browser: curves grow, a page is left and come back to, two times are scrubbed, a tab closed."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer.i18n import words
from explorer.training import Training, TrainingRun
from explorer.training.racing import entered
from tests.browser.conftest import chart, figure, serving, settle

EN = words("en")
QUICK = "distance=5&H=8&batch=8&rate=0.02&nets=rnn_tanh,lstm"
SLOW = f"{QUICK}&updates=20000"


@pytest.fixture(scope="module")
def small_server(tmp_path_factory):
    """One worker, and who has closed the tab has left after two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_WORKERS", "1")
        patch.setenv("EXPLORER_PATIENCE", "2")
        with serving(tmp_path_factory.mktemp("server") / "log") as url:
            yield url


def button(page, name: str):
    return page.get_by_role("button", name=EN(f"training.{name}"), exact=True)


def line(page, name: str, network: str) -> list[float]:
    return next(trace["y"] for trace in figure(page, name)["traces"] if trace["name"] == EN(f"network.{network}"))


def points(page, name="score") -> int:
    """How long the first line of a chart is now, while it is drawn again and again."""
    return chart(page, name).locator(".plot").evaluate("(plot) => plot._fullData?.[0]?.y?.length ?? 0")


def test_a_training_to_its_end_while_another_page_is_open(small_server, visit):
    page = visit(f"{small_server}/training?{QUICK}&updates=300")
    button(page, "start").click()
    page.wait_for_function("() => document.querySelector('.st-key-chart_score .plot')._fullData[0].y.length > 20")
    page.get_by_role("link", name=EN("page.gates"), exact=True).click()
    expect(page.locator("h1")).to_contain_text(EN("gates.question"))
    page.get_by_role("link", name=EN("page.training"), exact=True).click()
    expect(page.get_by_text(EN("training.done", made=300, planned=300))).to_be_visible(timeout=60_000)
    settle(page)
    shut = button(page, "resume").locator("p")  # there is nothing left to do, and that can be read
    assert shut.evaluate("(words) => getComputedStyle(words).color") != "rgb(255, 255, 255)"
    trained = Training(distance=5, H=8, B=8, rate=0.02, updates=300)
    run = TrainingRun(entered(trained, ["lstm"])["lstm"])
    list(run.advance())
    np.testing.assert_allclose(line(page, "loss", "lstm"), run.history["loss"], rtol=1e-6)
    rows = figure(page, "gradient_map")["traces"][1]["z"]
    assert len(rows) == 101 and np.isfinite(rows).all()

    # Both times together: a click on a map moves the cuts and the link, and draws no map anew.
    plot = chart(page, "gradient_map").locator(".plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 2.5 / 6, box["y"] + box["height"] * 0.5)
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '3'")
    settle(page)
    after = int(re.search(r"after=(\d+)", page.url)[1])
    assert 120 <= after <= 180 and after % 3 == 0
    np.testing.assert_array_equal(line(page, "gradient_steps", "lstm"), np.float32(rows[after // 3]))


def test_a_pause_a_step_a_rewind_and_the_queue(small_server, visit):
    page = visit(f"{small_server}/training?{SLOW}")
    first = line(page, "loss", "lstm")
    button(page, "start").click()
    expect(page.get_by_text(re.compile(r"Update \d+ of 20000, about .+ left"))).to_be_visible(timeout=30_000)
    other = visit(f"{small_server}/training?{SLOW}&seed=2")
    button(other, "start").click()
    expect(other.get_by_text(EN("training.waiting", place=1))).to_be_visible()
    button(page, "pause").click()
    shown = page.get_by_text(re.compile(r"Paused at update \d+ of 20000"))
    expect(shown).to_be_visible()
    made = int(re.search(r"\d+", shown.inner_text())[0])
    expect(other.get_by_text(re.compile(r"Update \d+ of 20000"))).to_be_visible(timeout=20_000)
    other.close()  # a closed tab ends its run: the worker is free again
    button(page, "step").click()
    expect(page.get_by_text(EN("training.paused", made=made + 1, planned=20000))).to_be_visible(timeout=30_000)
    button(page, "rewind").click()
    expect(page.get_by_text(EN("training.untrained", made=0, planned=20000))).to_be_visible()
    settle(page)
    assert line(page, "loss", "lstm") == first


def test_a_study_is_a_plain_link(server, visit):
    page = visit(f"{server}/training?lang=en")
    page.get_by_role("button", name=EN("training.questions")).click()
    page.get_by_role("link", name=EN("study.opened")).click()
    expect(page.locator("h1")).to_contain_text(EN("training.recall_question", distance=100))
    settle(page)
    for part in ("distance=100", "fb=5", "lang=en", "dtype=float32"):
        assert part in page.url


def test_nothing_greys_out_while_it_streams(small_server, visit):
    page = visit(f"{small_server}/training?{SLOW}&seed=3")
    button(page, "start").click()
    page.wait_for_function("() => document.querySelector('.st-key-chart_score .plot')._fullData[0].y.length > 5")
    faintest = page.evaluate(
        """() => new Promise((resolve) => {
             let least = 1;
             const look = () => document.querySelectorAll("[data-testid=stMain] [data-testid=stElementContainer]")
               .forEach((node) => (least = Math.min(least, Number(getComputedStyle(node).opacity))));
             const again = setInterval(look, 30);
             setTimeout(() => { clearInterval(again); resolve(least); }, 2500);
           })"""
    )
    assert faintest == 1 and points(page) > 6, "the curve has grown meanwhile"
    button(page, "pause").click()
    expect(page.get_by_text(re.compile("Paused at update"))).to_be_visible()
