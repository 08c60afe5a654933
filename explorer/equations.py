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
    positive(a)              0 where a ≤ 0, else 1: the slope of ReLU, that of NaN too as PyTorch has it
    free_f, free_h_next, …   0 where a clamp holds the quantity, else 1

and one number of a sum is written with its place (from 0):

    (W_hq @ h_prev)[k]       the k-th product of the sum
    W_hq[k]                  the weight in it

What is one number for all units is a norm, of one vector or of several numbers, or a ratio of two:

    norm(dh) / norm(dh_next), norm(norm(da_f) * norm(h_prev), …)

and dW_hh is what the steps from this one to the last add to ∂L/∂W_hh, all its numbers in one row.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from explorer.measures import norm
from explorer.trace import Gradients, Trace

FUNCTIONS = {
    "sigmoid": lambda a: 0.5 * np.tanh(0.5 * a) + 0.5,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "positive": lambda a: (~(a <= 0)).astype(a.dtype),
    "norm": lambda *parts: norm(np.concatenate(parts, axis=-1))[..., None],
}
GROWN = "dW_hh"
PARTS = {"W_i": "weight_ih", "W_h": "weight_hh", "b_i": "bias_ih", "b_h": "bias_hh"}


@cache
def parse(formula: str) -> ast.expr:
    """The syntax tree of a formula."""
    return ast.parse(formula, mode="eval").body


def equations(trace: Trace) -> dict[str, str]:
    """The formulas of the trace's cell under its conventions, {quantity: formula}, in order of computation."""
    return dict(trace.cell.equations(trace.options))


def chain(trace: Trace) -> dict[str, str]:
    """The formulas of the chain rule of the trace's cell under its conventions, {gradient: formula}.

    In a run with clamps they name what is held, free_q: where it is, no gradient passes.
    """
    return dict(trace.cell.chain(trace.options, tuple(trace.held)))


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
    return worked_out(formula, lambda name: _named(name, trace, steps, grads, direct))


def worked_out(formula: str | ast.expr, named: Callable[[str], object], functions: Mapping = FUNCTIONS):
    """The formula's value, given the array or tensor that each name means: vectors (..., H), matrices (H, K).

    functions   those that it may call, for the kind of array that it is given
    """

    def value(node):
        match node:
            case ast.BinOp(left, ast.Add(), right):
                return value(left) + value(right)
            case ast.BinOp(left, ast.Sub(), right):
                return value(left) - value(right)
            case ast.BinOp(left, ast.Mult(), right):
                return value(left) * value(right)
            case ast.BinOp(left, ast.Div(), right):
                return value(left) / value(right)
            case ast.BinOp(left, ast.MatMult(), right):
                return value(right) @ value(left).T
            case ast.Subscript(ast.BinOp(left, ast.MatMult(), right), ast.Constant(int(k))):
                return value(right)[..., k : k + 1] * value(left)[:, k]
            case ast.Subscript(matrix, ast.Constant(int(k))):
                return value(matrix)[:, k]
            case ast.Call(ast.Name(function), arguments):
                return functions[function](*map(value, arguments))
            case ast.Attribute(matrix, "T"):
                return value(matrix).T
            case ast.Constant(int(number)):
                return number
            case ast.Name(name):
                return named(name)
        raise ValueError(f"a formula cannot hold {ast.unparse(node)!r}")

    return value(parse(formula) if isinstance(formula, str) else formula)


def names(formula: str) -> set[str]:
    """The names that a formula speaks of."""
    return {node.id for node in ast.walk(parse(formula)) if isinstance(node, ast.Name)} - set(FUNCTIONS)


def placed(name: str, step: int) -> tuple[str, int]:
    """The quantity that a name means in a formula of a step, and the step that it is of: c_prev at 5 -> c at 4."""
    quantity, _, when = name.rpartition("_")
    shift = {"prev": -1, "next": 1}.get(when, 0)
    return (quantity if shift else name), step + shift


def block(trace: Trace, name: str) -> np.ndarray | None:
    """A gate's rows of a stacked weight or bias, W_if or b_hn; None for another name."""
    if name[:3] not in PARTS:
        return None
    first = trace.cell.gates.index(name[3:]) * trace.H
    return trace.params[PARTS[name[:3]]][first : first + trace.H]


def _free(name: str, trace: Trace) -> np.ndarray:
    """1 where a quantity is free, at a step or at the next, (T, 1, H); beyond the last step nothing is held."""
    quantity = name.removeprefix("free_")
    free = np.isnan(trace.held[quantity.removesuffix("_next")])[:, None].astype(trace.dtype)
    return np.concatenate([free[1:], np.ones_like(free[:1])]) if quantity.endswith("_next") else free


def _named(name: str, trace: Trace, steps, grads, direct) -> np.ndarray:
    if name == "x":
        return trace.x[steps]
    if name == "dh_direct":
        return direct[steps]
    if name.startswith("free_"):
        return _free(name, trace)[steps]
    if name.endswith("_prev"):
        return trace.previous[name.removesuffix("_prev")][steps]
    if name.endswith("_next"):
        later = _named(name.removesuffix("_next"), trace, slice(1, None), grads, direct)
        return np.concatenate([later, np.zeros_like(trace["h"][:1])])[steps]
    if name[:3] in PARTS:
        return block(trace, name)
    if name.startswith("da_"):
        return grads.pre[name[3:]][steps]
    if name in ("dh", "dc"):
        return grads.state[name[1:]][steps]
    return trace[name][steps]
