"""What the engine is compared with: PyTorch's modules and loops, and JAX, each on the same problem.

A backend takes a problem and returns (call, named). `call()` is what is timed, and leaves everything computed;
`named(result)` turns its result into {name: array}, outside the clock.
"""

from __future__ import annotations

import gc
import time

import numpy as np

BLOCKS = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}
STATES = {"lstm": "hc", "gru": "h", "rnn": "h"}


def problem(cell, T, H, D, dtype) -> dict:
    """One run for all backends: weights as PyTorch draws them, input, initial states, and dense ∂L/∂h_t."""
    rng, G = np.random.default_rng(1), len(BLOCKS[cell])
    shapes = {"weight_ih": (G * H, D), "weight_hh": (G * H, H), "bias_ih": (G * H,), "bias_hh": (G * H,)}
    return {
        "cell": cell,
        "params": {name: rng.uniform(-(H**-0.5), H**-0.5, s).astype(dtype) for name, s in shapes.items()},
        "x": rng.standard_normal((T, 1, D)).astype(dtype),
        "dh": rng.standard_normal((T, 1, H)).astype(dtype),
        "state": {q: rng.uniform(-0.5, 0.5, (1, H)).astype(dtype) for q in STATES[cell]},
    }


def numpy_engine(p):
    from explorer import backprop, run

    def call():
        trace = run(p["cell"], p["params"], p["x"], p["state"])
        return trace, backprop(trace, p["dh"])

    def named(result):
        trace, grads = result
        arrays = {name: trace[name] for name in (*BLOCKS[p["cell"]], *STATES[p["cell"]])}
        arrays |= {f"∂{q}": rows for q, rows in grads.state.items()}
        arrays |= {f"∂a_{q}": rows for q, rows in grads.pre.items()}
        arrays |= {f"∂{q}_0": rows for q, rows in grads.initial.items()}
        return arrays | {f"∂{name}": rows for name, rows in grads.params.items()} | {"∂x": grads.x}

    return call, named


def torch_arrays(p):
    """torch on one thread, and p's arrays as tensors; all but dh are leaves with a gradient."""
    import torch

    torch.set_num_threads(1)
    leaves = {q: torch.tensor(array, requires_grad=True) for q, array in p["state"].items()}
    return torch, torch.tensor(p["x"], requires_grad=True), leaves, torch.tensor(p["dh"])


def with_weights(torch, module, params, suffix=""):
    """The module in the dtype of the weights, with the weights in it."""
    module = module.to(getattr(torch, str(params["weight_hh"].dtype)))
    with torch.no_grad():
        for name, array in params.items():
            getattr(module, name + suffix).copy_(torch.tensor(array))
    return module


def torch_module(p):
    """torch.nn.LSTM, GRU, RNN, forward and backward: the output and the leaves' gradients, no more."""
    torch, x, state, dh = torch_arrays(p)
    module = getattr(torch.nn, p["cell"].upper())(x.shape[2], dh.shape[2])
    module = with_weights(torch, module, p["params"], "_l0")
    start = tuple(tensor.detach()[None].requires_grad_() for tensor in state.values())
    leaves = [x, *start, *module.parameters()]

    def call():
        h, _ = module(x, start if len(start) > 1 else start[0])
        return h, torch.autograd.grad(h, leaves, dh)

    def named(result):
        h, (dx, *rest) = result
        names = [*(f"∂{q}_0" for q in state), *(f"∂{name}" for name in p["params"])]
        return {"h": h.detach().numpy(), "∂x": dx.numpy()} | dict(zip(names, (g.numpy() for g in rest)))

    return call, named


def torch_cells(p):
    """The loop over torch.nn.LSTMCell, GRUCell, RNNCell: total ∂L/∂h_t and ∂L/∂C_t, no gates."""
    torch, x, state, dh = torch_arrays(p)
    kind = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[p["cell"]]
    module = with_weights(torch, kind(x.shape[2], dh.shape[2]), p["params"])

    def step(x_t, now):
        if p["cell"] == "lstm":
            return dict(zip("hc", module(x_t, (now["h"], now["c"]))))
        return {"h": module(x_t, now["h"])}

    return torch_loop(torch, step, x, state, dh, dict(module.named_parameters()))


def torch_by_hand(p):
    """The loop that one writes to see everything: gates, and the gradients of pre-activations and states."""
    torch, x, state, dh = torch_arrays(p)
    w = {name: torch.tensor(array, requires_grad=True) for name, array in p["params"].items()}
    linear, sigmoid, tanh = torch.nn.functional.linear, torch.sigmoid, torch.tanh
    H = dh.shape[2]

    def lstm(x_t, now):
        a = linear(x_t, w["weight_ih"], w["bias_ih"]) + linear(now["h"], w["weight_hh"], w["bias_hh"])
        i, f, g, o = a.chunk(4, dim=1)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * now["c"] + i * g
        return {"a_ifgo": a, "i": i, "f": f, "g": g, "o": o, "c": c, "h": o * tanh(c)}

    def gru(x_t, now):
        from_x = linear(x_t, w["weight_ih"], w["bias_ih"])
        from_h = linear(now["h"], w["weight_hh"], w["bias_hh"])
        a_rz = from_x[:, : 2 * H] + from_h[:, : 2 * H]
        r, z = sigmoid(a_rz).chunk(2, dim=1)
        a_n = from_x[:, 2 * H :] + r * from_h[:, 2 * H :]
        n = tanh(a_n)
        return {"a_rz": a_rz, "a_n": a_n, "r": r, "z": z, "n": n, "h": z * now["h"] + (1 - z) * n}

    def rnn(x_t, now):
        a = linear(x_t, w["weight_ih"], w["bias_ih"]) + linear(now["h"], w["weight_hh"], w["bias_hh"])
        return {"a_h": a, "h": tanh(a)}

    step = {"lstm": lstm, "gru": gru, "rnn": rnn}[p["cell"]]
    return torch_loop(torch, step, x, state, dh, w)


def torch_loop(torch, step, x, state, dh, weights):
    """A loop over `step` (x_t, states) -> {quantity: tensor}; retain_grad keeps those of "a_…", h and c.

    It ends with what one looks at: each quantity and each gradient over all steps, stacked as (T, 1, H) arrays.
    """
    leaves = [x, *state.values(), *weights.values()]

    def call():
        for leaf in leaves:
            leaf.grad = None
        now, steps = state, []
        for x_t in x:
            made = step(x_t, now)
            for name, tensor in made.items():
                if name in ("h", "c") or name.startswith("a_"):
                    tensor.retain_grad()
            now = {q: made[q] for q in state}
            steps.append(made)
        stacked = {name: torch.stack([made[name] for made in steps]) for name in steps[0]}
        stacked["h"].backward(dh)
        kept = [name for name, tensor in steps[0].items() if tensor.retains_grad]
        return stacked | {f"∂{name}": torch.stack([made[name].grad for made in steps]) for name in kept}

    def named(stacked):
        stacked = {name: tensor.detach().numpy() for name, tensor in stacked.items()}
        arrays = {name: rows for name, rows in stacked.items() if not name.startswith(("a_", "∂a_"))}
        for name in stacked:
            if name.startswith("∂a_"):
                gates = name.removeprefix("∂a_")
                arrays |= {f"∂a_{q}": part for q, part in zip(gates, np.split(stacked[name], len(gates), axis=2))}
        arrays |= {f"∂{q}_0": tensor.grad.numpy() for q, tensor in state.items()}
        return arrays | {f"∂{name}": tensor.grad.numpy() for name, tensor in weights.items()} | {"∂x": x.grad.numpy()}

    return call, named


def jax_scan(p):
    """A jitted scan with zeros added to every pre-activation and state: their gradients are the total ones.

    Four ways to write it are compiled, and the fastest on this machine competes: gates made in the scan or
    again outside it, the scan unrolled or not.
    """
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    sigmoid, tanh, blocks = jax.nn.sigmoid, jnp.tanh, BLOCKS[p["cell"]]

    def lstm(a_x, w, now):
        i, f, g, o = jnp.split(a_x + w["weight_hh"] @ now["h"] + w["bias_hh"], 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * now["c"] + i * g
        return {"c": c}, {"i": i, "f": f, "g": g, "o": o}

    def gru(a_x, w, now):
        x_r, x_z, x_n = jnp.split(a_x, 3)
        h_r, h_z, h_n = jnp.split(w["weight_hh"] @ now["h"] + w["bias_hh"], 3)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = tanh(x_n + r * h_n)
        return {"h": z * now["h"] + (1 - z) * n}, {"r": r, "z": z, "n": n}

    def rnn(a_x, w, now):
        h = tanh(a_x + w["weight_hh"] @ now["h"] + w["bias_hh"])
        return {"h": h}, {}

    equations = {"lstm": lstm, "gru": gru, "rnn": rnn}[p["cell"]]

    def compiled(stacked, unroll):
        def loss(w, x, start, on_a, on_state):
            a_x = x @ w["weight_ih"].T + w["bias_ih"] + on_a

            def step(now, at_t):
                a_x, nudge = at_t
                new, gates = equations(a_x, w, now)
                new = {q: rows + nudge[q] for q, rows in new.items()}
                if p["cell"] == "lstm":
                    new["h"] = gates["o"] * tanh(new["c"]) + nudge["h"]
                return new, (new, gates if stacked else {})

            _, (states, gates) = jax.lax.scan(step, start, (a_x, on_state), unroll=unroll)
            return (states["h"] * p["dh"][:, 0]).sum(), (a_x, states, gates)

        def everything(w, x, start, on_a, on_state):
            grads, (a_x, states, gates) = jax.grad(loss, argnums=(0, 1, 2, 3, 4), has_aux=True)(
                w, x, start, on_a, on_state
            )
            if not stacked:
                before = {q: jnp.concatenate([start[q][None], states[q][:-1]]) for q in start}
                _, gates = jax.vmap(equations, in_axes=(0, None, 0))(a_x, w, before)
            return grads, states, gates

        T, H = p["dh"].shape[0], p["dh"].shape[2]
        zeros = np.zeros((T, H), p["dh"].dtype)
        inputs = [
            *(p["params"], p["x"][:, 0], {q: rows[0] for q, rows in p["state"].items()}),
            *(np.zeros((T, len(blocks) * H), zeros.dtype), dict.fromkeys(p["state"], zeros)),
        ]
        inputs, made = jax.device_put(inputs), jax.jit(everything)
        return lambda: jax.block_until_ready(made(*inputs))

    candidates = [compiled(stacked, unroll) for stacked in (False, True) for unroll in (1, 4)]
    call = min(candidates, key=lambda call: min(timed(call, 6)[1:]))

    def named(result):
        (w, x, start, on_a, on_state), states, gates = result
        arrays = {**states, **gates, "∂x": x} | {f"∂{q}": rows for q, rows in on_state.items()}
        arrays |= {f"∂a_{q}": rows for q, rows in zip(blocks, np.split(np.asarray(on_a), len(blocks), axis=1))}
        arrays = {name: np.asarray(rows)[:, None] for name, rows in arrays.items()}
        arrays |= {f"∂{q}_0": np.asarray(row)[None] for q, row in start.items()}
        return arrays | {f"∂{name}": np.asarray(rows) for name, rows in w.items()}

    return call, named


BACKENDS = {
    "engine": numpy_engine,
    "module": torch_module,
    "cells": torch_cells,
    "loop": torch_by_hand,
    "jax": jax_scan,
}
EXPOSE_ALL = ("engine", "loop", "jax")


def timed(call, times) -> list[float]:
    """Seconds of each call, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    gc.enable()
    return seconds
