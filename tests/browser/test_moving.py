"""Moving about: language and experiment stay, the back button loses nothing."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from explorer.i18n import words
from tests.browser.conftest import chart, figure, settle

EN, KO = words("en"), words("ko")


def query(page) -> dict:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def go(page, label: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=label, exact=True).click()
    settle(page)


def slider(page, label: str):
    return page.get_by_test_id("stSlider").filter(has_text=label).locator("input[type=range]")


def press(page, label: str, *keys: str) -> None:
    slider(page, label).focus()
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def test_pages_keep_language_and_experiment_and_back_loses_nothing(server, visit):
    page = visit(f"{server}/?cell=gru&T=40&H=8&seed=3")
    page.get_by_text("한국어").click()
    settle(page)
    go(page, KO("page.gates"))
    expect(page.locator("h1")).to_contain_text(KO("gates.question"))
    wanted = {"cell": "gru", "T": "40", "H": "8", "seed": "3", "lang": "ko"}
    assert query(page) == wanted
    press(page, KO("setting.T"), "ArrowRight")
    assert query(page) == wanted | {"T": "41"}
    go(page, KO("page.gradients"))
    assert query(page) == wanted | {"T": "41"}
    page.go_back()
    settle(page)
    expect(page.locator("h1")).to_contain_text(KO("gates.question"))
    assert query(page) == wanted | {"T": "41"}
    assert len(figure(page, "gates")["traces"][0]["z"][0]) == 41
    page.go_back()
    settle(page)
    assert len(figure(page, "gates")["traces"][0]["z"][0]) == 40


def test_fast_keys_are_all_counted(server, visit):
    page = visit(f"{server}/gates?T=50&H=4")
    press(page, EN("setting.T"), *["ArrowRight"] * 12)
    page.wait_for_function("() => new URLSearchParams(location.search).get('T') === '62'")
    settle(page)
    assert slider(page, EN("setting.T")).input_value() == "62"
    assert len(figure(page, "gates")["traces"][0]["z"][0]) == 62


def test_the_forget_bias_is_the_one_slider_of_home(server, visit):
    page = visit(server)
    before = figure(page, "memory")["traces"]
    press(page, EN("setting.forget_bias"), *["ArrowLeft"] * 10)
    page.wait_for_function("() => new URLSearchParams(location.search).get('fb') === '2'")
    settle(page)
    after = figure(page, "memory")["traces"]
    assert before[0]["y"] == after[0]["y"]  # the RNN has no such gate
    assert before[2]["y"][0] > 1 + after[2]["y"][0]  # logarithms


def test_a_click_on_a_cell_moves_every_cursor_and_draws_no_network_anew(server, visit):
    page = visit(f"{server}/gates?T=20&H=4&t=2")
    drawn = figure(page, "gates")["drawn"]
    box = chart(page, "gates").locator(".plot .xy .heatmaplayer, .plot .subplot.xy").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 12.5 / 20, box["y"] + box["height"] * 0.5 / 4)
    settle(page)
    assert (query(page)["t"], query(page)["u"]) == ("13", "4")
    expect(page.get_by_text("At step 13, unit 4 has")).to_be_visible()
    assert figure(page, "gates")["drawn"] == drawn
    lefts = page.evaluate("[...document.querySelectorAll('.overlay .now')].map((line) => line.style.left)")
    assert len(lefts) >= 6 and len(set(lefts)) == 1, lefts  # one step is one vertical line


def test_arrow_keys_walk_through_a_chart(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    picture = chart(page, "gates").get_by_role("figure")
    picture.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    settle(page)
    assert (query(page)["t"], query(page)["u"]) == ("6", "2")
    for key in ("ArrowLeft", "ArrowUp"):
        for _ in range(9):
            page.keyboard.press(key)
    settle(page)
    assert query(page)["u"] == "4" and query(page)["t"] == "1", "they stop at the ends"
    chart(page, "unit").get_by_role("figure").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert query(page)["u"] == "4" and query(page)["t"] == "2", "a line has steps only"


def test_hovering_a_chart_shows_the_step_in_all(server, visit):
    page = visit(f"{server}/gates?T=20&H=4")
    figure(page, "unit")
    chart(page, "unit").locator(".plot .nsewdrag").first.hover()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.gate-chart')]
               .filter((chart) => chart.querySelector('.main-svg'))
               .every((chart) => chart.querySelector('.overlay .hover'))"""
    )


def test_reset_goes_back_to_the_first_picture(server, visit):
    page = visit(f"{server}/gates?cell=rnn&T=33&seed=5")
    page.get_by_role("button", name=EN("setting.reset")).click()
    settle(page)
    assert query(page) == {}
    assert len(figure(page, "gates")["traces"]) == 6
