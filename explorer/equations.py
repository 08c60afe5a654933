"""The cell's equations: one source that is computed with, and shown in symbols and in numbers.

A formula is a Python expression in these names, for a gate q:

    x, h_prev, c_prev        x_t, h_{t-1}, C_{t-1}
    i, f, g, o, r, z, n, c, h   gates and states of step t
    W_iq, W_hq, b_iq, b_hq   the blocks of weight_ih, weight_hh, bias_ih, bias_hh (RNN: q = h)

with + - * (⊙), @ (matrix product) and sigmoid, tanh, relu. The chain rule also needs

    dh, dc, da_q             the total ∂L/∂h_t, ∂L/∂C_t, ∂L/∂a_q,t
    dh_direct                what the loss adds at this step
    dh_next, z_next, …       the same of step t+1; nothing beyond the last step
    W_hq.T                   a block transposed
    positive(a)              1 where a > 0, else 0: the slope of ReLU
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache

import numpy as np

from explorer.numerals import tex
from explorer.trace import Gradients, Trace

FUNCTIONS = {
    "sigmoid": lambda a: 0.5 * np.tanh(0.5 * a) + 0.5,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "positive": lambda a: (a > 0).astype(a.dtype),
}
SQUASH = {"sigmoid": r"\sigma", "tanh": r"\tanh", "relu": r"\mathrm{ReLU}"}
PARTS = {"W_i": "weight_ih", "W_h": "weight_hh", "b_i": "bias_ih", "b_h": "bias_hh"}
STATES = {"h": "h", "c": "C"}


@cache
def parse(formula: str) -> ast.expr:
    """The syntax tree of a formula."""
    return ast.parse(formula, mode="eval").body


def equations(trace: Trace) -> dict[str, str]:
    """The formulas of the trace's cell under its conventions, {quantity: formula}, in order of computation."""
    return dict(trace.cell.equations(trace.options))


def chain(trace: Trace) -> dict[str, str]:
    """The formulas of the chain rule of the trace's cell under its conventions, {gradient: formula}."""
    return dict(trace.cell.chain(trace.options))


def tree(formula: str | ast.expr) -> list:
    """A formula as nested lists, for those who do not read Python: ["+", left, right], ["name", "W_if"], …"""
    node = parse(formula) if isinstance(formula, str) else formula
    match node:
        case ast.BinOp(left, operator, right):
            return [OPERATORS[type(operator)], tree(left), tree(right)]
        case ast.Call(ast.Name(function), [argument]):
            return ["call", function, tree(argument)]
        case ast.Attribute(matrix, "T"):
            return ["T", tree(matrix)]
        case ast.Constant(number):
            return ["number", number]
        case ast.Name(name):
            return ["name", name]
    raise ValueError(f"a formula cannot hold {ast.unparse(node)!r}")


OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@"}


def evaluate(formula: str | ast.expr, trace: Trace, steps=slice(None), grads: Gradients | None = None, direct=None):
    """The formula's value from the run's own numbers, (steps, B, H).

    grads, direct   for the chain rule: the Gradients and the direct ∂L/∂h_t (T, B, H) that they came from
    """

    def value(node):
        match node:
            case ast.BinOp(left, ast.Add(), right):
                return value(left) + value(right)
            case ast.BinOp(left, ast.Sub(), right):
                return value(left) - value(right)
            case ast.BinOp(left, ast.Mult(), right):
                return value(left) * value(right)
            case ast.BinOp(left, ast.MatMult(), right):
                return value(right) @ value(left).T
            case ast.Call(ast.Name(function), [argument]):
                return FUNCTIONS[function](value(argument))
            case ast.Attribute(matrix, "T"):
                return value(matrix).T
            case ast.Constant(number):
                return np.asarray(number, trace.dtype)
            case ast.Name(name):
                return _named(name, trace, steps, grads, direct)
        raise ValueError(f"a formula cannot hold {ast.unparse(node)!r}")

    return value(parse(formula) if isinstance(formula, str) else formula)


def _named(name: str, trace: Trace, steps, grads, direct) -> np.ndarray:
    if name == "x":
        return trace.x[steps]
    if name == "dh_direct":
        return direct[steps]
    if name.endswith("_prev"):
        return trace.previous[name.removesuffix("_prev")][steps]
    if name.endswith("_next"):
        later = _named(name.removesuffix("_next"), trace, slice(1, None), grads, direct)
        return np.concatenate([later, np.zeros_like(trace["h"][:1])])[steps]
    if name[:3] in PARTS:
        block = trace.cell.gates.index(name[3:])
        stacked = trace.params[PARTS[name[:3]]]
        return stacked[block * trace.H : (block + 1) * trace.H]
    if name.startswith("da_"):
        return grads.pre[name[3:]][steps]
    if name in ("dh", "dc"):
        return grads.state[name[1:]][steps]
    return trace[name][steps]


Colour = Callable[[str], str | None]


def symbol(name: str, colour: Colour = lambda name: None) -> str:
    """The LaTeX symbol of a name: f -> f_t, c_prev -> C_{t-1}, W_if -> W_{if}."""
    if name[:3] in PARTS:
        return f"{name[0]}_{{{name[2:]}}}"
    base, step = (name.removesuffix("_prev"), "t-1") if name.endswith("_prev") else (name, "t")
    written = f"{STATES.get(base, base)}_{{{step}}}"
    hue = colour(base)
    return rf"\textcolor{{{hue}}}{{{written}}}" if hue else written


def live(quantity: str, trace: Trace, t: int, unit: int, colour: Colour = lambda name: None) -> str:
    """LaTeX of the equation in symbols and, line by line below it, in numbers."""
    left, right = in_symbols(quantity, trace, colour)
    lines = [right, *in_numbers(quantity, trace, t, unit, colour)]
    return rf"\begin{{aligned}} {left} &= " + r" \\ &= ".join(lines) + r" \end{aligned}"


def in_symbols(quantity: str, trace: Trace, colour: Colour = lambda name: None) -> tuple[str, str]:
    """LaTeX of both sides of the equation that makes a quantity: f_t, σ(W_{if} x_t + …)."""

    def leaf(node):
        return symbol(node.id, colour) if isinstance(node, ast.Name) else str(node.value)

    def written(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            right = written(node.right)
            if not isinstance(node.right, ast.Name):
                right = rf"\left({right}\right)"
            return rf"{written(node.left)}\,{right}"
        return _written(node, written, leaf, r"\odot")

    return symbol(quantity, colour), written(parse(equations(trace)[quantity]))


def in_numbers(quantity: str, trace: Trace, t: int, unit: int, colour: Colour = lambda name: None) -> list[str]:
    """LaTeX of the right side with the numbers of one unit (from 0) of step t (from 1) of sequence 1.

    First the terms, a matrix product as the one number that it gives this unit; then the sum and the result.
    """
    steps = slice(t - 1, t)

    def number(node):
        value = evaluate(node, trace, steps)
        return tex(value.item() if value.size == 1 else value.reshape(-1, trace.H)[0, unit].item())

    def leaf(node):
        if isinstance(node, ast.Constant):
            return str(node.value)
        hue = colour(node.id.removesuffix("_prev"))
        return rf"\textcolor{{{hue}}}{{{number(node)}}}" if hue else number(node)

    def written(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return number(node)
        return _written(node, written, leaf, r"\cdot")

    formula = parse(equations(trace)[quantity])
    result = rf"\mathbf{{{number(ast.Name(quantity))}}}"
    hue = colour(quantity)
    result = rf"\textcolor{{{hue}}}{{{result}}}" if hue else result
    if isinstance(formula, ast.Call) and not isinstance(formula.args[0], ast.Name):
        result = f"{SQUASH[formula.func.id]}({number(formula.args[0])}) = {result}"
    return [written(formula), result]


def _written(node: ast.expr, written, leaf, times: str) -> str:
    match node:
        case ast.BinOp(left, ast.Add(), right):
            return f"{written(left)} + {_term(written(right))}"
        case ast.BinOp(left, ast.Sub(), right):
            return f"{written(left)} - {_term(_factor(right, written))}"
        case ast.BinOp(left, ast.Mult(), right):
            return f"{_factor(left, written)} {times} {_term(_factor(right, written))}"
        case ast.Call(ast.Name(squash), [argument]):
            return rf"{SQUASH[squash]}\left({written(argument)}\right)"
    return leaf(node)


def _factor(node: ast.expr, written) -> str:
    sum_of_terms = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    return rf"\left({written(node)}\right)" if sum_of_terms else written(node)


def _term(text: str) -> str:
    """A negative number in brackets, coloured or not."""
    bare = text.partition("}{")[2] if text.startswith(r"\textcolor") else text
    return f"({text})" if bare.startswith("-") else text
