"""Files that the browser loads once from our own server: our scripts, and the plotly.js of the plotly package."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import streamlit as st

STATIC = Path(__file__).resolve().parents[3] / "static"


def published(name: str, content: bytes) -> str:
    """The URL of a file on our own server: written to static/ once, under a name that changes with its content."""
    stem, _, ending = name.partition(".")
    target = STATIC / f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    if not target.exists():
        STATIC.mkdir(exist_ok=True)
        partial = STATIC / f".{target.name}.{os.getpid()}"
        partial.write_bytes(content)
        partial.replace(target)
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{'/' + base if base else ''}/app/static/{target.name}"


def module(file: Path, **constants) -> str:
    """The URL of one of our scripts; those that it imports, as "./name.js", lie beside it or one folder up.

    constants  values that it finds under these names
    """
    code = file.read_text(encoding="utf-8")
    for name in re.findall(r'from "\./([\w.]+)"', code):
        beside = file.with_name(name)
        used = beside if beside.exists() else file.parents[1] / name
        code = code.replace(f'"./{name}"', json.dumps(module(used)))
    known = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return published(file.name, (known + code).encode())


def loader(url: str) -> str:
    """A component's script in a few lines that fetch the real one, which so does not travel with every message."""
    return (
        f"const loaded = import(new URL({json.dumps(url)}, location.origin));\n"
        "export default (component) => {\n"
        "  const stop = loaded.then((module) => module.default(component));\n"
        "  return () => stop.then((end) => end?.());\n"
        "};\n"
    )
