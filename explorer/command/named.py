"""What a run is written as: arrays by name."""

from __future__ import annotations

import numpy as np

from explorer.stream import Stream


def arrays(trace, grads) -> dict[str, np.ndarray]:
    """Every number of every layer, by name: "h" and "dh", with "layer2." before those of a second layer."""
    named = {}
    for number, (layer, back) in enumerate(zip(trace.layers, grads.layers), start=1):
        before = f"layer{number}." if len(trace.layers) > 1 else ""
        named |= {before + name: rows for name, rows in (*layer.values.items(), ("x", layer.x))}
        named |= {before + name: rows for name, rows in layer.params.items()}
        named |= {f"{before}d{name}": rows for name, rows in (*back.state.items(), *back.params.items(), ("x", back.x))}
        named |= {f"{before}da_{name}": rows for name, rows in back.pre.items()}
        named |= {f"{before}d{name}_0": rows for name, rows in back.initial.items()}
    return named


def norms_of(made: Stream) -> dict[str, np.ndarray]:
    """Log norms, levels and gradients of the weights of every layer, and the arrays of the window."""
    named = {}
    for number, layer in enumerate(made.layers, start=1):
        before = f"layer{number}." if len(made.layers) > 1 else ""
        named |= {f"{before}log10_d{name}": rows for name, rows in layer.log10.items()}
        named |= {f"{before}level_{name}": rows for name, rows in layer.levels.items()}
        named |= {f"{before}log10_d{name}_0": rows for name, rows in layer.initial.items()}
        named |= {f"{before}d{name}": rows for name, rows in layer.params.items()}
    if made.window is not None:
        window = made.window
        named |= {f"window.{name}": rows for name, rows in arrays(window.trace, window.grads).items()}
        named |= {"window.first_step": np.array(window.steps.start + 1), "window.exponent": np.array(window.exponent)}
    return named
