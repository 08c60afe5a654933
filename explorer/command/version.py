"""Which version this is: pyproject.toml has the number, and what pip installs has it from there."""

from __future__ import annotations

import tomllib
from importlib.metadata import version as installed
from pathlib import Path

NAME = "gate-explorer"


def version() -> str:
    """Of the source as it lies here, in a checkout; else of what is installed."""
    try:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] == NAME:
            return project["version"]
    except (OSError, ValueError, KeyError):  # installed, and nothing or another project lies there
        pass
    return installed(NAME)
