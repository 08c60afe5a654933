"""The stage: a whole run in the browser, stepped through there, from the unrolled network to a single product.

The run travels once, as float32 arrays and formulas; the words and the cursor travel beside it. What the browser
computes from them are sums and products of the run's own numbers, by the same formulas that the tests evaluate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.equations import chain, equations, tree
from explorer.figures import theme
from explorer.trace import Gradients, Trace
from explorer.ui.components.packing import pack
from explorer.ui.components.publishing import loader, module, published

HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Piece:
    """One network over time: all there is, or the first or second of two, where the second goes on from the first.

    trace, grads   its run; of a stack the top layer is shown, sequence 1
    direct         the direct ∂L/∂h_t, (T, B, H)
    labels         of its steps
    channels       of its inputs
    """

    trace: Trace
    grads: Gradients
    direct: np.ndarray
    labels: Sequence[str]
    channels: Sequence[str] = ()


def staged(pieces: Sequence[Piece], label: str, loss: Sequence[int], form: Mapping | None = None, **surgery) -> dict:
    """Everything that the stage shows of a run: names, formulas, arrays. Keys are those that run.js reads.

    Arrays are (T, H), x (T, D), over the steps of all pieces; weights are PyTorch's.

    loss      the steps that carry it, from 1
    form      of a run in one of the four forms: {"enters": bool a step, "says": text a step, "names": of its pieces}
    surgery   original=, the run without surgery, of which the arrays go along as a ghost; operated=, its steps
    """
    first = pieces[0]
    trace = first.trace
    cell, options = trace.cell, trace.options
    formulas, rule = equations(trace), chain(trace)
    own = _numbers(pieces)
    ranges = cell.ranges(options)
    original = surgery.get("original")
    return {
        "cell": cell.name,
        "label": label,
        **{"T": sum(piece.trace.T for piece in pieces), "H": trace.H, "D": trace.D},
        "gates": cell.gates,
        "states": cell.states,
        "phases": cell.phases,
        "phasesBack": cell.phases_back,
        "formulas": _trees(formulas),
        "chain": _trees(rule),
        "limits": {q: ranges[q][1] if q in ranges else theme.symmetric_limit(own["values"][q]) for q in formulas},
        "labels": [label for piece in pieces for label in piece.labels],
        "stacked": trace.below is not None,
        "channels": first.channels,
        "loss": loss,
        "zKeeps": bool(options.get("z_keeps", True)),
        "resetAfter": bool(options.get("reset_after", False)),
        **own,
        "held": {q: theme.numbers(values) for q, values in trace.held.items()},
        "former": _numbers([original]) | {"chain": _trees(chain(original.trace))} if original else None,
        "operated": surgery.get("operated", ()),
        "initial": {q: theme.numbers(trace.initial[q][0]) for q in cell.states},
        "params": _params(first),
        "direct": _joined(piece.direct for piece in pieces),
        "form": form,
        "second": _second(*pieces[1:], T=trace.T),
    }


def _second(piece: Piece | None = None, *, T: int) -> dict | None:
    """What the second of two networks has of its own; it begins after T steps."""
    return piece and {
        "from": T,
        "x": theme.numbers(piece.trace.x[:, 0]),
        "channels": piece.channels,
        "params": _params(piece),
    }


def _trees(formulas: Mapping[str, str]) -> dict:
    return {name: tree(formula) for name, formula in formulas.items()}


def _params(piece: Piece) -> dict:
    return {name: theme.numbers(array) for name, array in piece.trace.params.items()}


def _joined(arrays) -> np.ndarray:
    """Sequence 1 of (T, B, H), one after the other."""
    return theme.numbers(np.concatenate([array[:, 0] for array in arrays]))


def _numbers(pieces: Sequence[Piece]) -> dict:
    """The arrays of a run that an operation changes."""
    cell = pieces[0].trace.cell
    shown = (*equations(pieces[0].trace), *(f"a_{gate}" for gate in cell.gates))
    return {
        "x": theme.numbers(pieces[0].trace.x[:, 0]),
        "values": {q: _joined(piece.trace[q] for piece in pieces) for q in shown},
        "grads": {f"d{q}": _joined(piece.grads.state[q] for piece in pieces) for q in cell.states}
        | {f"da_{q}": _joined(piece.grads.pre[q] for piece in pieces) for q in cell.gates},
    }


def _colours() -> str:
    """One rule for each quantity: its hue on wires and gates, the step that text may take on words."""
    rules = []
    for name, (light, dark) in theme.HUES.items():
        text = "light-dark({}, {})".format(*theme.TEXT[name])
        hue = f"light-dark({light}, {dark})"
        dash = DASHES.get(name)
        rules += [
            f".stage {{ --q-{name}: {hue}; --q-{name}-text: {text}; }}",
            f".stage svg .wire.{name} {{ stroke: {hue}; {f'stroke-dasharray: {dash};' if dash else ''} }}",
            f".stage svg .head.{name} path {{ fill: {hue}; }}",
            f".stage svg .number.{name}, .stage .gate.{name} .letter {{ fill: {text}; }}",
            f".stage .gate.{name} .fill {{ fill: {hue}; }}",
        ]
        letters = [letter for letter in "fgiorzncxh" if theme.role(letter) == name]
        rules += [f'.stage math [data-q="{letter}"] {{ color: {text}; }}' for letter in letters]
    rules.append(f'.stage math [data-q^="d"] {{ color: light-dark({", ".join(theme.TEXT["gradient"])}); }}')
    for name, place in (("negative", 2), ("positive", -3)):
        rules.append(f".stage {{ --{name}: light-dark({theme.diverging()[place]}, {theme.diverging(True)[place]}); }}")
    return "\n".join(rules)


DASHES = {"i": "8 4", "g": "2 4", "o": "8 3 2 3", "r": "12 4"}  # LOOK: never by colour alone

PALETTES = [
    {
        "paper": theme.PAPER[dark],
        "ink": theme.INK[dark],
        "line": theme.ZERO[dark],
        "accent": theme.HUES["gradient"][dark],
        "signed": theme.diverging(dark),
        "gradient": theme.ramp(theme.hue("gradient"), dark),
    }
    for dark in (False, True)
]

STYLE = (HERE / "stage.css").read_text(encoding="utf-8") + _colours()
STYLE_URL = published("stage.css", STYLE.encode())  # a replay takes it along

_component = st.components.v2.component(
    "gate_stage",
    html='<div class="stage" role="group" tabindex="0"></div>',
    css=STYLE,
    js=loader(module(HERE / "stage.js")),
    isolate_styles=False,
)


def _given(key: str, cursor: dict) -> str:
    """The cursor that the stage is given: the one before, as long as the page shows what the stage itself has said.

    So the same bytes go out again, of which Streamlit sends a reference only, and no answer that comes late moves the
    stage back. A number goes with it, because the same place may be asked for twice.
    """
    state = st.session_state
    if key not in state or cursor != state["said_by_stage"]:  # just mounted, or moved by something else
        number = state["given_to_stage"]["number"] + 1 if "given_to_stage" in state else 0
        state["given_to_stage"], state["said_by_stage"] = cursor | {"number": number}, cursor
    return json.dumps(state["given_to_stage"], separators=(",", ":"))


def stage(
    run: bytes,
    *,
    key: str,
    cursor: Mapping,
    words: Mapping[str, str],
    language: str,
    names: Mapping,
    file_name: str,
    title: str,
    note: str,
    on_rest: Callable[[dict], None],
    on_prove: Callable[[dict, dict], None] | None = None,
    proof: Mapping | None = None,
) -> None:
    """Show a run, given as what `staged` returns, packed.

    cursor    {"step", "unit" (from 1), "level" (1 to 3), "quantity", "back"}, where the stage opens
    words     the stage's texts by key
    names     {"letters": {gate: (as a quantity, as an index)}, "order": gates as they are to be listed}
    title, note   above a replay: the question, and what its numbers are of
    on_rest   called with such a cursor when the hand has come to rest
    on_prove  called with one, and the number that somebody wants to see proved: {"formula", "step", "unit",
              "original"}; without it the stage offers no proof
    proof     the answer to that: the keys that proof.js reads
    """

    def rested() -> None:
        if said := st.session_state[key].get("rest"):
            st.session_state["said_by_stage"] = said
            on_rest(said)

    def asked() -> None:
        if said := st.session_state[key].get("prove"):
            st.session_state["said_by_stage"] = said["cursor"]
            on_prove(said["cursor"], said["number"])

    about = {
        "run": hashlib.blake2b(run, digest_size=8).hexdigest(),
        "cursor": _given(key, dict(cursor)),
        "words": dict(words),
        "language": language,
        "names": dict(names),
        "file": file_name,
        "title": title,
        "note": note,
        "palettes": PALETTES,
        "font": theme.FONT,
        "css": STYLE_URL,
        "proof": proof,
        "alone": on_prove is None,
    }
    _component(
        key=key,
        data=pack({"about": about, "run": run}),
        on_rest_change=rested,
        on_prove_change=asked,
        height="content",
    )
