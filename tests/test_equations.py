"""The displayed equations: evaluated, written in symbols, and written in numbers."""

import re

import numpy as np
import pytest

from explorer.equations import equations, evaluate, in_numbers, in_symbols, live, symbol
from explorer.figures.theme import TEXT, role, text_colour
from tests.engine_cases import CASES, SQUASH, blocks, every_case, name_of, network

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


def brackets_match(latex: str) -> bool:
    depth = 0
    for brace in re.findall(r"[{}]", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    pairs = [latex.count(r"\left("), latex.count(r"\right)")]
    round_ = [len(re.findall(r"(?<!\\left)\(", latex)), len(re.findall(r"(?<!\\right)\)", latex))]
    return depth == 0 and pairs[0] == pairs[1] and round_[0] == round_[1]


def colourless(latex: str) -> str:
    return re.sub(r"\\textcolor\{[^}]*\}", "", latex)


NUMBER = r"-?\d+(?:\.\d+)?(?:\\cdot10\^\{-?\d+\})?"


def numbers_in(latex: str) -> list[float]:
    found = re.findall(NUMBER, colourless(latex))
    return [float(re.sub(r"\\cdot10\^\{(-?\d+)\}", r"e\1", number)) for number in found]


def computed(latex: str) -> float:
    """The value of a line of numbers, with its own brackets, signs and functions."""
    plain = re.sub(r"\\cdot10\^\{(-?\d+)\}", r"e\1", colourless(latex))
    for name, python in (
        (r"\left(", "("),
        (r"\right)", ")"),
        (r"\cdot", "*"),
        (r"\sigma", "sigmoid"),
        (r"\tanh", "tanh"),
        (r"\mathrm{ReLU}", "relu"),
        ("{", "("),
        ("}", ")"),
    ):
        plain = plain.replace(name, python)
    assert "\\" not in plain, f"{latex} holds more than numbers"
    return float(eval(plain, {"__builtins__": {}}, SQUASH))


def terms(trace, cell, options, quantity, t, u) -> list[float]:
    """The numbers that the right side shows, worked out here, from left to right."""
    h_prev, x = trace.previous["h"][t - 1, 0], trace.x[t - 1, 0]
    q = {name: trace[name][t - 1, 0, u] for name in trace.values}

    def block(name, gate):
        return blocks(cell, trace.params, name)[gate]

    def of(gate, before=h_prev):
        return [
            block("weight_ih", gate)[u] @ x,
            block("bias_ih", gate)[u],
            block("weight_hh", gate)[u] @ before,
            block("bias_hh", gate)[u],
        ]

    if cell == "lstm" and quantity == "c":
        return [q["f"], trace.previous["c"][t - 1, 0, u], q["i"], q["g"]]
    if cell == "lstm" and quantity == "h":
        return [q["o"], q["c"]]
    if cell == "gru" and quantity == "h":
        z, old = q["z"], h_prev[u]
        return [1, z, q["n"], z, old] if options["z_keeps"] else [z, q["n"], 1, z, old]
    if cell == "gru" and quantity == "n":
        if options["reset_after"]:
            wx, bx, wh, bh = of("n")
            return [wx, bx, q["r"], wh, bh]
        return of("n", trace["r"][t - 1, 0] * h_prev)
    return of(quantity)


STEPS = [(1, 0), (2, 3), (5, 1)]


class TestInNumbers:
    @quantities
    def test_the_numbers_are_those_of_the_trace(self, cell, options, quantity):
        trace = network(cell, options).run()
        for t, u in STEPS:
            line, _ = in_numbers(quantity, trace, t, u, text_colour)
            np.testing.assert_allclose(
                numbers_in(line), terms(trace, cell, options, quantity, t, u), rtol=WRITTEN, atol=1e-300
            )

    @quantities
    def test_the_line_adds_up_to_the_result(self, cell, options, quantity):
        """A reader with a pocket calculator gets the number at the end, within the digits shown."""
        trace = network(cell, options).run()
        for t, u in STEPS:
            line, result = in_numbers(quantity, trace, t, u, text_colour)
            wanted = trace[quantity][t - 1, 0, u]
            slack = WRITTEN * (1 + sum(abs(n) for n in numbers_in(line)))
            assert abs(computed(line) - wanted) < slack
            shown = numbers_in(result[result.index(r"\mathbf") :])
            np.testing.assert_allclose(shown, wanted, rtol=WRITTEN)

    @quantities
    def test_the_second_line_is_the_squashed_sum(self, cell, options, quantity):
        trace = network(cell, options).run()
        for t, u in STEPS:
            _, result = in_numbers(quantity, trace, t, u)
            if f"a_{quantity}" in trace.values:
                left, right = result.split(" = ")
                np.testing.assert_allclose(numbers_in(left), trace[f"a_{quantity}"][t - 1, 0, u], rtol=WRITTEN)
                np.testing.assert_allclose(computed(left), numbers_in(right)[0], rtol=2e-2, atol=1e-3)
            else:
                assert "=" not in result

    def test_a_small_number_is_a_power_of_ten(self):
        net = network("lstm", {}, T=2, B=1, H=1)
        net.state[0]["c"][...] = 3.14e-9
        line, _ = in_numbers("c", net.run(), 1, 0)
        assert r"3.1\cdot10^{-9}" in line

    def test_a_negative_number_stands_in_brackets(self):
        net = network("lstm", {}, T=2, B=1, H=1)
        net.state[0]["c"][...] = -2
        for colour in (text_colour, lambda name: None):
            line, _ = in_numbers("c", net.run(), 1, 0, colour)
            assert r"\cdot (" in line, "· −2.00 without brackets reads as a difference"

    def test_a_number_that_overflowed_is_still_written(self):
        net = network("rnn", {"activation": "relu"}, T=60, B=1, H=2)
        net.params[0]["weight_hh"][...] = 1e30
        trace = net.run()
        for t in (1, 12, 60):
            latex = live("h", trace, t, 0, text_colour)
            assert brackets_match(latex) and not re.search(r"nan|inf(?!ty)", latex)


class TestInSymbols:
    @quantities
    def test_brackets_match(self, cell, options, quantity):
        trace = network(cell, options).run()
        for t, u in STEPS:
            for colour in (text_colour, lambda name: None):
                assert brackets_match(live(quantity, trace, t, u, colour))

    @quantities
    def test_every_quantity_wears_its_colour(self, cell, options, quantity):
        trace = network(cell, options).run()
        sides = " = ".join(in_symbols(quantity, trace, text_colour))
        coloured = re.findall(r"\\textcolor\{(#\w+)\}\{([A-Za-z])_", sides)
        assert coloured
        for hue, letter in coloured:
            assert hue == TEXT[role(letter.lower())][0]
        left_over = re.sub(r"\\textcolor\{#\w+\}\{[^{}]*\{[^{}]*\}\}", "", sides)
        assert not re.findall(r"(?<![A-Za-z\\])[a-zA-Z]_\{t(?:-1)?\}", left_over), f"no colour in {left_over}"

    @quantities
    def test_symbols_and_formula_name_the_same(self, cell, options, quantity):
        trace = network(cell, options).run()
        left, right = in_symbols(quantity, trace)
        names = re.findall(r"\b[A-Za-z]\w*\b", equations(trace)[quantity])
        wanted = [symbol(name) for name in names if name not in SQUASH]
        assert re.findall(r"[A-Za-z]_\{[\w-]+\}", right) == wanted
        assert left == symbol(quantity)

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("f", "f_{t}"),
            ("c", "C_{t}"),
            ("c_prev", "C_{t-1}"),
            ("h_prev", "h_{t-1}"),
            ("x", "x_{t}"),
            ("W_if", "W_{if}"),
            ("b_hn", "b_{hn}"),
        ],
    )
    def test_symbols(self, name, written):
        assert symbol(name) == written

    def test_by_hand(self):
        lstm = network("lstm", {}).run()
        assert in_symbols("c", lstm) == ("C_{t}", r"f_{t} \odot C_{t-1} + i_{t} \odot g_{t}")
        assert in_symbols("h", lstm) == ("h_{t}", r"o_{t} \odot \tanh\left(C_{t}\right)")
        assert in_symbols("f", lstm)[1] == r"\sigma\left(W_{if}\,x_{t} + b_{if} + W_{hf}\,h_{t-1} + b_{hf}\right)"
        gru = network("gru", {"reset_after": False, "z_keeps": True}).run()
        assert in_symbols("h", gru)[1] == (r"\left(1 - z_{t}\right) \odot n_{t} + z_{t} \odot h_{t-1}")
        assert r"W_{hn}\,\left(r_{t} \odot h_{t-1}\right)" in in_symbols("n", gru)[1]
