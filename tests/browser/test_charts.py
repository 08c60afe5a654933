"""Charts change in place and can be taken away."""

import codecs
import csv
import io
from urllib.parse import urlencode

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.i18n import words
from explorer.measures import norm
from explorer.ui.frame import PAGES
from tests.browser.conftest import chart, figure, settle
from tests.browser.test_moving import press

EN = words("en")


def download(page, name: str, kind: str):
    chart(page, name).locator(".plot").scroll_into_view_if_needed()
    with page.expect_download() as waiting:
        chart(page, name).locator(f"button.{kind}").click()
    return waiting.value


def taken_away(page, name: str) -> list[dict[str, str]]:
    """The rows of a chart's CSV."""
    return list(csv.DictReader(io.StringIO(download(page, name, "csv").path().read_text(encoding="utf-8-sig"))))


def zoom(page, name: str) -> list[float]:
    """Draw a frame over part of the time axis; what is then shown of it."""
    figure(page, name)  # comes into sight
    box = chart(page, name).locator(".plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 42, steps=5)
    page.mouse.up()
    page.wait_for_timeout(400)
    return figure(page, name)["range"]


def test_the_zoom_survives_a_change(server, visit):
    page = visit(f"{server}/gates?T=80&H=8")
    zoomed = zoom(page, "unit")
    assert zoomed[1] - zoomed[0] < 60
    before = figure(page, "unit")["traces"][0]["y"]
    press(page, EN("setting.H"), "ArrowRight")
    after = figure(page, "unit")
    assert after["traces"][0]["y"] != before
    assert after["range"] == zoomed
    chart(page, "unit").get_by_role("button", name=EN("toolbar.reset")).click()
    page.wait_for_timeout(200)
    assert figure(page, "unit")["range"] == [0.5, 80.5]


def test_the_zoom_survives_another_length(server, visit):
    """Both ends of it; and what a shorter sequence does not have is left out."""
    page = visit(f"{server}/gates?T=80&H=8")
    zoomed = zoom(page, "unit")
    press(page, EN("setting.T"), "ArrowRight")
    assert figure(page, "unit")["range"] == zoomed
    for _ in range(3):
        press(page, EN("setting.T"), "PageDown")
    T = len(figure(page, "unit")["traces"][0]["y"])
    low, high = figure(page, "unit")["range"]
    assert T < 80 and high <= T + 0.5 and (low == zoomed[0] or (low, high) == (0.5, T + 0.5))
    chart(page, "unit").get_by_role("button", name=EN("toolbar.reset")).click()
    page.wait_for_timeout(200)
    assert figure(page, "unit")["range"] == [0.5, T + 0.5]


def test_the_cursor_keeps_its_place_in_full_screen(server, visit):
    page = visit(f"{server}/gates?T=60&H=8&t=30")
    figure(page, "unit")
    chart(page, "unit").get_by_role("button", name=EN("toolbar.full")).click()
    page.wait_for_function("() => document.fullscreenElement")
    page.wait_for_timeout(500)
    off = chart(page, "unit").evaluate(
        """(host) => {
             const plot = host.querySelector(".plot"), { xaxis } = plot._fullLayout;
             const line = host.querySelector(".overlay .now").getBoundingClientRect();
             return plot.getBoundingClientRect().left + xaxis._offset + xaxis.d2p(30) - (line.left + line.width / 2);
           }"""
    )
    assert abs(off) <= 1.5


def test_the_page_says_in_which_language_it_is(server, visit):
    page = visit(f"{server}/gates?T=20&H=4&lang=ko")
    assert page.evaluate("() => document.documentElement.lang") == "ko"


def test_a_held_key_never_empties_a_chart(server, visit):
    page = visit(f"{server}/?T=60")
    figure(page, "memory")
    page.evaluate(
        """() => {
             window.emptied = 0;
             const host = document.querySelector(".gate-chart");
             new MutationObserver(() => { if (!host.querySelector(".plot .main-svg")) window.emptied++; })
               .observe(host, { childList: true, subtree: true });
           }"""
    )
    page.get_by_role("slider", name=EN("setting.T")).first.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(33)
    settle(page)
    assert page.evaluate("() => window.emptied") == 0
    assert page.evaluate("() => document.querySelector('.gate-chart').isConnected")


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
    rows = taken_away(page, "gates")
    trace = perform(Experiment(T=20, H=4)).trace
    assert [row["t"] for row in rows] == [str(t) for t in range(1, 21)]
    for gate in "figo":
        for unit in range(4):
            column = [float(row[f"{gate}[{unit + 1}]"]) for row in rows]
            np.testing.assert_allclose(column, trace[gate][:, 0, unit], rtol=1e-6)


def test_csv_says_what_its_numbers_are(server, visit):
    """Indices are written, logarithms say so, 32 bits show no more digits than they have, Hangul is marked as UTF-8."""
    page = visit(f"{server}/gates?T=20&H=4&lang=ko")
    rows = taken_away(page, "unit")
    trace = perform(Experiment(T=20, H=4)).trace
    assert list(rows[0]) == ["t", "f_t", "i_t", "g_t", "o_t", "C_t", "h_t"]
    assert [row["f_t"] for row in rows] == [str(number) for number in trace["f"][:, 0, 0].astype(np.float32)]
    assert download(page, "half_life", "csv").path().read_bytes().startswith(codecs.BOM_UTF8)
    page = visit(f"{server}/?T=20&H=4")
    rows = taken_away(page, "memory")
    assert list(rows[0]) == ["t", "log₁₀ RNN, tanh", "log₁₀ GRU", "log₁₀ LSTM"]
    norms = norm(perform(Experiment(T=20, H=4)).grads.state["h"])[:, 0]
    np.testing.assert_allclose([float(row["log₁₀ LSTM"]) for row in rows], np.log10(norms), rtol=1e-5, atol=1e-6)


def test_numbers_beyond_32_bits_are_drawn_and_taken_away(server, visit):
    """A ReLU network explodes far beyond 10³⁸ and is still a finite number."""
    query = {"cell": "rnn", "act": "relu", "input": "own", "x": "1e6,2", "gain": "4", "T": "200", "H": "4", "seed": "4"}
    page = visit(f"{server}/gates?{urlencode(query)}")
    e = Experiment(cell="rnn", activation="relu", input="own", numbers=(1e6, 2), gain=4, T=200, H=4, seed=4)
    h = perform(e).trace["h"][:, 0]
    assert 1e40 < h.max() < np.inf
    rows = taken_away(page, "gates")
    np.testing.assert_allclose([[float(row[f"h[{u}]"]) for u in range(1, 5)] for row in rows], h, rtol=1e-12)
    label = chart(page, "gates").locator(".annotation-text").first.text_content()
    assert "·10" in label and "e+" not in label


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


@pytest.mark.parametrize("page_name", PAGES)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_phone_opens_a_page_at_its_title_and_nothing_sticks_out(server, visit, page_name, language):
    address = "" if page_name == "home" else page_name
    page = visit(f"{server}/{address}?lang={language}", viewport={"width": 360, "height": 740})
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(node) => node.scrollTop") == 0
    covered = page.get_by_test_id("stHeader").bounding_box()
    assert page.locator("h1").bounding_box()["y"] >= covered["y"] + covered["height"]
    page.set_viewport_size({"width": 360, "height": 1600})  # more of it is drawn
    settle(page)
    assert main.evaluate("(node) => node.scrollWidth") <= 360
    for one in page.locator(".gate-chart figure").all():
        assert one.bounding_box()["width"] <= 360
    for row in main.get_by_role("radiogroup").all():
        assert row.evaluate("(node) => node.scrollWidth <= node.clientWidth"), row.text_content()


def test_plotly_is_loaded_once(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    press(page, EN("setting.T"), "ArrowRight")
    settle(page)
    loaded = page.evaluate("performance.getEntriesByType('resource').filter((r) => r.name.includes('plotly-')).length")
    assert loaded == 1
