"""The displayed equations: evaluated, written in symbols, and written in numbers."""

import re

import numpy as np
import pytest

from explorer.equations import equations, evaluate
from tests.engine_cases import CASES, every_case, name_of, network

TOLERANCE = 1e-12
WRITTEN = 6e-3  # a number of three digits is off by half a unit of the last one


def off(formula, trace, quantity) -> float:
    """How far the formula's value is from the engine's."""
    value, wanted = evaluate(formula, trace), trace[quantity]
    assert value.shape == wanted.shape
    return float(np.abs(value - wanted).max())


quantities = pytest.mark.parametrize(
    ("cell", "options", "quantity"),
    [(*case, quantity) for case in CASES for quantity in equations(network(*case).run())],
    ids=[f"{name_of(case)}-{quantity}" for case in CASES for quantity in equations(network(*case).run())],
)


class TestEvaluated:
    @every_case
    @pytest.mark.parametrize("layers", [1, 3])
    def test_every_formula_is_what_the_engine_computes(self, cell, options, layers):
        trace = network(cell, options, layers=layers, T=9).run()
        for layer in trace.layers:
            for quantity, formula in equations(layer).items():
                assert off(formula, layer, quantity) < TOLERANCE, f"{quantity} = {formula}"

    @every_case
    def test_all_gates_and_states_have_one(self, cell, options):
        trace = network(cell, options).run()
        wanted = {q for q in trace.values if not q.startswith("a_")}
        assert wanted >= set(equations(trace)) >= {*trace.cell.gates, *trace.cell.states}

    @every_case
    def test_the_order_is_that_of_computation(self, cell, options):
        """A formula uses only what came before it."""
        trace, known = network(cell, options).run(), set()
        for quantity, formula in equations(trace).items():
            names = set(re.findall(r"\b[a-z]\b", formula)) - {"x"}
            assert names <= known, f"{quantity} = {formula} needs {names - known}"
            known.add(quantity)

    def test_some_steps_alone(self):
        trace = network("lstm", {}).run()
        steps = slice(2, 4)
        np.testing.assert_allclose(evaluate("f * c_prev + i * g", trace, steps), trace["c"][steps], atol=TOLERANCE)

    def test_a_formula_holds_nothing_else(self):
        trace = network("lstm", {}).run()
        for formula in ("__import__('os')", "f ** 2", "f if f else g", "[f]", "f.real", "eval(f)"):
            with pytest.raises((ValueError, KeyError)):
                evaluate(formula, trace)


WRONG = {
    "swapped gates": [("f * c_prev", "i * c_prev"), ("+ i * g", "+ f * g")],
    "z the other way round": [("(1 - z) * n + z * h_prev", "z * n + (1 - z) * h_prev")],
    "z the other way round, Chung": [("z * n + (1 - z) * h_prev", "(1 - z) * n + z * h_prev")],
    "no squashing of C": [("tanh(c)", "c")],
    "sigmoid for tanh": [("tanh(", "sigmoid(")],
    "tanh for sigmoid": [("sigmoid(", "tanh(")],
    "a bias forgotten": [(" + b_i", " + 0 * b_i")],
    "no step before": [("h_prev", "h")],
    "minus for plus": [(" + W_h", " - W_h")],
    "reset on the other side": [
        ("r * (W_hn @ h_prev + b_hn)", "W_hn @ (r * h_prev) + b_hn"),
    ],
    "reset on the other side, Cho": [("W_hn @ (r * h_prev) + b_hn", "r * (W_hn @ h_prev + b_hn)")],
    "another gate's weights": [("W_if", "W_ii"), ("W_ir", "W_iz"), ("W_ih", "W_hh")],
}


class TestWrongFormulas:
    @pytest.mark.parametrize("fault", WRONG)
    def test_are_found(self, fault):
        """What the check above would say to each fault, in every cell that can have it."""
        tried = 0
        for cell, options in CASES:
            # one input a unit, so that a mistaken weight still has a shape that fits
            trace = network(cell, options, D=4, H=4).run()
            for quantity, formula in equations(trace).items():
                wrong = formula
                for old, new in WRONG[fault]:
                    if old in formula:
                        wrong = formula.replace(old, new)
                        break
                if wrong != formula:
                    assert off(wrong, trace, quantity) > 1e-3, f"{name_of((cell, options))}: {quantity} = {wrong}"
                    tried += 1
        assert tried, "the fault fits no formula"
