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
    halved = (0.5, 0.5, 0.5, 1)
    order = lstm.ORDER

    def prepare(self, G, dtype):
        weights = self.recurrent(self.params["weight_hh"], lstm.ORDER)
        self.W = weights * np.array(self.halved, dtype)[:, None, None]
        self.W_back = np.ascontiguousarray(weights.transpose(0, 2, 1))
        self.four, self.t = np.empty((2, 4, *self.shape), dtype)

    def forward(self, a, row):
        now = self.now
        o, (c, tanh_c, h) = now[0], now[4:]
        gates, part = now[:4], self.t[:2]
        self.through(h, self.W, self.four)
        np.add(a, self.four, gates)
        a[...] = gates
        np.tanh(gates, gates)
        np.multiply(now[:3], 0.5, now[:3])
        np.add(now[:3], 0.5, now[:3])
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
        self.four.sum(axis=0, out=self.later["h"])

    def named(self, rows, pre):
        H = self.H
        pre[:, : 3 * H] *= 2  # the halved sigmoid rows again as a_o, a_i, a_f
        values = named(rows[1:], (*lstm.ORDER, "c", "tanh_c", "h"), H) | named(pre, (f"a_{q}" for q in lstm.ORDER), H)
        return {q: values[q] for q in (*self.gates, "c", "h", *(f"a_{q}" for q in self.gates))}

    def weights_gradients(self, rows, out):
        H = self.H
        pre = out[:, 2 * H :]
        sums = {"weight_hh": outer(pre, rows[:-1, 6 * H :]), "bias_hh": summed(pre)}
        return {name: arranged(array, lstm.ORDER, self.gates) for name, array in sums.items()}


class GRULoops(Loops):
    """With the reset gate after the product and z = 1 keeping."""

    rows, out, pre, gates = 5, 5, slice(0, 3), gru.GATES
    at, totals = {"h": 4}, {"h": 4}
    halved = (1, 0.5, 0.5)
    order = gru.ORDER

    def prepare(self, G, dtype):
        weight_hh = self.params["weight_hh"]
        self.W = self.recurrent(weight_hh, gru.ORDER) * np.array(self.halved, dtype)[:, None, None]
        self.W_back = np.ascontiguousarray(self.recurrent(weight_hh, gru.GATES).transpose(0, 2, 1))
        self.bias_hn = self.params["bias_hh"][2 * self.H :]
        self.three, self.t = np.empty((2, 3, *self.shape), dtype)

    def forward(self, a, row):
        r, z, q, n, h = now = self.now
        rz, part = now[:2], self.t[0]
        self.through(h, self.W, self.three)
        np.add(a[1:], self.three[1:], rz)
        a[1:] = rz
        np.tanh(rz, rz)
        np.multiply(rz, 0.5, rz)
        np.add(rz, 0.5, rz)
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
        self.three.sum(axis=0, out=self.later["h"])
        np.add(self.later["h"], part, self.later["h"])

    def named(self, rows, pre):
        H = self.H
        pre[:, H:] *= 2
        return named(rows[1:], ("r", "z", "q", "n", "h"), H) | named(pre, (f"a_{q}" for q in gru.ORDER), H)

    def weights_gradients(self, rows, out):
        H = self.H
        recurrent = out[:, H : 4 * H]
        return {"weight_hh": outer(recurrent, rows[:-1, 4 * H :]), "bias_hh": summed(recurrent)}


class RNNLoops(Loops):
    rows, out, pre, gates = 1, 2, slice(1, 2), rnn.GATES
    at, totals = {"h": 0}, {"h": 0}
    order = rnn.GATES

    def prepare(self, G, dtype):
        weights = self.recurrent(self.params["weight_hh"], self.gates)
        self.halved = (0.5 if self.options["activation"] == "sigmoid" else 1,)
        self.W, self.W_back = weights * dtype.type(self.halved[0]), np.ascontiguousarray(weights.transpose(0, 2, 1))
        self.squash = rnn.squash_into(self.options["activation"], self.now[0])
        self.one = np.empty((1, *self.shape), dtype)

    def forward(self, a, row):
        self.through(self.now[0], self.W, self.one)
        np.add(a, self.one, self.one)
        a[...] = self.one
        self.squash(self.one[0], self.now[0])
        row[...] = self.now

    def backward(self, row, before, direct):
        self.now[...] = row
        dh, da = self.back
        np.add(self.later["h"], direct, dh)
        np.multiply(dh, rnn.slopes(self.options["activation"], self.now[0]), da)
        self.through(da, self.W_back, self.one)
        self.later["h"][...] = self.one[0]

    def named(self, rows, pre):
        pre /= pre.dtype.type(self.halved[0])
        return named(rows[1:], ("h",), self.H) | named(pre, ("a_h",), self.H)

    def weights_gradients(self, rows, out):
        pre = out[:, self.H :]
        return {"weight_hh": outer(pre, rows[:-1]), "bias_hh": summed(pre)}


LOOPS = {"lstm": LSTMLoops, "gru": GRULoops, "rnn": RNNLoops}


def projection(loops: Loops):
    """weight_ih and bias of the input's part of the pre-activations, in the order and halves of the loops."""
    params, H = loops.params, loops.H
    halved = np.repeat(np.array(loops.halved, params["weight_hh"].dtype), H)
    bias_hh = params["bias_hh"].copy()
    if isinstance(loops, GRULoops):
        bias_hh[2 * H :] = 0  # b_hn stays inside
    weight_ih, bias = (
        arranged(p, loops.gates, loops.order) for p in (params["weight_ih"], params["bias_ih"] + bias_hh)
    )
    return weight_ih * halved[:, None], bias * halved


def handed_back(loops: Loops, rows, out, initial, whole: int) -> Backward:
    """What a cell's own backward loop would hand back; the gradients of the weights over the `whole` first steps."""
    H = loops.H
    return Backward(
        pre=out[:, loops.pre.start * H : loops.pre.stop * H],
        state={q: out[:, block * H : (block + 1) * H] for q, block in loops.totals.items()},
        initial=initial,
        recurrent=loops.weights_gradients(rows[: whole + 1], out[:whole]),
    )
