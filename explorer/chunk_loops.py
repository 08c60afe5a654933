"""One step of many chunks of a sequence at once, forward and backward, for `explorer.parallel_time`.

K chunks of B sequences run side by side. A step works in scratch memory of shape (blocks, K, B, H), in which
each block, a gate or a state of all chunks, is contiguous. What it reads and writes are views (blocks, K, B, H)
into the rows that the cells' own loops keep, so that a tape made here is the tape made there.
"""

from __future__ import annotations

import numpy as np

from explorer.cells import gru, lstm, rnn
from explorer.cells.base import Backward, arranged, named, outer, summed, with_batch


def by_step(rows: np.ndarray, K: int, H: int) -> np.ndarray:
    """A view of rows (K·L, M[, B]) that goes step by step: (L, M/H, K, B, H)."""
    rows = with_batch(rows)
    return rows.reshape(K, -1, rows.shape[1] // H, H, rows.shape[2]).transpose(1, 2, 0, 4, 3)


def sigmoid(a: np.ndarray):
    """σ in place. Of many numbers exp is faster than tanh; where it overflows, σ is 0."""
    np.negative(a, a)
    np.exp(a, a)
    np.add(a, 1, a)
    np.divide(1, a, a)


def added(blocks: np.ndarray, out: np.ndarray):
    """The sum of blocks (G, K, B, H) into `out`: a reduction over the first axis is slower."""
    np.add(blocks[0], blocks[1], out)
    for block in blocks[2:]:
        np.add(out, block, out)


SQUASH = {"tanh": lambda a: np.tanh(a, a), "relu": lambda a: np.maximum(a, 0, out=a), "sigmoid": sigmoid}


class Loops:
    """What all cells share. `at` says in which block of a row each state is."""

    rows: int  # blocks of a row of the tape
    out: int  # blocks of a row of the backward pass
    pre: slice  # those of ∂L/∂a among them
    totals: dict  # state -> its block among them
    at: dict  # state -> its block of a row of the tape

    def __init__(self, params, options, K: int, B: int):
        H, dtype = params["weight_hh"].shape[1], params["weight_hh"].dtype
        self.params, self.options, self.H, self.shape = params, options, H, (K, B, H)
        self.now = np.zeros((self.rows, *self.shape), dtype)
        self.back = np.zeros((self.out, *self.shape), dtype)
        self.later = {q: np.zeros(self.shape, dtype) for q in self.at}  # ∂L/∂h, ∂L/∂C from later steps
        self.prepare(len(params["bias_hh"]) // H, dtype)

    def state(self) -> dict[str, np.ndarray]:
        """The states of all chunks, views (K, B, H)."""
        return {q: self.now[block] for q, block in self.at.items()}

    def recurrent(self, weight_hh: np.ndarray, order) -> np.ndarray:
        """Blocks of weight_hh in `order`, each turned for h @ block: (G, H, H)."""
        gates = arranged(weight_hh, self.gates, order).reshape(len(order), self.H, self.H)
        return np.ascontiguousarray(gates.transpose(0, 2, 1))

    def through(self, h: np.ndarray, weights: np.ndarray, out: np.ndarray):
        """h (K, B, H) or (G, K, B, H) times each of the weights (G, H, H), into `out` (G, K, B, H)."""
        G, H = len(weights), self.H
        np.matmul(h.reshape(*h.shape[:-3], -1, H), weights, out=out.reshape(G, -1, H))


class LSTMLoops(Loops):
    rows, out, pre, gates = 7, 6, slice(2, 6), lstm.GATES
    at, totals = {"h": 6, "c": 4}, {"h": 0, "c": 1}
    order = lstm.ORDER

    def prepare(self, G, dtype):
        self.W = self.recurrent(self.params["weight_hh"], lstm.ORDER)
        self.W_back = np.ascontiguousarray(self.W.transpose(0, 2, 1))
        self.four, self.t = np.empty((2, 4, *self.shape), dtype)

    def forward(self, a, row):
        now = self.now
        o, (c, tanh_c, h) = now[0], now[4:]
        gates, part = now[:4], self.t[:2]
        self.through(h, self.W, self.four)
        np.add(a, self.four, gates)
        a[...] = gates
        sigmoid(now[:3])
        np.tanh(now[3], now[3])
        np.multiply(now[1:3], now[3:5], part)
        np.add(part[0], part[1], c)
        np.tanh(c, tanh_c)
        np.multiply(o, tanh_c, h)
        row[...] = now

    def backward(self, row, before, direct):
        self.now[...] = row
        o, i, f, g, c, tanh_c, _ = now = self.now
        (dh, dc, da_o), da_g = self.back[:3], self.back[5]
        mul, shut, part = np.multiply, self.t[:3], self.t[3]
        np.subtract(1, now[:3], shut)
        np.add(self.later["h"], direct, dh)
        mul(o, tanh_c, da_o)
        mul(da_o, tanh_c, part)
        np.subtract(o, part, part)  # ∂h/∂C
        mul(part, dh, part)
        np.add(self.later["c"], part, dc)
        mul(da_o, shut[0], da_o)
        mul(da_o, dh, da_o)
        c[...] = before[4]
        mul(now[3:5], now[1:3], self.back[3:5])  # g i, C_{t-1} f
        mul(self.back[3:5], shut[1:], self.back[3:5])
        mul(g, g, part)
        np.subtract(1, part, part)
        mul(part, i, da_g)
        mul(self.back[3:], dc, self.back[3:])
        mul(dc, f, self.later["c"])
        self.through(self.back[2:], self.W_back, self.four)
        added(self.four, self.later["h"])

    def named(self, rows, pre):
        H = self.H
        values = named(rows[1:], (*lstm.ORDER, "c", "tanh_c", "h"), H) | named(pre, (f"a_{q}" for q in lstm.ORDER), H)
        return {q: values[q] for q in (*self.gates, "c", "h", *(f"a_{q}" for q in self.gates))}

    def recurrently(self, rows, out, whole):
        return {"h_prev": rows[:-1, 6 * self.H :]}


class GRULoops(Loops):
    """With the reset gate after the product and z = 1 keeping."""

    rows, out, pre, gates = 5, 5, slice(0, 3), gru.GATES
    at, totals = {"h": 4}, {"h": 4}
    order = gru.ORDER

    def prepare(self, G, dtype):
        weight_hh = self.params["weight_hh"]
        self.W = self.recurrent(weight_hh, gru.ORDER)
        self.W_back = np.ascontiguousarray(self.recurrent(weight_hh, gru.GATES).transpose(0, 2, 1))
        self.bias_hn = self.params["bias_hh"][2 * self.H :]
        self.three, self.t = np.empty((2, 3, *self.shape), dtype)

    def forward(self, a, row):
        r, z, q, n, h = now = self.now
        rz, part = now[:2], self.t[0]
        self.through(h, self.W, self.three)
        np.add(a[1:], self.three[1:], rz)
        a[1:] = rz
        sigmoid(rz)
        np.add(self.three[0], self.bias_hn, q)
        np.multiply(r, q, part)
        np.add(a[0], part, n)
        a[0] = n
        np.tanh(n, n)
        np.subtract(h, n, part)
        np.multiply(z, part, part)
        np.add(n, part, h)
        row[...] = now

    def backward(self, row, before, direct):
        self.now[...] = row
        r, z, q, n, h = self.now
        da_n, da_r, da_z, dq, dh = self.back
        mul, (shut_r, shut_z, part) = np.multiply, self.t
        np.subtract(1, self.now[:2], self.t[:2])
        np.add(self.later["h"], direct, dh)
        mul(n, n, part)
        np.subtract(1, part, part)
        mul(part, shut_z, part)
        mul(part, dh, da_n)
        mul(da_n, r, dq)
        mul(dq, q, da_r)
        mul(da_r, shut_r, da_r)
        h[...] = before[4]
        np.subtract(h, n, part)
        mul(part, z, part)
        mul(part, shut_z, part)
        mul(part, dh, da_z)
        self.through(self.back[1:4], self.W_back, self.three)
        mul(dh, z, part)
        added(self.three, self.later["h"])
        np.add(self.later["h"], part, self.later["h"])

    def named(self, rows, pre):
        values = named(rows[1:], ("r", "z", "q", "n", "h"), self.H)
        return values | named(pre, (f"a_{q}" for q in gru.ORDER), self.H)

    def recurrently(self, rows, out, whole):
        H = self.H
        recurrent = out[:whole, H : 4 * H]
        h_prev = rows[:whole, 4 * H :]
        return {"recurrent": lambda: {"weight_hh": outer(recurrent, h_prev)[0], "bias_hh": summed(recurrent)}}


class RNNLoops(Loops):
    rows, out, pre, gates = 1, 2, slice(1, 2), rnn.GATES
    at, totals = {"h": 0}, {"h": 0}
    order = rnn.GATES

    def prepare(self, G, dtype):
        self.W = self.recurrent(self.params["weight_hh"], self.gates)
        self.W_back = np.ascontiguousarray(self.W.transpose(0, 2, 1))
        self.squash = SQUASH[self.options["activation"]]
        self.one = np.empty((1, *self.shape), dtype)

    def forward(self, a, row):
        self.through(self.now[0], self.W, self.one)
        np.add(a, self.one, self.now)
        a[...] = self.now
        self.squash(self.now)
        row[...] = self.now

    def backward(self, row, before, direct):
        self.now[...] = row
        dh, da = self.back
        np.add(self.later["h"], direct, dh)
        slope = rnn.slopes(self.options["activation"], self.now[0])
        if self.options["activation"] == "relu":
            np.bitwise_and(rnn.bits(dh), rnn.sieve(slope), rnn.bits(da))
        else:
            np.multiply(dh, slope, da)
        self.through(da, self.W_back, self.one)
        self.later["h"][...] = self.one[0]

    def named(self, rows, pre):
        return named(rows[1:], ("h",), self.H) | named(pre, ("a_h",), self.H)

    def recurrently(self, rows, out, whole):
        return {"h_prev": rows[:-1]}


LOOPS = {"lstm": LSTMLoops, "gru": GRULoops, "rnn": RNNLoops}


def projection(loops: Loops):
    """weight_ih and bias of the input's part of the pre-activations, in the order of the loops."""
    params, H = loops.params, loops.H
    bias_hh = params["bias_hh"].copy()
    if isinstance(loops, GRULoops):
        bias_hh[2 * H :] = 0  # b_hn stays inside
    return [arranged(p, loops.gates, loops.order) for p in (params["weight_ih"], params["bias_ih"] + bias_hh)]


def handed_back(loops: Loops, rows, out, initial, whole: int) -> Backward:
    """What a cell's own backward loop would hand back; finished gradients of weights are of the `whole` first steps."""
    H = loops.H
    return Backward(
        pre=out[:, loops.pre.start * H : loops.pre.stop * H],
        state={q: out[:, block * H : (block + 1) * H] for q, block in loops.totals.items()},
        initial=initial,
        **loops.recurrently(rows, out, whole),
    )
