"""The same Trace and Gradients from PyTorch's fused kernels, on a CPU or a GPU.

A fused nn.LSTM, GRU or RNN shows nothing of its inside. Here it is given the input's part of every
pre-activation, P = W_ih x + b, through an input matrix that is the identity: then ∂L/∂P *is* ∂L/∂a, at every
step. Everything else follows from a, h and ∂L/∂a without another loop of T steps:

*   a = P + W_hh h_{t-1}, and with it the gates, by one matrix product;
*   what reaches h_{t-1}, W_hhᵀ ∂L/∂a_t, by one more;
*   C_t = f_t C_{t-1} + i_t g_t and ∂L/∂C_t = f_{t+1} ∂L/∂C_{t+1} + …, by a scan over about 2√T blocks. It never
    divides, so it stays exact where a gate is shut.

The σ of an RNN has no kernel, but is the tanh of another network, exactly: with h = (1 + u)/2,
u_t = tanh(½ (P + ½ W 1) + ¼ W u_{t-1}), and its gradients are those of u by factors of 2.

The identity would make NaN of 0 · ∞. So where a pre-activation or a gradient is no finite number, the steps are
written out, one by one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch

from explorer.cells import CELLS
from explorer.cells.gru import relabelled
from explorer.check import known
from explorer.trace import Gradients, Named, Trace
from explorer.unroll import backprop_layers, conventions, run_layers

LONGEST = 65_535  # steps of one fused call: cuDNN refuses more
OVERHEAD = 2**15  # bytes that autograd keeps a step where the CPU's kernel is a loop, beside the numbers


def run(cell: str, params, x, state=None, *, device="cpu", chunk=None, clamp=(), **options) -> Trace:
    """Run `cell` over a sequence by PyTorch's fused kernels: as `explorer.run`, with the same Trace.

    device   "cpu", or a GPU by PyTorch's name, such as "cuda" or "cuda:1"
    chunk    steps of one fused call, at most 65,535; None takes as many as a quarter of the free memory holds.
             The memory of the device is bounded by it, whatever T is.

    Raises ValueError for what `explorer.run` refuses, for a GRU with reset_after=False, for a clamp, and for a device
    that is not there; RuntimeError if the device does not multiply exactly.
    """
    nothing_held(clamp)
    if chunk is not None and (isinstance(chunk, bool) or not 1 <= chunk <= LONGEST or chunk % 1):
        raise ValueError(f"chunk must be a whole number of steps from 1 to {LONGEST}, but is {chunk!r}")
    check_kernel(cell, options)
    return run_layers(partial(_forward, device=checked(device), chunk=chunk), cell, params, x, state, options)


def nothing_held(clamp) -> None:
    if clamp:
        raise ValueError("PyTorch's fused kernels cannot hold a gate or a state: use explorer.run for clamps")


def backprop(trace: Trace, dh, later=None) -> Gradients:
    """Backpropagate through a Trace of this module's `run`: as `explorer.backprop`, with the same Gradients."""
    if not isinstance(trace.tape, Tape):
        raise ValueError("this Trace is of another run: backpropagate it with explorer.backprop")
    return backprop_layers(_backward, trace, dh, later)


# devices


def check_kernel(cell: str, options: Mapping):
    if not conventions(CELLS[known(cell, CELLS, "cell")], options).get("reset_after", True):
        raise ValueError("PyTorch has no GRU with reset_after=False: choose reset_after=True or explorer.run")


def checked(name) -> torch.device:
    """The device of a name, if it is there and multiplies exactly."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"device must be cpu or a GPU that PyTorch finds, but is {name!r}: {reason}") from None
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda, but is {name!r}")
    if not multiplies_exactly(device):
        raise RuntimeError(f"{name} rounds a product with the identity: its fused kernels cannot be trusted here")
    return device


@contextmanager
def exactly():
    """Whole products: TF32 would round the identity's, and with it every pre-activation, to 10 bits."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@cache
def multiplies_exactly(device: torch.device) -> bool:
    """Whether a fused kernel takes numbers and gradients through the identity to the last bit."""
    numbers = torch.linspace(-1, 1, 7 * 2 * 64, device=device).view(7, 2, 64).requires_grad_()
    module = _fused(torch.nn.RNN, torch.zeros(64, 64, device=device), nonlinearity="relu")
    with exactly():
        h, _ = module(numbers)
        (slope,) = torch.autograd.grad(h, numbers, numbers.detach())
    on = numbers.detach().clamp(min=0)
    return torch.equal(h.detach(), on) and torch.equal(slope, on)


def free_memory(device: torch.device) -> int:
    """Bytes that can still be had."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**31


# one layer


def _fused(kind, weight_hh: torch.Tensor, bias_hn=None, **options) -> torch.nn.RNNBase:
    """nn.LSTM, GRU or RNN that takes pre-activations instead of inputs; a GRU keeps its b_hn."""
    wide, H = weight_hh.shape
    module = kind(wide, H, bias=bias_hn is not None, **options).to(weight_hh)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.eye(wide))
        module.weight_hh_l0.copy_(weight_hh)
        if bias_hn is not None:
            module.bias_ih_l0.zero_()
            module.bias_hh_l0.zero_()
            module.bias_hh_l0[2 * H :] = bias_hn
    return module.requires_grad_(False)


@dataclass
class Call:
    """One call over some steps: pre-activations and states in, h and states out, with autograd's graph."""

    P: torch.Tensor
    start: tuple[torch.Tensor, ...]
    h: torch.Tensor
    end: tuple[torch.Tensor, ...]
    written_out: bool = False


class Tape:
    """One layer on its device: its weights, its kernel, and the calls that are kept or can be made again."""

    def __init__(self, cell, options, params, device):
        self.cell, self.device = cell, device
        self.params = {name: torch.tensor(array, device=device) for name, array in relabelled_to(options, params)}
        self.H = self.params["weight_hh"].shape[1]
        self.sigmoid = options.get("activation") == "sigmoid"
        weight_hh, bias_hh = self.params["weight_hh"], self.params["bias_hh"]
        self.bias = self.params["bias_ih"] + bias_hh
        if cell.name == "gru":
            self.bias[2 * self.H :] = self.params["bias_ih"][2 * self.H :]
            self.module = _fused(torch.nn.GRU, weight_hh, bias_hh[2 * self.H :])
        elif cell.name == "lstm":
            self.module = _fused(torch.nn.LSTM, weight_hh)
        elif self.sigmoid:
            self.module = _fused(torch.nn.RNN, weight_hh / 4)
        else:
            self.module = _fused(torch.nn.RNN, weight_hh, nonlinearity=options["activation"])
        self.calls: dict[tuple[int, int], Call] = {}  # those kept
        self.pieces: list[slice] = []

    def bytes_a_step(self, B: int, D: int) -> int:
        """Of B sequences, with autograd's graph and all that is computed from it."""
        return self.bias.element_size() * B * (8 * self.module.input_size + 16 * self.H + 2 * D) + OVERHEAD

    def plan(self, T: int, B: int, D: int, chunk: int | None):
        """Cut T steps into calls, and decide whether all of them may stay in memory."""
        a_step, budget = self.bytes_a_step(B, D), free_memory(self.device) // 4
        self.T, self.keeps = T, T * a_step <= budget
        length = chunk or max(1, min(LONGEST, budget // a_step, (2**31 - 1) // (B * self.module.input_size)))
        self.pieces = [slice(first, min(first + length, T)) for first in range(0, T, length)]

    def to(self, array: np.ndarray) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), device=self.device)

    def call(self, x: torch.Tensor, start: tuple[torch.Tensor, ...]) -> Call:
        """x (n, B, D), start a (B, H) for each state."""
        P = torch.nn.functional.linear(x, self.params["weight_ih"], self.bias)
        if self.sigmoid:
            P, start = (P + self.params["weight_hh"].sum(1) / 2) / 2, tuple(2 * h - 1 for h in start)
        return self.through(P, tuple(h[None].contiguous() for h in start), written_out=not all_finite(P))

    def through(self, P: torch.Tensor, start: tuple[torch.Tensor, ...], *, written_out: bool) -> Call:
        """The kernel's call, or its steps one by one; P (n, B, G·H), start a (1, B, H) for each state."""
        P, start = P.detach().requires_grad_(), tuple(row.detach().requires_grad_() for row in start)
        if written_out:
            h, end = self.steps(P, [row[0] for row in start])
        else:
            h, end = self.module(P, start if len(start) > 1 else start[0])
        return Call(P, start, h, end if isinstance(end, tuple) else (end,), written_out)

    def steps(self, P: torch.Tensor, state: list[torch.Tensor]):
        """What the kernel computes, written out: h (n, B, H), and the last states, (1, B, H) each."""
        weight, rows = self.module.weight_hh_l0, []
        for a in P.unbind():
            state = self.step(a, state[0] @ weight.T, state)
            rows.append(state[0])
        return torch.stack(rows), tuple(row[None] for row in state)

    def step(self, a: torch.Tensor, recurrent: torch.Tensor, state: list[torch.Tensor]) -> list[torch.Tensor]:
        H = self.H
        if self.cell.name == "rnn":
            return [torch.relu(a + recurrent) if self.module.nonlinearity == "relu" else torch.tanh(a + recurrent)]
        if self.cell.name == "lstm":
            i, f, g, o = (a + recurrent).chunk(4, dim=1)
            c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
            return [torch.sigmoid(o) * torch.tanh(c), c]
        r, z = torch.sigmoid(a[:, : 2 * H] + recurrent[:, : 2 * H]).chunk(2, dim=1)
        n = torch.tanh(a[:, 2 * H :] + r * (recurrent[:, 2 * H :] + self.module.bias_hh_l0[2 * H :]))
        return [n + z * (state[0] - n)]

    def outputs(self, call: Call):
        """h (n, B, H), and (B, H) for each state at the start and the end; those of σ from those of tanh."""
        h, *states = (rows.detach() for rows in (call.h, *call.start, *call.end))
        if self.sigmoid:
            h, *states = ((1 + u) / 2 for u in (h, *states))
        states = [row[0] for row in states]
        return h, states[: len(call.start)], states[len(call.start) :]

    def values(self, call: Call) -> dict[str, torch.Tensor]:
        """Every named value of the call's steps, (n, B, H) each."""
        h, start, _ = self.outputs(call)
        P, blocks = call.P.detach(), len(self.cell.gates)
        if self.sigmoid:
            P = 2 * P - self.params["weight_hh"].sum(1) / 2
        recurrent = before(h, start[0]) @ self.params["weight_hh"].T
        if self.cell.name == "rnn":
            return {"a_h": P + recurrent, "h": h}
        if self.cell.name == "lstm":
            a_i, a_f, a_g, a_o = (P + recurrent).chunk(blocks, dim=2)
            i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
            c = scan(f, i * g, start[1])
            return dict(i=i, f=f, g=g, o=o, c=c, h=h, a_i=a_i, a_f=a_f, a_g=a_g, a_o=a_o)
        x_r, x_z, x_n = P.chunk(blocks, dim=2)
        h_r, h_z, q = recurrent.chunk(blocks, dim=2)
        q = q + self.params["bias_hh"][2 * self.H :]
        a_r, a_z = x_r + h_r, x_z + h_z
        r, z = torch.sigmoid(a_r), torch.sigmoid(a_z)
        a_n = x_n + r * q
        return dict(r=r, z=z, q=q, n=torch.tanh(a_n), h=h, a_n=a_n, a_r=a_r, a_z=a_z)

    def gradients(self, call: Call, direct, later):
        """direct (n, B, H), later a (B, H) for each state -> ∂L/∂a (n, B, G·H), the same with respect to the
        recurrent part, the totals of each state (n, B, H), and what reaches each initial state (B, H)."""
        half = 0.5 if self.sigmoid else 1.0
        outer, initial = [direct * half, *(row[None] * half for row in later)], [call.P, *call.start]
        da, *initial = torch.autograd.grad([call.h, *call.end], initial, outer, retain_graph=True)
        if not (call.written_out or all_finite(da)):
            call = self.through(call.P, call.start, written_out=True)
            da, *initial = torch.autograd.grad([call.h, *call.end], [call.P, *call.start], outer)
        da, initial = da * half, [row[0] / half for row in initial]
        recurrent = da
        if self.cell.name != "rnn":
            v = self.values(call)
        if self.cell.name == "gru":
            recurrent = torch.cat([da[:, :, : 2 * self.H], da[:, :, 2 * self.H :] * v["r"]], dim=2)
        reaches = recurrent @ self.params["weight_hh"]  # h_{t-1}, through the gates
        dh = direct + after(reaches, later[0])
        if self.cell.name == "gru":
            dh = scan(after(v["z"], torch.zeros_like(later[0])).flip(0), dh.flip(0), later[0]).flip(0)
        totals = [dh]
        if self.cell.name == "lstm":
            via_h = dh * v["o"] * (1 - torch.tanh(v["c"]) ** 2)
            kept = after(v["f"], torch.ones_like(later[1]))
            totals.append(scan(kept.flip(0), via_h.flip(0), later[1]).flip(0))
        return da, recurrent, totals, initial


def all_finite(rows: torch.Tensor) -> bool:
    return bool(rows.isfinite().all())


def before(rows: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """The rows (n, B, H) of one step earlier, the first given."""
    return torch.cat([first[None], rows[:-1]])


def after(rows: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """The rows (n, B, H) of one step later, the last given."""
    return torch.cat([rows[1:], last[None]])


def scan(factor: torch.Tensor, source: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """s_t = factor_t ⊙ s_{t-1} + source_t for all t, (T, B, H) each, from s_0 = start (B, H).

    √T blocks run side by side from zero; each is then given what its predecessor ends with.
    """
    T = len(factor)
    length = max(1, round(T**0.5))
    blocks = -(-T // length)
    shape = (blocks * length, *factor.shape[1:])
    sums, products = torch.zeros(shape).to(source), torch.ones(shape).to(factor)
    sums[:T], products[:T] = source, factor
    sums, products = (rows.view(blocks, length, *shape[1:]) for rows in (sums, products))
    for step in range(1, length):
        sums[:, step] += products[:, step] * sums[:, step - 1]
        products[:, step] *= products[:, step - 1]
    for block in range(blocks):
        sums[block] += products[block] * start
        start = sums[block, -1]
    return sums.view(shape)[:T]


def relabelled_to(options, params):
    """The weights of the network whose z = 1 keeps, as (name, array)."""
    return (relabelled(dict(params), options) if "z_keeps" in options else params).items()


# all steps


def _forward(cell, params, x, state, options, held, device, chunk):
    tape, (T, B, D) = Tape(cell, options, params, device), x.shape
    tape.plan(T, B, D, chunk)
    start, values = tuple(tape.to(state[q]) for q in cell.states), {}
    for piece in tape.pieces:
        with exactly():
            call = tape.call(tape.to(x[piece]), start)
            with torch.no_grad():
                made = tape.values(call)
        *_, start = tape.outputs(call)
        if tape.keeps:
            tape.calls[piece.start, piece.stop] = call
        for name, rows in made.items():
            values.setdefault(name, np.empty((T, B, tape.H), x.dtype))[piece] = rows.cpu().numpy()
    return labelled(values, options), tape


def labelled(values: dict[str, np.ndarray], options) -> dict[str, np.ndarray]:
    """The values under the label of z that was chosen."""
    if not options.get("z_keeps", True):
        values["z"], values["a_z"] = 1 - values["z"], -values["a_z"]
    return values


def _backward(trace: Trace, dh: np.ndarray, later: Mapping) -> Gradients:
    return collected(trace, _pieces_backward(trace, dh, later))


def _pieces_backward(trace: Trace, dh: np.ndarray, later: Mapping):
    tape, states = trace.tape, trace.cell.states
    later = [tape.to(later[q]) for q in states]
    pieces = [slice(piece.start, min(piece.stop, trace.T)) for piece in tape.pieces if piece.start < trace.T]
    for piece in reversed(pieces):
        x, direct = tape.to(trace.x[piece]), tape.to(dh[piece])
        start = tuple(tape.to(states_before(trace, q, piece.start)) for q in states)
        with exactly():
            call = tape.calls.get((piece.start, piece.stop)) or tape.call(x, start)
            da, recurrent, totals, later = tape.gradients(call, direct, later)
        yield piece, x, before(tape.outputs(call)[0], start[0]), da, recurrent, totals, later


def collected(trace: Trace, pieces) -> Gradients:
    """The Gradients in the host's memory, from (steps, x, h_{t-1}, ∂a, ∂ of the recurrent part, total ∂h and ∂C,
    what reaches the states before them) of each piece, the last steps first."""
    tape, cell, H = trace.tape, trace.cell, trace.H
    states, pre = ({q: np.empty_like(trace["h"]) for q in names} for names in (cell.states, cell.gates))
    dx, weights = np.empty_like(trace.x), {}
    initial = {}
    for piece, x, h_prev, da, recurrent, totals, reached in pieces:
        initial = {q: row.cpu().numpy() for q, row in zip(cell.states, reached)}
        with exactly(), torch.no_grad():
            sums = {
                "weight_ih": over_steps(da, x),
                "weight_hh": over_steps(recurrent, h_prev),
                "bias_ih": da.sum((0, 1)),
                "bias_hh": recurrent.sum((0, 1)),
            }
            dx[piece] = (da @ tape.params["weight_ih"]).cpu().numpy()
        weights = {name: weights.get(name, 0) + gradient.cpu().numpy() for name, gradient in sums.items()}
        for q, rows in zip(cell.states, totals):
            states[q][piece] = rows.cpu().numpy()
        for gate, rows in zip(cell.gates, da.split(H, dim=2)):
            pre[gate][piece] = rows.cpu().numpy()
    if not trace.options.get("z_keeps", True):
        pre["z"] *= -1
        weights = relabelled(weights, trace.options)
    dx.flags.writeable = False
    return Gradients(Named("state", states), Named("gate", pre), Named("weight", weights), dx, Named("state", initial))


def over_steps(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Σ left·rightᵀ over steps and sequences: (n, B, M), (n, B, N) -> (M, N)."""
    return left.flatten(0, 1).T @ right.flatten(0, 1)


def states_before(trace: Trace, q: str, step: int) -> np.ndarray:
    return trace.initial[q] if step == 0 else trace[q][step - 1]
