"""Prove it: a number that somebody pointed at, and the answer as long as the cursor stays there."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock

import streamlit as st
from cachetools import LRUCache, cached

from explorer.experiment import KINDS
from explorer.numerals import typeset
from explorer.proof import Check, Proof, Run, prove
from explorer.ui import state

FARTHEST = state.View(step=KINDS["T"].high, unit=KINDS["H"].high)


def ask(number: dict) -> None:
    """Remember which number is asked for, and where the cursor stands.

    number   {"formula", "step", "unit", "original"}, both from 1; original: of the run without the operation
    """
    asked = str(number["formula"]), int(number["step"]), int(number["unit"]), bool(number["original"])
    st.session_state["to_prove"] = asked, _place()


def answer(shown: Hashable, original: Hashable, run: Callable[[Hashable], Run]) -> dict | None:
    """What the stage shows of the proof; None if nothing was asked for, or the cursor has moved on.

    shown, original   what is on the stage, and the same without the operation
    run               either of them -> its run
    """
    asked, place = st.session_state.get("to_prove", (None, None))
    if place != _place():
        st.session_state.pop("to_prove", None)
        return None
    *number, of_original = asked
    proof = _proved((original if of_original else shown, *number), run)
    return proof and proof | {"original": of_original}


def _place() -> tuple:
    view = state.view(T=FARTHEST.step, H=FARTHEST.unit)  # as it was set, be it in the experiment or in a form
    return state.experiment(), state.asked(), view.step, view.unit, view.level, view.quantity, view.back


@cached(LRUCache(512), key=lambda asked, run: asked, lock=Lock())
def _proved(asked: tuple, run: Callable[[Hashable], Run]) -> dict | None:
    shown, formula, step, unit = asked
    try:
        proof = prove(run(shown), formula, step - 1, unit - 1)
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
