"""A file in place of another, where Windows refuses as long as somebody reads the one or the other."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import sleep

TRIES, PAUSE = 50, 0.02  # seconds between two


def patiently(act: Callable[[], object]):
    """What `act` returns, tried again for a second where another process is in the way."""
    for _ in range(TRIES - 1):
        try:
            return act()
        except PermissionError:
            sleep(PAUSE)
    return act()


def put_in_place(new: str | Path, place: Path) -> None:
    """Who reads meanwhile finds the file before, whole."""
    patiently(lambda: os.replace(new, place))
