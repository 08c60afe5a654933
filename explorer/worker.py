"""The process of one job: `python -m explorer.worker`, started by `explorer.jobs` and by nobody else.

What to do comes in pickled; what comes of it goes out as pickled pairs, one after the other:

    ("done", share)         how far it is, 0 to 1
    ("part", anything)      a result that is ready before the others
    ("result", anything)    the last word; or ("refused", sentence), ("memory", ""), ("disk", "")
"""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

MOST = 2**22  # bytes that a job may answer; the rest goes to its folder
FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}  # the disk, a file's bound, the user's share
PAUSE = 0.1  # seconds between two words on progress
WINDOWS_PAUSE = 1.0  # seconds between two looks whether the server is there


class Report:
    """What a job may say while it runs, and the folder for what is large. It is the first argument of its function."""

    def __init__(self, folder: Path, send: Callable[[bytes], None] = lambda message: None):
        self.folder, self._send, self._left, self._next = folder, send, MOST, 0.0

    def done(self, share: float) -> None:
        """Say how far the job is, 0 to 1; as often as you like."""
        if monotonic() >= self._next:
            self._next = monotonic() + PAUSE
            self.say("done", float(share))

    def part(self, found) -> None:
        """Hand over a result that is ready. Raises ValueError beyond 4 MiB in all."""
        self.say("part", found)

    def say(self, kind: str, what) -> None:
        message = pickle.dumps((kind, what), protocol=5)
        if kind != "done":
            if len(message) > self._left:
                raise ValueError(f"a job may answer {MOST} bytes, but this one has more: write them to its folder")
            self._left -= len(message)
        self._send(message)


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed must not stand between the answers
    try:
        work, arguments, folder, limits = pickle.load(sys.stdin.buffer)
    except (EOFError, pickle.UnpicklingError):  # who has started this is gone before it had said what to do
        return
    Thread(target=_leave_with_the_server, daemon=True).start()
    _bound(**limits)

    def send(message: bytes) -> None:
        out.write(message)
        out.flush()

    report = Report(Path(folder), send)
    try:
        report.say("result", work(report, *arguments))
    except (ValueError, OSError) as refusal:
        full = isinstance(refusal, OSError) and refusal.errno in FULL
        report.say(*(("disk", "") if full else ("refused", " ".join(str(refusal).split())[:400])))
    except MemoryError:
        report.say("memory", "")
    out.close()
    os._exit(0)  # the thread still listens


def _leave_with_the_server() -> None:
    """The server holds the other end of stdin open for as long as it lives."""
    while _server_is_there():
        pass
    os._exit(1)


def _server_is_there() -> bool:
    """Whether the server still holds its end; said late, so that it may be asked again at once."""
    if sys.platform != "win32":
        return bool(os.read(0, 1))
    import _winapi
    import msvcrt

    sleep(WINDOWS_PAUSE)  # a read that waits there would hang every library that is loaded meanwhile
    try:
        _winapi.PeekNamedPipe(msvcrt.get_osfhandle(0), 0)
    except OSError:
        return False
    return True


def _bound(memory: int | None, disk: int) -> None:
    """Stand back behind the pages; take no more memory, write no larger files than allowed, where that can be said."""
    if hasattr(os, "nice"):
        os.nice(10)
    with contextlib.suppress(ImportError):
        import resource

        bounds = {resource.RLIMIT_FSIZE: disk} | ({} if memory is None else {resource.RLIMIT_DATA: memory})
        for which, most in bounds.items():
            hard = resource.getrlimit(which)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # who has started us may allow less
            resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main()
