"""A file in place of another: whole or not at all, and where Windows refuses as long as somebody reads either."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import sleep
from typing import BinaryIO

from explorer.leaving import surely

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


@contextmanager
def beside(place: Path) -> Iterator[BinaryIO]:
    """A new file in the folder of `place`, open for writing, that is gone after the block."""
    new = place.with_name(f".{os.urandom(8).hex()}.part")
    with surely(partial(new.unlink, missing_ok=True)), new.open("xb") as file:
        yield file


@contextmanager
def whole(place: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """A file, open for writing, that takes its place when the block has gone well; nothing is left of it otherwise.

    durable   it is on the disk before it takes its place, so that a machine that stops has one or the other, whole
    """
    with beside(place) as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())
        file.close()
        if place.exists():
            os.chmod(file.name, stat.S_IMODE(place.stat().st_mode))
        put_in_place(file.name, place)
