"""Motion on the stage explains a flow: folding, the chain rule's sub-steps, δ entering at the loss."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.i18n import words
from explorer.numerals import text

EN = words("en")
PLACES = """() => [...document.querySelectorAll(".lens .step:not(.beyond)")].map((cell) =>
  [cell.getBoundingClientRect().left, Number(getComputedStyle(cell).opacity)])"""

TRAVEL = 300  # ms, longer than a particle takes
STILL = "() => !document.querySelector('.moving') && !document.getAnimations().length"


def stage(page, code: str):
    return page.locator(".stage").evaluate(f"({{ stage }}) => {code}")


def test_cells_slide_together_and_out_again(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9", reduced_motion="no-preference")
    apart = [left for left, _ in page.evaluate(PLACES)]
    fold = page.locator(".player button", has_text=EN("stage.fold")).first
    page.evaluate(
        """() => {
             window.moves = [];
             document.addEventListener("transitionrun", ({ target, propertyName }) => {
               if (propertyName !== "transform") return;
               const [found] = target.getAnimations().filter((move) => move.transitionProperty === "transform");
               window.moves.push([target.getAttribute("class"), found.effect.getTiming().duration]);
             });
           }"""
    )
    fold.click()
    page.wait_for_function(STILL)
    together = [left for left, _ in page.evaluate(PLACES)]
    assert max(together) - min(together) < 40 < (max(apart) - min(apart)) / 4, (apart, together)
    moves = page.evaluate("window.moves")
    assert len(moves) >= len(apart) - 1, "the cells jumped"
    assert all(kind.startswith("step") and 150 <= duration <= 300 for kind, duration in moves), moves
    page.get_by_role("button", name=EN("stage.unfold"), exact=True).click()
    page.wait_for_function(STILL)
    np.testing.assert_allclose([left for left, _ in page.evaluate(PLACES)], apart, atol=1)


def test_nothing_moves_where_motion_is_reduced(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9", reduced_motion="reduce")
    page.get_by_role("button", name=EN("stage.fold"), exact=True).click()
    assert max(left for left, _ in page.evaluate(PLACES)) - min(left for left, _ in page.evaluate(PLACES)) < 40
    page.get_by_role("button", name=EN("stage.unfold"), exact=True).click()
    page.locator("body").press("ArrowRight")
    assert (
        page.evaluate(
            "document.getAnimations().filter((a) => document.querySelector('.lens').contains(a.effect.target)).length"
        )
        == 0
    )


def test_a_value_travels_to_the_next_cell_and_a_gradient_back(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9&loss=20", reduced_motion="no-preference")
    page.evaluate(
        """() => {
             const { animate } = SVGElement.prototype;
             SVGElement.prototype.animate = function (...how) {
               window.flight = how[0];
               return animate.apply(this, how);
             };
           }"""
    )

    def path():
        """From where to where the particle was last sent."""
        return page.evaluate(
            "() => window.flight.map(({ transform }) => new DOMMatrix(transform)).map(({ e, f }) => [e, f])"
        )

    page.locator(".stage").evaluate("({ stage }) => stage.player.advance('step', 1)")
    (x0, y0), (x1, y1) = path()
    assert x0 < x1 and y0 == y1
    page.wait_for_timeout(TRAVEL)
    page.get_by_role("button", name=EN("stage.to_back")).click()
    (x0, y0), (x1, y1) = path()
    assert x0 == x1 and y0 < y1, "δ comes down from the loss"
    assert stage(page, "stage.cursor.step") == 19
    page.wait_for_timeout(TRAVEL)
    page.locator(".stage").evaluate("({ stage }) => stage.player.advance('step', -1)")
    (x0, y0), (x1, y1) = path()
    assert x0 > x1 and y0 == y1
    assert "gradient" in stage(page, "stage.strip.particle.getAttribute('class')")


def test_steps_that_follow_fast_send_no_particle(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9", reduced_motion="no-preference")
    flying = "stage.strip.particle.getAnimations().length"
    walk = "for (let k = 0; k < {}; k++) stage.player.advance('step', 1)"
    page.locator(".stage").evaluate(f"({{ stage }}) => {{ {walk.format(1)} }}")
    assert stage(page, flying) == 1
    page.locator(".stage").evaluate(f"({{ stage }}) => {{ {walk.format(3)} }}")
    assert stage(page, flying) == 0, "an animation runs while steps follow faster than it"
    page.wait_for_timeout(TRAVEL)
    page.locator(".stage").evaluate(f"({{ stage }}) => {{ {walk.format(1)} }}")
    assert stage(page, flying) == 1


def test_a_step_keeps_its_cell_while_it_is_in_the_lens(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=15")
    cells = """[...document.querySelectorAll('.lens .step')].map((cell) =>
      [Number(cell.dataset.step), cell.getBoundingClientRect().left]).sort(([a], [b]) => a - b)"""
    page.evaluate("document.querySelectorAll('.lens .step').forEach((cell) => (cell.was = cell.dataset.step))")
    before = page.evaluate(cells)
    page.locator("body").press("ArrowRight")
    after = page.evaluate(cells)
    assert [step for step, _ in after] == [step + 1 for step, _ in before]
    np.testing.assert_allclose([left for _, left in after], [left for _, left in before], atol=0.5)
    kept = "[...document.querySelectorAll('.lens .step')].filter((cell) => cell.was === cell.dataset.step).length"
    assert page.evaluate(kept) == len(before) - 1


@pytest.mark.parametrize("cell", CELLS)
def test_the_chain_rule_lights_up_part_by_part_and_goes_on_to_the_step_before(server, visit, cell):
    page = visit(f"{server}/unrolled?cell={cell}&T=30&H=4&t=30&back=1")
    e = Experiment(cell=cell, T=30, H=4)
    grads = perform(e).grads
    known = {f"d{q}": grads.state[q] for q in CELLS[cell].states} | {f"da_{q}": grads.pre[q] for q in CELLS[cell].gates}
    lit = set()
    for phase, gradients in enumerate(CELLS[cell].phases_back):
        page.get_by_role("button", name=EN("stage.player_on_phase")).click()
        assert stage(page, "stage.cursor.phase") == phase
        cards = page.locator(".card:not(.dim)").evaluate_all("(cards) => cards.map((card) => card.dataset.open)")
        assert set(cards) == set(gradients)
        sentence = page.locator(".stage .sentence").inner_text()
        for name in gradients:
            assert text(np.float32(known[name][29, 0, 0])) in sentence, name
        assert page.locator(".circuit .now").count() > 0, gradients
        lit |= set(cards)
    assert lit == set(known)
    page.locator(".stage").press("PageDown")
    expect(page.locator(".stage .sentence")).to_contain_text(text(np.float32(grads.state["h"][28, 0, 0])))
    page.locator(".stage").press("PageDown")
    assert stage(page, "[stage.cursor.step, stage.cursor.phase]") == [28, 0], "the step before comes next"
    page.locator(".stage").press("PageUp")
    assert stage(page, "[stage.cursor.step, stage.cursor.phase]") == [29, len(CELLS[cell].phases_back)]
