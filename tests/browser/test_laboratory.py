"""The gradient laboratory in a browser: five networks at full length, a click opens a pair, a line is dragged."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment, jacobian_at, perform
from explorer.i18n import words
from explorer.performing import rivals
from explorer.ui.laboratory import numbers
from explorer.ui.state import ASKS
from tests.browser.conftest import chart, figure, settle
from tests.browser.test_charts import taken_away
from tests.browser.test_moving import press, query

EN = words("en")


def test_five_networks_over_500_steps_and_far_below_floats(server, visit):
    page = visit(f"{server}/gradients?ask=why&T=499&H=32")
    press(page, EN("setting.T"), "ArrowRight")
    drawn = figure(page, "five")["traces"]
    assert len(drawn) == 6 and {len(line["y"]) for line in drawn} == {500}
    sigmoid = numbers.curve(rivals(Experiment(T=500))["rnn_sigmoid"])
    np.testing.assert_allclose(drawn[2]["y"], sigmoid, rtol=1e-5, atol=1e-6)
    assert sigmoid[0] < -330, "below all floats"
    ticks = chart(page, "five").locator(".yaxislayer-above text, .ytick text").all_text_contents()
    assert "10⁻⁴⁰⁰" in ticks and "0" not in ticks


@pytest.mark.parametrize("ask", ASKS)
def test_a_question_shows_its_figures_and_fits_a_phone(server, visit, ask):
    page = visit(f"{server}/gradients?ask={ask}&T=40&H=4&lang=ko", viewport={"width": 360, "height": 740})
    assert page.get_by_test_id("stMain").evaluate("(node) => node.scrollWidth") <= 360
    charts = page.locator(".gate-chart").all()
    assert charts
    for one in charts:
        one.scroll_into_view_if_needed()
        settle(page)
        expect(one.locator(".main-svg").first).to_be_attached()
        assert one.locator("figure").bounding_box()["width"] <= 360


def test_another_question_replaces_the_figures_and_goes_to_the_link(server, visit):
    page = visit(f"{server}/gradients?T=40&H=4")
    choice = EN("ask.wiring")
    page.get_by_role("radio", name=choice).or_(page.get_by_role("button", name=choice)).first.click()
    expect(chart(page, "maps")).to_have_count(1)
    settle(page)
    assert query(page) == {"T": "40", "H": "4", "ask": "wiring"}
    expect(chart(page, "gradients")).to_have_count(0)


def test_a_click_on_the_map_opens_that_pair(server, visit):
    page = visit(f"{server}/gradients?ask=reach&cell=rnn&T=40&H=4")
    figure(page, "reach")
    box = chart(page, "reach").locator(".plot .nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * (12 - 0.5) / 40, box["y"] + box["height"] * (40 - 20 + 0.5) / 40)
    settle(page)
    assert (query(page)["t"], query(page)["to"]) == ("12", "20")
    drawn = figure(page, "jacobian")["traces"][0]["z"]
    wanted = jacobian_at(perform(Experiment(cell="rnn", T=40, H=4)).trace, 20, 12).values
    np.testing.assert_allclose(drawn, wanted / np.abs(wanted).max(), rtol=1e-5, atol=1e-6)


def test_the_clipping_line_is_dragged_and_moved_by_keys(server, visit):
    page = visit(f"{server}/gradients?ask=help&T=40&H=16")
    figure(page, "clipping")
    handle = chart(page, "clipping").get_by_role("slider")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2 - 30, steps=4)
    page.mouse.up()
    settle(page)
    dragged = float(query(page)["limit"])
    assert dragged > 1.5
    cut = figure(page, "clipping")["traces"][3]["y"]  # the ReLU network, clipped
    assert max(cut) == pytest.approx(dragged, abs=1e-6)
    handle.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    settle(page)
    assert float(query(page)["limit"]) == pytest.approx(dragged - 0.1)
    assert handle.get_attribute("aria-valuenow") == query(page)["limit"]


def test_points_in_a_plane_can_be_taken_away_as_numbers(server, visit):
    page = visit(f"{server}/gradients?ask=plane&cell=rnn&T=20&H=2")
    figure(page, "plane")
    rows = taken_away(page, "plane")
    path = [(float(row["x"]), float(row["y"])) for row in rows if row["name"] == EN("plane.path")]
    h = perform(Experiment(cell="rnn", T=20, H=2)).trace["h"][:, 0]
    np.testing.assert_allclose(path, h, rtol=1e-6)


def test_a_click_on_the_run_chooses_its_step(server, visit):
    page = visit(f"{server}/gradients?ask=plane&cell=rnn&T=20&H=2&gain=3")
    figure(page, "plane")
    h = perform(Experiment(cell="rnn", T=20, H=2, gain=3)).trace["h"][:, 0]
    gaps = np.linalg.norm(h[:, None] - h[None], axis=-1) + 9 * np.eye(20)
    t = int(gaps.min(axis=1).argmax()) + 1  # the step that stands most alone
    place = chart(page, "plane").locator(".plot").evaluate(
        """(plot, [x, y]) => {
             const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
             return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
           }""",
        h[t - 1].tolist(),
    )  # fmt: skip
    page.mouse.move(*place)
    page.mouse.click(*place)
    settle(page)
    assert query(page)["t"] == str(t)


def test_a_sweep_can_be_taken_away_as_numbers(server, visit):
    page = visit(f"{server}/gradients?ask=edge&cell=rnn&T=6&H=3&seeds=1")
    expect(page.get_by_text("Done in")).to_be_visible(timeout=60_000)
    z = figure(page, "edge")["traces"][0]["z"]
    rows = taken_away(page, "edge")
    found = {(row["x"], row["y"]): float(row["value"]) for row in rows if row["name"] == "log₁₀ " + EN("edge.measured")}
    assert len(found) == 6 * 41 and found["5", "1.5"] == pytest.approx(z[15][5])


def test_all_pairs_can_be_taken_away_as_numbers(server, visit):
    page = visit(f"{server}/gradients?ask=reach&cell=rnn&T=20&H=3")
    figure(page, "reach")
    rows = taken_away(page, "reach")
    wanted = np.log10(np.linalg.norm(jacobian_at(perform(Experiment(cell="rnn", T=20, H=3)).trace, 9, 4).values))
    assert rows[3]["k"] == "4" and float(rows[3]["log₁₀ ‖∂h_t/∂h_k‖, t = [9]"]) == pytest.approx(wanted, abs=1e-5)
