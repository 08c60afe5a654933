"""Every number that can be clicked, proved: all cells, all quantities; and no tick that was not earned."""

import ast
import sys
from dataclasses import replace

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.equations import FUNCTIONS, chain, equations, worked_out
from explorer.forms import FORMS
from explorer.performing import direct_gradient
from explorer.proof import Check, Engine, by_differences, compared, prove
from explorer.trace import Named
from explorer.trained import answers
from explorer.trained.asking import Asked
from tests.figure_cases import experiments

SIZES = {"T": 12, "H": 4, "loss": "all"}
EVERY = list(experiments(**SIZES))
OPERATED = {"rnn": "h~5-6~0.3~2_x~3~1", "lstm": "f~4-8~1_i~2-~0.2~3_unit~9-10~0~1", "gru": "z~3-~0.7~1_n~5~-0.4_r~2~0"}


def quantities(cell):
    kind = CELLS[cell]
    forward = dict.fromkeys((*kind.gates, *kind.states))
    return [*forward, *(f"d{q}" for q in kind.states), *(f"da_{q}" for q in kind.gates)]


def forged(performance, quantity, step, unit):
    """The same performance with one number off by one part in 10⁵."""
    trace, grads = performance.trace, performance.grads
    home = {"da_": grads.pre, "d": grads.state}.get("da_" if quantity.startswith("da_") else quantity[:1], trace.values)
    name = quantity[3:] if quantity.startswith("da_") else quantity[1:] if quantity.startswith("d") else quantity
    arrays = {q: rows.copy() for q, rows in home.items()}
    arrays[name][step, 0, unit] *= 1 + 1e-5
    if home is trace.values:
        return replace(performance, trace=replace(trace, values=Named("quantity", arrays)))
    field = "pre" if home is grads.pre else "state"
    return replace(performance, grads=replace(grads, **{field: Named("gate", arrays)}))


@pytest.mark.parametrize("operations", ["free", "operated", "stacked"])
@pytest.mark.parametrize("experiment", EVERY, ids=str)
def test_every_number_of_every_cell_is_proved(experiment, operations):
    if operations == "operated":
        experiment = experiment.replace(surgery=OPERATED[experiment.cell])
    if operations == "stacked":
        experiment = experiment.replace(layers=2)
    performance = perform(experiment)
    steps = (0, 4, 11) if operations == "free" else (4,)
    for quantity in quantities(experiment.cell):
        for step in steps:
            proof = prove(performance, quantity, step, 1)
            assert proof.torch.verdict == "agrees", proof
            assert proof.torch.how == how(experiment)
            if quantity.startswith("d"):
                assert proof.difference.verdict == "agrees", proof
                assert proof.difference.relative <= 1e-6
            else:
                assert proof.difference is None


def how(e: Experiment) -> str:
    in_torch = (e.cell == "lstm") or (e.cell == "gru" and e.reset_after and e.z_keeps)
    in_torch |= e.cell == "rnn" and e.activation != "sigmoid"
    return "cells" if in_torch and not e.surgery else "autograd"


@pytest.mark.parametrize("cell", CELLS)
def test_a_wrong_number_gets_no_tick(cell):
    performance = perform(Experiment(cell=cell, **SIZES))
    for quantity in quantities(cell):
        proof = prove(forged(performance, quantity, 5, 2), quantity, 5, 2)
        assert proof.torch.verdict == "differs", quantity
        assert proof.torch.relative == pytest.approx(1e-5, rel=1e-3)
        if proof.difference:
            assert proof.difference.verdict == "differs", proof


@pytest.mark.parametrize("experiment", EVERY, ids=str)
def test_a_norm_is_that_of_the_numbers_in_it_and_is_proved(experiment):
    performance = perform(experiment.replace(**SIZES))
    rows = {name: performance.grads.state["h"][step, 0] for name, step in (("dh", 4), ("dh_next", 5))}
    sizes = {name: np.sqrt((row**2).sum()) for name, row in rows.items()}
    ratio = "norm(dh) / norm(dh_next)"
    for formula, value in (("norm(dh)", sizes["dh"]), (ratio, sizes["dh"] / sizes["dh_next"])):
        proof = prove(performance, formula, 4, 0)
        assert proof.value == pytest.approx(value, rel=1e-12)
        assert proof.torch.verdict == "agrees" and proof.difference is None
        assert prove(forged(performance, "dh", 4, 1), formula, 4, 0).torch.verdict == "differs"
    with pytest.raises(ValueError, match="unit"):
        prove(performance, "norm(dh)", 4, 1)


@pytest.mark.parametrize("experiment", EVERY, ids=str)
def test_what_has_come_together_at_the_shared_weights_is_proved(experiment):
    performance = perform(experiment.replace(**SIZES))
    whole = np.linalg.norm(performance.grads.params["weight_hh"])
    assert prove(performance, "norm(dW_hh)", 0, 0).value == pytest.approx(whole, rel=1e-12)
    for step in (0, 4, SIZES["T"] - 1):
        proof = prove(performance, "norm(dW_hh)", step, 0)
        assert proof.torch.verdict == "agrees" and proof.difference is None
    gate = performance.trace.cell.gates[-1]
    assert prove(forged(performance, f"da_{gate}", 5, 1), "norm(dW_hh)", 4, 0).torch.verdict == "differs"


def test_a_norm_of_what_has_vanished_is_not_0():
    proof = prove(perform(Experiment(cell="rnn", T=200, H=4, gain=0.2)), "norm(dh)", 3, 0)
    assert 0 < proof.value < 1e-180 and proof.torch.verdict == "agrees"


def test_a_gradient_that_rounding_hides_is_not_ticked_by_differences():
    performance = perform(Experiment(cell="rnn", T=200, H=4, gain=0.2))
    proof = prove(performance, "dh", 3, 0)
    assert 0 < abs(proof.value) < 1e-60
    assert proof.difference.verdict == "blind" and proof.torch.verdict == "agrees"


def test_what_has_overflown_is_not_ticked():
    big = Experiment(
        cell="rnn",
        activation="relu",
        T=500,
        H=4,
        gain=4,
        scheme="identity",
        input="own",
        numbers=(1e6,) * 500,
        layers=3,
    )
    proof = prove(perform(big), "h", 499, 0)
    assert not np.isfinite(proof.value) and proof.torch.verdict == "blind"


def test_a_gradient_of_nothing_is_nothing():
    proof = prove(perform(Experiment(T=12, H=4, loss="3")), "dh", 7, 0)
    assert (proof.value, proof.torch.verdict, proof.difference.verdict) == (0, "agrees", "agrees")


def test_without_torch_it_says_so_and_ticks_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "explorer.torch_proof", None)
    import explorer

    monkeypatch.delattr(explorer, "torch_proof", raising=False)
    proof = prove(perform(Experiment(**SIZES)), "dh", 5, 0)
    assert proof.torch == Check(None, None, None, "absent")
    assert proof.difference.verdict == "agrees"


def test_errors_are_what_they_are_called():
    assert compared(1.0, 1.0, 0.0) == Check(1.0, 0.0, 0.0, "agrees")
    check = compared(1.0, -3.0, 1.0)
    assert (check.absolute, check.relative, check.verdict) == (4.0, 4 / 3, "differs")
    assert compared(float("nan"), float("nan"), 1.0).verdict == "blind"
    assert compared(float("inf"), float("inf"), 1.0).verdict == "blind"


@pytest.mark.parametrize(
    ("formula", "step", "unit"),
    [
        *[("z", 0, 0), ("f", 12, 0), ("f", 0, 4), ("f", -1, 0), ("f", -2, 0), ("dh", -1, 0), ("x", -1, 0), ("x", 0, 9)],
        *[("W_if[9]", 0, 0), ("f ** 2", 0, 0), ("f.real", 0, 0), ("open(f)", 0, 0), ("f +", 0, 0), ("[f]", 0, 0)],
        *[("f + " * 200 + "f", 0, 0), ("(" * 300 + "f" + ")" * 300, 0, 0), ("free_f", 0, 0)],
    ],
)
def test_what_is_not_there_is_refused(formula, step, unit):
    with pytest.raises(ValueError, match=r"formula|must be a whole number"):
        prove(perform(Experiment(**SIZES)), formula, step, unit)


def parts(formula: str):
    """Every part of a formula that is one number of a unit, and of each of its sums one weight and one product."""
    for node in ast.walk(ast.parse(formula, mode="eval").body):
        match node:
            case ast.BinOp(ast.Name(matrix), ast.MatMult()) | ast.BinOp(ast.Attribute(ast.Name(matrix)), ast.MatMult()):
                yield from (ast.unparse(node), f"({ast.unparse(node)})[0]", f"{matrix}[0]")
            case ast.BinOp() | ast.Call():
                yield ast.unparse(node)
            case ast.Name(name) if name not in FUNCTIONS and name[:2] != "W_" and name != "x":
                yield name


@pytest.mark.parametrize("operations", ["free", "operated", "stacked"])
@pytest.mark.parametrize("experiment", EVERY, ids=str)
def test_every_part_of_every_formula_is_proved(experiment, operations):
    if operations == "operated":
        experiment = experiment.replace(surgery=OPERATED[experiment.cell])
    if operations == "stacked":
        experiment = experiment.replace(layers=2)
        assert prove(perform(experiment), "x", 4, 1).torch.verdict == "agrees"  # a state of the layer below
    performance = perform(experiment)
    for formula in {**equations(performance.trace), **chain(performance.trace)}.values():
        for part in dict.fromkeys(parts(formula)):
            for step in (0, 4, 11):
                proof = prove(performance, part, step, 1)
                assert proof.torch.verdict == "agrees", proof
                if proof.difference:
                    assert proof.difference.verdict == "agrees", proof


@pytest.mark.parametrize("cell", CELLS)
def test_what_the_first_step_hands_back_is_proved_too(cell):
    performance = perform(Experiment(cell=cell, **SIZES))
    for state in CELLS[cell].states:
        formula = chain(performance.trace)[f"d{state}"]
        terms = [term.strip() for term in formula.split(" + ") if "_next" in term]
        proof = prove(performance, " + ".join(terms), -1, 2)
        assert proof.value == pytest.approx(performance.grads.initial[state][0, 2], rel=1e-12)
        assert (proof.torch.verdict, proof.difference.verdict) == ("agrees", "agrees")


def test_a_wrong_share_of_a_gradient_gets_no_tick():
    """Each factor of a share counts: without one it is not what the loss changes by."""
    performance = perform(Experiment(**SIZES))
    engine = Engine(performance.trace, performance.grads, direct_gradient(performance.experiment), 5)
    right, wrong = (worked_out(formula, engine)[0, 2] for formula in ("dc * f", "dc * i"))
    check = by_differences(engine, "dc * f", ["dc"], 2, right)
    assert check.verdict == "agrees" and check.value == pytest.approx(right, rel=1e-6)
    assert by_differences(engine, "dc * f", ["dc"], 2, wrong).verdict == "differs"


def test_the_longest_run_is_proved_in_a_second_or_two():
    import time

    performance = perform(Experiment(T=500, H=64, layers=3))
    prove(performance, "da_f", 0, 0)
    start = time.process_time()
    assert prove(performance, "da_f", 0, 0).torch.verdict == "agrees"
    assert time.process_time() - start < 10


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("form", [form for form in FORMS if form != "encoder_decoder"])
def test_the_numbers_of_a_trained_network_are_proved(form, cell):
    back = answers.answer(Asked(form), cell, "en").parts[0].back
    kind, T = back.trace.cell, back.trace.T
    for t in {0, T // 2, T - 1}:
        for quantity in (*kind.gates, *kind.states, "norm(dh)", "norm(dW_hh)", "x"):
            assert prove(back, quantity, t, 0).torch.verdict == "agrees", (quantity, t)
        for quantity in (*(f"da_{q}" for q in kind.gates), *(f"d{q}" for q in kind.states)):
            proof = prove(back, quantity, t, 1)
            assert (proof.torch.verdict, proof.difference.verdict) == ("agrees", "agrees"), proof
