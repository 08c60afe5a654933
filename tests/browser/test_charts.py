"""Charts change in place and can be taken away."""

import csv
import io

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.i18n import words
from tests.browser.conftest import chart, figure, settle
from tests.browser.test_moving import press

EN = words("en")


def download(page, name: str, kind: str):
    with page.expect_download() as waiting:
        chart(page, name).get_by_role("button", name=EN(f"toolbar.{kind}")).click()
    return waiting.value


def test_the_zoom_survives_a_change(server, visit):
    page = visit(f"{server}/gates?T=80&H=8")
    figure(page, "unit")  # comes into sight
    plot = chart(page, "unit").locator(".plot .nsewdrag").first
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 42, steps=5)
    page.mouse.up()
    page.wait_for_timeout(400)
    zoomed = figure(page, "unit")["range"]
    assert zoomed[1] - zoomed[0] < 60
    before = figure(page, "unit")["traces"][0]["y"]
    press(page, EN("setting.H"), "ArrowRight")
    after = figure(page, "unit")
    assert after["traces"][0]["y"] != before
    assert after["range"] == zoomed
    chart(page, "unit").get_by_role("button", name=EN("toolbar.reset")).click()
    page.wait_for_timeout(200)
    assert figure(page, "unit")["range"] == [0.5, 80.5]


def test_svg_is_an_svg(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    saved = download(page, "gates", "svg")
    assert saved.suggested_filename == "gates_lstm_prices_T20_H4_seed1.svg"
    text = saved.path().read_text(encoding="utf-8")
    assert text.startswith("<svg") and text.rstrip().endswith("</svg>") and "forget gate" in text


def test_png_is_a_png(server, visit):
    page = visit(f"{server}/gradients?T=20&H=4")
    content = download(page, "gradients", "png").path().read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 20_000


def test_csv_holds_the_numbers(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    rows = list(csv.DictReader(io.StringIO(download(page, "gates", "csv").path().read_text())))
    trace = perform(Experiment(T=20, H=4)).trace
    assert [row["t"] for row in rows] == [str(t) for t in range(1, 21)]
    for gate in "figo":
        for unit in range(4):
            column = [float(row[f"{gate}[{unit + 1}]"]) for row in rows]
            np.testing.assert_allclose(column, trace[gate][:, 0, unit], rtol=1e-6)


def test_full_screen_and_back(server, visit):
    page = visit(f"{server}/gradients?T=20&H=4")
    chart(page, "gradients").get_by_role("button", name=EN("toolbar.full")).click()
    page.wait_for_function("() => document.fullscreenElement?.getAttribute('role') === 'figure'")
    page.evaluate("() => document.exitFullscreen()")
    page.wait_for_function("() => !document.fullscreenElement")


def test_every_chart_is_a_figure_with_a_sentence(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    figures = page.get_by_role("figure").all()
    assert len(figures) == 4
    for one in figures:
        assert "step 5" in one.get_attribute("aria-label")


def test_in_the_dark_everything_is_dark(server, visit):
    page = visit(f"{server}/gates", color_scheme="dark")
    assert figure(page, "gates")["colours"] == "#0e1117"


@pytest.mark.parametrize("page_name", ["", "unrolled", "gates", "gradients", "training"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_sticks_out_at_360_pixels(server, visit, page_name, language):
    page = visit(f"{server}/{page_name}?lang={language}", viewport={"width": 360, "height": 1600})
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(node) => node.scrollWidth") <= 360
    for one in page.locator(".gate-chart figure").all():
        assert one.bounding_box()["width"] <= 360


def test_plotly_is_loaded_once(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    press(page, EN("setting.T"), "ArrowRight")
    settle(page)
    loaded = page.evaluate("performance.getEntriesByType('resource').filter((r) => r.name.includes('plotly-')).length")
    assert loaded == 1
