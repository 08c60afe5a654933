"""Where a command writes: looked at before the work begins, written whole at its end."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.replacing import beside, whole

REPLACE = "add --force to replace it, or choose another name"


class Output:
    """A file that a command is going to write.

    force   replace a file that is there already
    how     what to do about such a file, in words

    Raises ValueError, in one sentence, for a path that cannot be written, and without `force` for a file that is there.
    """

    def __init__(self, path: Path, force: bool, how: str = REPLACE):
        self.path, self.force = path, force
        place = Path(os.path.realpath(path))  # a link stays one
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            mode = None
        except OSError as error:
            raise ValueError(refusal(path, error)) from None
        if mode is not None and not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
            raise ValueError(f"{path} is {what}: name a file to write to")
        try:
            with beside(place):
                pass
            if mode is not None:
                with place.open("r+b"):
                    pass
        except OSError as error:
            raise ValueError(refusal(path, error)) from None
        if mode is not None and not force:
            raise ValueError(f"{path} is there already: {how}")

    def write(self, write: Callable[[BinaryIO], object]) -> Path:
        """Call `write` with the open file; where it is now. A file that came to be there meanwhile is not replaced
        without `force`: the new one gets the next name that is free.

        Raises ValueError, in one sentence, where it cannot be written, and nothing is left of it.
        """
        path, count = self.path, 1
        while not self.force and path.exists():
            count += 1
            path = self.path.with_stem(f"{self.path.stem}-{count}")
        try:
            with whole(Path(os.path.realpath(path)), durable=True) as file:
                write(file)
        except OSError as error:
            raise ValueError(refusal(path, error)) from None
        return path

    def append(self, text: str) -> None:
        """Add to the end of what is there."""
        place = Path(os.path.realpath(self.path))
        before = place.read_bytes() if place.exists() else b""
        try:
            with whole(place, durable=True) as file:
                file.write(before + text.encode())
        except OSError as error:
            raise ValueError(refusal(self.path, error)) from None


def refusal(path: Path, error: OSError) -> str:
    """One sentence on a file that cannot be written."""
    folder = path.parent
    if isinstance(error, FileNotFoundError) and not os.path.exists(folder):
        return f"{path} cannot be written, as there is no folder {folder}: make it, or choose another"
    if isinstance(error, NotADirectoryError):
        return f"{path} cannot be written, as {folder} is no folder: choose one"
    return f"{path} cannot be written: {error.strerror or error}: choose another place"


# the options --out FILE.npz and --force


def add(add_argument, instead: str) -> None:
    """Add the options to a command that otherwise prints `instead`."""
    add_argument("--out", type=Path, metavar="FILE.npz", help=f"write to a file instead of printing {instead}")
    add_argument("--force", action="store_true", help="replace the file of --out if there is one")


def output(chosen) -> Output | None:
    """The Output of what was chosen, None to print. Raises ValueError for one that cannot be written."""
    if chosen.out is None:
        if chosen.force:
            raise ValueError("--force goes with --out: name a file to write to, or leave it out")
        return None
    if chosen.out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, but is {chosen.out}")
    return Output(chosen.out, chosen.force)


def write(out: Output, named: dict[str, np.ndarray]) -> Path:
    """Write arrays by name as NumPy's .npz; where they are now."""
    return out.write(lambda file: np.savez(file, **named))
