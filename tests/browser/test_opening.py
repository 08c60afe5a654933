"""A level is seen to come from what was pressed: a frame grows out of it, and nothing waits for that or moves."""

import pytest
from playwright.sync_api import expect

# What the frame covers as its motion begins and ends, and what it comes from and leads to.
MOTION = """async ({ stage }, [pressed, source, target]) => {
  const corner = (node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return [left, top, right, bottom];
  };
  const frame = stage.host.querySelector(".opening");
  const from = corner(stage.host.querySelector(source));
  if (pressed === "Escape") stage.host.dispatchEvent(new KeyboardEvent("keydown", { key: pressed, bubbles: true }));
  else stage.host.querySelector(pressed).dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const level = stage.cursor.level; // at once
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  const [moving] = frame.getAnimations();
  if (!moving) return { level, moves: false };
  moving.pause();
  const covers = [0, 199.9].map((time) => { moving.currentTime = time; return corner(frame); });
  const lasts = moving.effect.getComputedTiming().endTime;
  const changed = new Set(moving.effect.getKeyframes().flatMap(Object.keys));
  moving.finish();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  const wanted = [from, corner(stage.host.querySelector(target))];
  return { level, moves: true, covers, wanted, lasts, changed: [...changed], gone: frame.hidden };
}"""
WAYS = {
    "a cell opens": ("t=5", ".lens [data-step='5']", ".lens [data-step='5'] .box", ".circuit", 1),
    "a gate opens": ("", ".circuit .gate[data-q=f]", ".circuit .gate[data-q=f]", ".parts", 2),
    "a card opens": ("", ".card[data-open=o]", ".card[data-open=o]", ".parts", 2),
    "a sum opens": ("level=2&q=f", ".bar.memory", ".bar.memory", ".parts", 3),
    "back to the gate": ("level=3&q=f", "Escape", ".parts", ".bar[data-term]", 2),
    "back to the cell": ("level=2&q=f", "Escape", ".parts", ".circuit [data-q=f]", 1),
}


def moved(page, pressed: str, source: str, target: str) -> dict:
    return page.locator(".stage").evaluate(MOTION, [pressed, source, target])


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("way", WAYS)
def test_a_level_comes_from_what_was_pressed(server, visit, way, width):
    place, pressed, source, target, level = WAYS[way]
    page = visit(f"{server}/unrolled?T=20&H=4&{place}", viewport={"width": width, "height": 900})
    seen = moved(page, pressed, source, target)
    assert (seen["level"], seen["lasts"], seen["gone"]) == (level, 200, True)
    assert {"transform", "opacity"} >= set(seen["changed"]) - {"offset", "computedOffset", "easing", "composite"}
    for covers, wanted in zip(seen["covers"], seen["wanted"]):
        assert covers == pytest.approx(wanted, abs=1.5), way


def test_nobody_sees_it_who_asked_for_less_motion(server, visit):
    page = visit(f"{server}/unrolled?T=20&H=4", reduced_motion="reduce")
    assert moved(page, *WAYS["a gate opens"][1:4]) == {"level": 2, "moves": False}


def test_steps_by_key_and_by_the_player_have_none(server, visit):
    page = visit(f"{server}/unrolled?T=20&H=4&level=2&q=f")
    stage, frame = page.locator(".stage"), page.locator(".stage .opening")
    stage.press("ArrowRight")
    stage.press("ArrowUp")
    page.wait_for_timeout(50)
    expect(frame).to_be_hidden()
    stage.press(" ")
    assert moved(page, *WAYS["back to the cell"][1:4]) == {"level": 1, "moves": False}
