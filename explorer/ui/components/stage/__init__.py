"""The stage: a whole run in the browser, stepped through there, from the unrolled network to a single product.

The run travels once, as float32 arrays and formulas; the words and the cursor travel beside it. What the browser
computes from them are sums and products of the run's own numbers, by the same formulas that the tests evaluate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from explorer.equations import chain, equations, tree
from explorer.figures import theme
from explorer.performing import Performance, direct_gradient
from explorer.trace import Gradients, Trace
from explorer.ui.components.packing import pack
from explorer.ui.components.publishing import loader, module, published

HERE = Path(__file__).parent


def staged(performance: Performance, label: str, original: Performance | None = None) -> dict:
    """Everything of the top layer's run that the stage shows, sequence 1: names, formulas, arrays.

    Arrays are (T, H), x (T, D); weights are PyTorch's. Keys are those that run.js reads.

    original   the run without surgery, of which the arrays go along as a ghost
    """
    trace, grads, experiment = performance.trace, performance.grads, performance.experiment
    cell, options = trace.cell, trace.options
    formulas, rule = equations(trace), chain(trace)
    own = _numbers(trace, grads)
    ranges = cell.ranges(options)
    return {
        "cell": cell.name,
        "label": label,
        **{"T": trace.T, "H": trace.H, "D": trace.D},
        "gates": cell.gates,
        "states": cell.states,
        "phases": cell.phases,
        "phasesBack": cell.phases_back,
        "formulas": {name: tree(formula) for name, formula in formulas.items()},
        "chain": {name: tree(formula) for name, formula in rule.items()},
        "limits": {q: ranges[q][1] if q in ranges else theme.symmetric_limit(own["values"][q]) for q in formulas},
        "labels": performance.input.steps,
        "stacked": trace.below is not None,
        "channels": () if trace.below else performance.input.channels,
        "loss": [step + 1 for step in experiment.steps_with_loss],
        "zKeeps": bool(options.get("z_keeps", True)),
        "resetAfter": bool(options.get("reset_after", False)),
        **own,
        "held": {q: theme.numbers(values) for q, values in trace.held.items()},
        "former": _numbers(original.trace, original.grads) if original else None,
        "operated": [(one.first, one.last or trace.T) for one in experiment.surgery],
        "initial": {q: theme.numbers(trace.initial[q][0]) for q in cell.states},
        "params": {name: theme.numbers(array) for name, array in trace.params.items()},
        "direct": theme.numbers(direct_gradient(experiment)[:, 0]),
    }


def _numbers(trace: Trace, grads: Gradients) -> dict:
    """The arrays of a run that an operation changes."""
    cell = trace.cell
    shown = (*equations(trace), *(f"a_{gate}" for gate in cell.gates))
    known = {f"d{q}": grads.state[q] for q in cell.states} | {f"da_{q}": grads.pre[q] for q in cell.gates}
    return {
        "x": theme.numbers(trace.x[:, 0]),
        "values": {q: theme.numbers(trace[q][:, 0]) for q in shown},
        "grads": {name: theme.numbers(array[:, 0]) for name, array in known.items()},
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
    on_prove: Callable[[dict, dict], None],
    proof: Mapping | None = None,
) -> None:
    """Show a run, given as what `staged` returns, packed.

    cursor    {"step", "unit" (from 1), "level" (1 to 3), "quantity", "back"}, where the stage opens
    words     the stage's texts by key
    names     {"letters": {gate: (as a quantity, as an index)}, "order": gates as they are to be listed}
    title, note   above a replay: the question and the input
    on_rest   called with such a cursor when the hand has come to rest
    on_prove  called with one, and the number that somebody wants to see proved: {"formula", "step", "unit"}
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
    }
    _component(
        key=key,
        data=pack({"about": about, "run": run}),
        on_rest_change=rested,
        on_prove_change=asked,
        height="content",
    )
