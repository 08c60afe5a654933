"""Prove it: asked for by a press, answered in its place, ticked only if computed and in agreement."""

from playwright.sync_api import expect

from explorer.i18n import words
from tests.browser.conftest import settle

EN = words("en")


def test_a_gradient_is_proved_in_its_place_and_the_answer_goes_when_the_cursor_moves(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=da_f&back=1")
    proof = page.locator(".stage .proof")
    expect(proof.locator("dd")).to_have_count(0)
    proof.get_by_role("button", name=EN("stage.prove")).click()
    expect(proof.locator("dd")).to_have_count(3, timeout=30_000)
    expect(proof.locator(".verdict")).to_have_text(["✓", "✓"])
    expect(proof).to_contain_text(EN("stage.proof_torch_cells"))
    digits = [float(one.replace("−", "-").split("·")[0]) for one in proof.locator(".digits").all_text_contents()]
    assert len(set(round(one, 4) for one in digits)) == 1
    page.locator(".stage").evaluate("({ stage }) => stage.go({ step: 5 })")
    expect(proof.locator("dd")).to_have_count(0)
    settle(page)
    page.wait_for_timeout(700)
    page.locator(".stage").evaluate("({ stage }) => stage.go({ step: 4 })")
    page.wait_for_timeout(700)
    settle(page)
    expect(proof.locator("dd")).to_have_count(0)  # it is not kept for when the cursor comes back
    expect(proof.get_by_role("button", name=EN("stage.prove"))).to_be_visible()


def test_an_answer_that_comes_late_is_not_shown(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=f")
    page.locator(".stage .prove").click()
    page.locator(".stage").evaluate("({ stage }) => stage.go({ unit: 2 })")
    page.wait_for_timeout(1500)
    settle(page)
    expect(page.locator(".stage .proof dd")).to_have_count(0)
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.unit") == 2


def test_an_operated_run_is_proved_too_and_a_wrong_number_has_no_tick(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=f&op=f~3-8~0.5")
    page.locator(".stage .prove").click()
    proof = page.locator(".stage .proof")
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    expect(proof).to_contain_text(EN("stage.proof_torch_autograd"))
    # what the server does not call agreement gets no tick, whatever it looks like
    for verdict, sign in (("differs", "✗"), ("blind", "–"), ("absent", "–")):
        page.locator(".stage").evaluate(
            """({ stage }, verdict) => {
                 stage.about.proof.checks.torch.verdict = verdict;
                 stage.draw();
               }""",
            verdict,
        )
        expect(proof.locator(".verdict")).to_have_text([sign])
        expect(proof).to_contain_text(EN(f"stage.proof_{verdict}_torch"))
