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


def ask(cursor: dict) -> None:
    """Remember which number is asked for: that of the cursor."""
    st.session_state["to_prove"] = _place(state.experiment(), cursor["quantity"], cursor["step"], cursor["unit"])


def answer(performed: Callable[[Experiment], Performance]) -> dict | None:
    """What the stage shows of the proof; None if nothing was asked for, or the cursor has moved on."""
    asked, view, experiment = st.session_state.get("to_prove"), state.view(), state.experiment()
    if asked != _place(experiment, view.quantity, view.step, view.unit):
        st.session_state.pop("to_prove", None)
        return None
    return _proved(asked, performed)


def _place(experiment: Experiment, quantity: str, step: int, unit: int) -> tuple:
    return experiment, quantity, step, unit


@cached(LRUCache(512), key=lambda place, performed: place, lock=Lock())
def _proved(place: tuple, performed: Callable[[Experiment], Performance]) -> dict | None:
    experiment, quantity, step, unit = place
    try:
        proof = prove(performed(experiment), quantity, step - 1, unit - 1)
    except ValueError:  # a link whose quantity this cell does not have: the stage itself shows another
        return None
    return told(proof)


def told(proof: Proof) -> dict:
    """A proof as the stage reads it, its numbers written out."""
    checks = {"torch": proof.torch, "difference": proof.difference}
    return {
        "quantity": proof.quantity,
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
