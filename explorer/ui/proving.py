"""Prove it: a number that somebody pointed at, and the answer as long as the cursor stays there."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import streamlit as st
from cachetools import LRUCache, cached

from explorer.experiment import Experiment
from explorer.numerals import typeset
from explorer.performing import Performance
from explorer.proof import Check, Proof, prove
from explorer.ui import state


def ask(number: dict) -> None:
    """Remember which number is asked for, and where the cursor stands.

    number   {"formula", "step", "unit", "original"}, both from 1; original: of the run without the operation
    """
    asked = str(number["formula"]), int(number["step"]), int(number["unit"]), bool(number["original"])
    st.session_state["to_prove"] = asked, _place()


def answer(performed: Callable[[Experiment], Performance]) -> dict | None:
    """What the stage shows of the proof; None if nothing was asked for, or the cursor has moved on."""
    asked, place = st.session_state.get("to_prove", (None, None))
    if place != _place():
        st.session_state.pop("to_prove", None)
        return None
    *number, original = asked
    experiment = state.experiment()
    proof = _proved((experiment.original if original else experiment, *number), performed)
    return proof and proof | {"original": original}


def _place() -> tuple:
    view = state.view()
    return state.experiment(), view.step, view.unit, view.level, view.quantity, view.back


@cached(LRUCache(512), key=lambda asked, performed: asked, lock=Lock())
def _proved(asked: tuple, performed: Callable[[Experiment], Performance]) -> dict | None:
    experiment, formula, step, unit = asked
    try:
        proof = prove(performed(experiment), formula, step - 1, unit - 1)
    except ValueError:  # what this run does not have: the stage itself asks for no such thing
        return None
    return told(proof)


def told(proof: Proof) -> dict:
    """A proof as the stage reads it, its numbers written out."""
    checks = {"torch": proof.torch, "difference": proof.difference}
    return {
        "formula": proof.formula,
        "step": proof.step + 1,
        "unit": proof.unit + 1,
        "value": typeset(proof.value, 12),
        "checks": {name: _check(check) for name, check in checks.items() if check},
    }


def _check(check: Check) -> dict:
    found = {"verdict": check.verdict, "how": check.how}
    if check.value is not None:
        found |= {"value": typeset(check.value, 12)}
        found |= {"absolute": typeset(check.absolute, 2), "relative": typeset(check.relative, 2)}
    return found
