"""For everybody: no serious fault by axe, everything by keyboard, everything by touch."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from explorer.i18n import words
from explorer.ui.frame import PAGES
from tests.browser.conftest import settle

EN = words("en")
LOOKS = [("en", "light"), ("ko", "dark")]


def faults(page) -> list[str]:
    """What axe finds serious or critical, one line each."""
    # What Plotly draws is one labelled figure; its thousand parts take axe ten seconds.
    found = Axe().run(page, context={"exclude": [[".gate-chart .plot"]]}).response["violations"]
    return [
        f"{fault['impact']} {fault['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(("lang", "scheme"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(server, visit, name, lang, scheme):
    address = "" if name == "home" else name
    page = visit(f"{server}/{address}?lang={lang}&T=20&H=4", color_scheme=scheme)
    assert not faults(page), "\n".join(faults(page))


@pytest.mark.parametrize("place", ["level=2&q=f", "level=3&q=f", "back=1&level=2&q=dc&lang=ko", "cell=gru&names=keras"])
def test_axe_finds_nothing_serious_down_to_a_sum(server, visit, place):
    page = visit(f"{server}/unrolled?{place}&T=20&H=8", color_scheme="dark" if "ko" in place else "light")
    page.locator(".saving summary").click()
    page.locator(".circuit .number[data-n]:not(:empty)").first.click()
    expect(page.locator(".proof .verdict").first).to_have_text("✓", timeout=30_000)
    assert not faults(page), "\n".join(faults(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_controls_are_idle(server, visit, scheme):
    page = visit(f"{server}/gradients?ask=reach&cell=rnn&T=20&H=4", color_scheme=scheme)
    assert not faults(page), "\n".join(faults(page))


# How an element and what stands close around it look, as far as focus may change it.
LOOK = """(element) => [element, element.parentElement, element.parentElement.parentElement, element.nextElementSibling]
  .filter(Boolean).map((node) => getComputedStyle(node))
  .map((s) => [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor].join()).join(";")"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))"
# What can be seen and reached but was not: of a group of radio buttons, one is enough.
LEFT_OUT = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((node) => !node.dataset.walked && !node.disabled && node.tabIndex >= 0 && node.tagName !== "MAIN"
    && node.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && !node.closest("[role=radiogroup]")?.querySelector("[data-walked]"))
  .map((node) => node.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("name", ["home", "gates", "gradients"])
def test_every_control_is_reached_by_tab_with_a_visible_focus(server, visit, name):
    page = visit(f"{server}/{'' if name == 'home' else name}?T=20&H=4", reduced_motion="reduce")
    stops = []
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate_handle("document.activeElement").as_element()
        if stop.evaluate("(node) => node === document.body || node.dataset.walked === '1'"):
            break
        stop.evaluate("(node) => { node.dataset.walked = '1'; }")
        if stop.evaluate("(node) => node.tagName") != "MAIN":  # the part that scrolls
            page.evaluate(PAINTED)
            stops.append((stop, stop.evaluate(LOOK)))
    assert len(stops) > 15 and not page.evaluate(LEFT_OUT)
    page.evaluate("document.activeElement.blur()")
    page.evaluate(PAINTED)
    dull = [stop.evaluate("(n) => n.outerHTML.slice(0, 200)") for stop, look in stops if stop.evaluate(LOOK) == look]
    assert not dull, "no one sees where the focus is"


@pytest.fixture
def phone(server, visit):
    """phone(query) -> the stage on a phone that is touched."""
    screen = {"viewport": {"width": 390, "height": 840}, "has_touch": True, "is_mobile": True}
    return lambda query: visit(f"{server}/unrolled?{query}", **screen)


def test_taps_choose_a_cell_and_open_a_gate(phone):
    page = phone("T=30&H=4&t=5")
    stage = page.locator(".stage")
    page.locator(".lens [data-step='5'] .t").tap()
    assert stage.evaluate("({ stage }) => stage.cursor.step") == 5
    page.locator(".circuit .gate[data-q=f] .letter").tap()
    expect(page.locator(".crumbs")).to_contain_text(EN("stage.name.f"))
    page.locator("button.bar.memory").tap()
    assert stage.evaluate("({ stage }) => stage.cursor.level") == 3
    assert stage.evaluate("(stage) => stage.scrollWidth - stage.clientWidth") <= 0


def test_a_finger_drags_through_time(phone):
    page = phone("T=30&H=4&t=5")
    touch = page.context.new_cdp_session(page)
    for part in (".overview", ".scrub"):
        page.locator(part).scroll_into_view_if_needed()
        box = page.locator(part).bounding_box()
        y = box["y"] + box["height"] / 2

        def finger(kind, share, box=box, y=y):
            points = [] if kind == "touchEnd" else [{"x": box["x"] + share * box["width"], "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        finger("touchStart", 0.2)
        passed = []
        for share in (0.3, 0.5, 0.7, 0.9):
            finger("touchMove", share)
            page.wait_for_timeout(60)
            passed.append(page.locator(".stage").evaluate("({ stage }) => stage.cursor.step"))
        finger("touchEnd", 0.9)
        assert passed == sorted(passed) and len(set(passed)) >= 3 and 24 <= passed[-1] <= 28, (part, passed)
    settle(page)


@pytest.mark.parametrize("place", ["level=2&q=f", "level=2&q=da_f&back=1", "level=3&q=f"])
def test_what_a_finger_has_to_hit_is_large_enough(phone, place):
    page = phone(f"T=30&H=4&{place}")
    page.locator(".saving summary").tap()
    menu = page.locator(".saving .menu").bounding_box()
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= 390, "the menu opens inside the screen"
    small = page.evaluate(
        """() => [...document.querySelectorAll(".stage :is(button, select, summary, input, [role=button], .lens .box)")]
             .filter((node) => node.checkVisibility())
             .map((node) => [node.getBoundingClientRect(), node.outerHTML.slice(0, 120)])
             .filter(([{ width, height }]) => Math.min(width, height) < 39.5)
             .map(([{ width, height }, what]) => `${width} x ${height} ${what}`)"""
    )
    assert not small, "\n".join(small)
