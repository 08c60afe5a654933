"""Long sequences in a real browser: run, watched, stopped, left and come back to; a peak that zooming brings out."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment
from explorer.i18n import LANGUAGES, words
from explorer.long_series import needle, series
from tests.browser.conftest import figure, serving, settle

SLOW = "n=1000000&H=64"  # minutes: long enough to be stopped


@pytest.fixture(scope="module")
def small_server(tmp_path_factory):
    """One worker, and who has closed the tab has left after two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_WORKERS", "1")
        patch.setenv("EXPLORER_PATIENCE", "2")
        with serving(tmp_path_factory.mktemp("server") / "log") as url:
            yield url


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def done(page):
    expect(page.get_by_text("Done in")).to_be_visible(timeout=60_000)
    settle(page)


def test_a_run_to_its_end_while_other_pages_are_open(small_server, visit):
    page = visit(f"{small_server}/long?n=20000&H=16&fb=0&src=noise")
    page.get_by_role("link", name="Gates").click()
    expect(page.locator("h1")).to_contain_text("gates")
    page.get_by_role("link", name="Long sequences").click()
    done(page)
    gradient = figure(page, "long")["traces"][-2]
    assert gradient["y"][-1] == pytest.approx(0, abs=1e-9) and min(gradient["y"]) < -2900


def test_cancelling_and_the_queue_and_a_closed_tab(small_server, visit):
    first, second = visit(f"{small_server}/long?{SLOW}"), visit(f"{small_server}/long?n=1000&H=4")
    done(second)  # nothing was asked for yet
    button(first, "Run").click()
    expect(first.get_by_text(re.compile(r"\d+ %, about .+ left"))).to_be_visible(timeout=30_000)
    third = visit(f"{small_server}/long?n=1000&H=5")
    expect(third.get_by_text("place 1 in the queue")).to_be_visible(timeout=10_000)
    button(first, "Cancel").click()
    expect(button(first, "Run")).to_be_visible(timeout=10_000)
    done(third)
    button(first, "Run").click()
    expect(button(first, "Cancel")).to_be_visible(timeout=10_000)
    fourth = visit(f"{small_server}/long?n=1000&H=6")
    expect(fourth.get_by_text("place 1 in the queue")).to_be_visible(timeout=10_000)
    first.close()
    done(fourth)


def test_zooming_draws_from_all_numbers(server, visit):
    """The needle among a million steps is in the picture from the start, and stands between its neighbours after."""
    page = visit(f"{server}/long?n=1000000&H=64")
    at, x = needle(1_000_000, Experiment().input_seed), series("needle", 1_000_000, seed=1)
    whole = figure(page, "long")["traces"][0]
    assert max(whole["y"]) == 5 and whole["x"][int(np.argmax(whole["y"]))] == at + 1
    assert at not in whole["x"] or at + 2 not in whole["x"]  # its neighbours are not
    for _ in range(3):
        plot = page.locator(".st-key-chart_long .plot")
        drawn = figure(page, "long")["drawn"]
        place = plot.evaluate(
            """(plot, step) => {
                 const { xaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
                 return [box.left + xaxis._offset + xaxis.d2p(step), box.top + plot._fullLayout.yaxis._offset + 20,
                         box.left + xaxis._offset, box.left + xaxis._offset + xaxis._length];
               }""",
            at + 1,
        )
        middle, y, left, right = place
        page.mouse.move(max(left + 1, middle - 12), y)
        page.mouse.down()
        page.mouse.move(min(right - 1, middle + 12), y, steps=4)
        page.mouse.up()
        page.wait_for_function(
            "([n]) => Number(document.querySelector('.st-key-chart_long .plot').dataset.drawn) > n", arg=[drawn]
        )
        settle(page)
    zoomed = figure(page, "long")
    first, last = zoomed["range"]
    inside = {int(s): v for s, v in zip(zoomed["traces"][0]["x"], zoomed["traces"][0]["y"]) if first < s < last}
    assert last - first < 500 and len(inside) > last - first - 2
    exact = x(at - 1, at + 2)[:, 0, 0]
    np.testing.assert_allclose([inside[at], inside[at + 1], inside[at + 2]], exact, rtol=1e-6)
    expect(page.get_by_text(f"Found: the needle is at step {at + 1:,}")).to_be_visible()
    again = visit(page.url)  # the link shows the same part, and can be left
    assert figure(again, "long")["range"] == zoomed["range"]
    again.locator(".st-key-chart_long button.reset").click()
    again.wait_for_function("() => !location.search.includes('first=')")
    settle(again)
    assert figure(again, "long")["range"] == [0.5, 1_000_000.5]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_upload_speaks_the_language_of_the_page(server, visit, lang):
    page = visit(f"{server}/long?lang={lang}&src=own")
    zone = page.get_by_test_id("stFileUploaderDropzone")
    said = """(node) => [getComputedStyle(node).fontSize, getComputedStyle(node, "::after").content]"""
    button, kinds = zone.locator("button p"), zone.get_by_test_id("stFileUploaderDropzoneInstructions").locator("span")
    assert button.evaluate(said) == ["0px", f'"{words(lang)("upload.button")}"']
    assert kinds.last.evaluate(said) == ["0px", f'"{words(lang)("upload.kinds")}"']
