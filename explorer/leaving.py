"""How a command is stopped: at once, with one sentence, and without leaving anything half-done.

A signal does not travel up as an exception, which a library may swallow or answer with pages of its own: what has to
be put in order is known here (`surely`), is done where the signal finds the program, and then the process is gone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, kill, a terminal that is closed
STOPPED = "stopped before it was finished; no file is left half-written"

_open: list[Callable[[], object]] = []  # what is still to be put in order, the last one first


@contextmanager
def surely(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` after the block, however it ends: well, by an exception, or by a signal."""
    _open.append(act)
    try:
        yield
    finally:
        act()
        _open.remove(act)


def at_signals() -> None:
    """From here on leave at these signals, where nobody has said to pass over them, as nohup does."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(number: int, frame) -> None:
    for name in SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # one is enough
    for act in reversed(_open):
        with suppress(Exception):
            act()
    with suppress(OSError, ValueError):  # nobody reads it
        begin = "\n" if os.isatty(2) else ""  # after the bar of a progress
        os.write(2, f"{begin}python -m explorer: {STOPPED}\n".encode())
    os._exit(128 + number)


def is_command() -> bool:
    """Whether Python is on its way to `python -m explorer`: it calls the program "-m" until it has found it."""
    return sys.argv[:1] == ["-m"] and "explorer" in sys.orig_argv
