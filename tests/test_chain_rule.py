"""Every formula of the chain rule that is shown gives what the engine's backpropagation found."""

import ast

import numpy as np
import pytest

from explorer import backprop
from explorer.cells import CELLS
from explorer.equations import chain, evaluate, parse, tree
from tests.engine_cases import every_case, losses, network


@every_case
@pytest.mark.parametrize("where", ["all steps", "last step", "some steps"])
def test_each_formula_is_what_backprop_does(cell, options, where):
    trace = network(cell, options, T=7).run()
    direct = losses(7, trace.B, trace.H)[where]
    grads = backprop(trace, direct)
    found = {f"d{q}": grads.state[q] for q in trace.cell.states} | {f"da_{q}": grads.pre[q] for q in trace.cell.gates}
    formulas = chain(trace)
    assert set(formulas) == set(found) - ({"dh"} - set(formulas))
    for gradient, formula in formulas.items():
        shown = evaluate(formula, trace, grads=grads, direct=direct)
        np.testing.assert_allclose(shown, found[gradient], rtol=1e-10, atol=1e-14, err_msg=gradient)


@every_case
def test_a_single_step_gives_the_same_as_all(cell, options):
    trace = network(cell, options, T=5).run()
    direct = losses(5, trace.B, trace.H)["all steps"]
    grads = backprop(trace, direct)
    for formula in chain(trace).values():
        of_all = evaluate(formula, trace, grads=grads, direct=direct)
        for t in range(5):
            one = evaluate(formula, trace, slice(t, t + 1), grads, direct)
            np.testing.assert_allclose(one[0], of_all[t], rtol=1e-12, atol=1e-300)


@every_case
def test_a_tree_says_all_that_a_formula_says(cell, options):
    """Written out again from its tree, a formula is the same formula."""

    def written(node):
        match node:
            case [("+" | "-" | "*" | "@") as operator, left, right]:
                return f"({written(left)} {operator} {written(right)})"
            case ["call", function, argument]:
                return f"{function}({written(argument)})"
            case ["T", matrix]:
                return f"{written(matrix)}.T"
            case ["number" | "name", value]:
                return str(value)

    kind = CELLS[cell]
    for formula in (*kind.equations(options).values(), *kind.chain(options).values()):
        assert tree(parse(written(tree(formula)))) == tree(formula)


def test_phases_explain_each_quantity_once():
    for kind in CELLS.values():
        options = {name: values[0] for name, values in kind.options.items()}
        assert sorted(q for phase in kind.phases for q in phase) == sorted(kind.equations(options))


def test_phases_back_cover_the_chain_once_and_in_its_order():
    """What a phase needs of this step has been found by the phases before it."""
    for kind in CELLS.values():
        options = {name: values[0] for name, values in kind.options.items()}
        rule = kind.chain(options)
        assert sorted(q for phase in kind.phases_back for q in phase) == sorted(rule)
        found = set()
        for phase in kind.phases_back:
            for gradient in phase:
                needed = {node.id for node in ast.walk(parse(rule[gradient])) if isinstance(node, ast.Name)}
                assert needed & set(rule) <= found, f"{kind.name}: {gradient} needs {needed & set(rule)}"
            found |= set(phase)
