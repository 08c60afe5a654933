"""Work that takes longer than a page may: a queue, a few worker processes, and nobody's page waits.

A loop over time steps holds the interpreter, so that threads would stall every page; each job therefore runs in a
process of its own (`explorer.worker`), which stands back behind the server, has bounded memory, can be ended at any
moment, and takes nothing with it if it crashes.

A job is known by what it does. Visitors who ask for the same one share it, and it ends when the last of them has
cancelled or closed the tab. What is finished is kept for the next who asks, as long as there is room.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

ROOT = Path(__file__).parents[1]
ON_WINDOWS = ("CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS")  # for a session and niceness
ALIVE, OVER = ("waiting", "running"), ("done", "failed")
MIB = 2**20
SHORT = 120  # seconds, the most that a short task may take
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")}


@dataclass(frozen=True)
class Task:
    """A function of an importable module, called as work(report, *arguments) with a `worker.Report`.

    arguments  can be hashed and pickled: together with the function they are the task's name
    bounded    whether its memory is; not on a GPU, whose driver maps far more than it takes
    short      whether it has a queue and a worker apart, so that it need not wait until long ones are over; it is
               ended after two minutes
    """

    work: Callable
    arguments: tuple = ()
    bounded: bool = True
    short: bool = False

    def __post_init__(self):
        hash(self.arguments)


@dataclass(frozen=True)
class Limits:
    """What a server gives to jobs. All are whole numbers, and settings of the server: EXPLORER_WORKERS and so on.

    workers   jobs that run at once, and one short one beside them
    waiting   jobs that may wait for them
    memory    MiB that each may take
    seconds   that each may take
    steps     of a sequence
    kept      finished jobs that are remembered
    disk      MiB of what they all have left behind
    patience  seconds after which a visitor of whom nothing is heard has left
    """

    workers: int = max(1, min(2, (os.cpu_count() or 1) - 1))
    waiting: int = 100
    memory: int = 2048
    seconds: int = 3600
    steps: int = 1_000_000
    kept: int = 64
    disk: int = 2048
    patience: int = 20

    @classmethod
    def of_server(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The limits that the environment sets. Raises ValueError, in one sentence, for what is no whole number."""
        chosen = {}
        for name in cls.__dataclass_fields__:
            variable = f"EXPLORER_{name.upper()}"
            if given := environment.get(variable):
                if not given.isdecimal() or not 1 <= int(given) <= 2**31:
                    raise ValueError(f"{variable} must be a whole number of at least 1, but is {given!r}")
                chosen[name] = int(given)
        return cls(**chosen)


@dataclass(frozen=True)
class Job:
    """How a job stands.

    state    "waiting", "running", "done" or "failed"
    place    in the queue, 1 is the next; 0 of one that runs or is over
    share    how much is done, 0 to 1
    left     seconds until the end at this pace, None where nothing is known yet
    seconds  since it began to run, or that it took
    parts    results so far, in the order in which they came
    result   what the function returned
    folder   where it wrote its files
    problem  why it failed: "refused" and a sentence, "memory", "disk", "late", or "crashed" and the process's exit code
    """

    state: str
    place: int = 0
    share: float = 0.0
    left: float | None = None
    seconds: float = 0.0
    parts: tuple = ()
    result: object = None
    folder: Path | None = None
    problem: tuple[str, str] = ("", "")

    @property
    def over(self) -> bool:
        return self.state in OVER


class Full(Exception):
    """Too many jobs wait already."""


@dataclass(eq=False)
class _Entry:
    task: Task
    folder: Path
    wanted: dict[tuple[str, str], float] = field(default_factory=dict)  # (visitor, slot): when last heard of
    state: str = "waiting"
    process: subprocess.Popen | None = None
    began: float = 0.0
    took: float = 0.0
    first: tuple[float, float] | None = None  # (time, share) of the first word on progress
    last: tuple[float, float] = (0.0, 0.0)
    parts: list = field(default_factory=list)
    result: object = None
    problem: tuple[str, str] = ("", "")
    size: int = 0

    def left(self) -> float | None:
        """The pace since the first word, which leaves the start of the process out."""
        if self.first is None or self.last[1] <= self.first[1]:
            return None
        pace = (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])
        return max(0.0, pace * (1 - self.last[1]) - (monotonic() - self.last[0]))


class Jobs:
    """The jobs of one server. All methods may be called from any thread and return at once.

    here   visitor -> whether the visitor is still there; without it, one who does not `look` has left
    """

    def __init__(self, limits: Limits | None = None, here: Callable[[str], bool] | None = None):
        self.limits, self.here = limits or Limits(), here
        self._entries: dict[Task, _Entry] = {}  # the queue in its order; the finished ones, the last looked at last
        self._running: set[_Entry] = set()
        self._change = Condition()
        self._watching, self._count = False, 0
        self._home: Path | None = None

    def start(self, task: Task, visitor: str, slot: str = "") -> None:
        """Want a task: queue it, or join those who want it already. A visitor has one unfinished job a slot.

        Raises Full if too many wait.
        """
        with self._change:
            self._leave(visitor, slot, but=task)
            entry = self._entries.get(task)
            if entry is None:
                if len(self._waiting(task.short)) >= self.limits.waiting:
                    raise Full
                entry = self._entries[task] = _Entry(task, self._folder())
            entry.wanted[visitor, slot] = monotonic()
            self._next()
            if not self._watching:
                self._watching = True
                Thread(target=self._watch, name="jobs", daemon=True).start()

    def look(self, task: Task, visitor: str, slot: str = "") -> Job | None:
        """How a task stands that this visitor wants, or that is finished already; None otherwise."""
        with self._change:
            entry = self._entries.get(task)
            if entry is None:
                return None
            if (visitor, slot) in entry.wanted:
                entry.wanted[visitor, slot] = monotonic()
            elif entry.state in ALIVE:
                return None
            if entry.state in OVER:
                self._entries[task] = self._entries.pop(task)
            return self._standing(entry)

    def cancel(self, visitor: str, slot: str = "") -> None:
        """This visitor no longer wants what is unfinished in a slot; it ends if nobody else does."""
        with self._change:
            self._leave(visitor, slot)

    def forget(self, task: Task) -> None:
        """Drop a finished task, so that it can be tried again."""
        with self._change:
            if (entry := self._entries.get(task)) and entry.state in OVER:
                self._drop(entry)

    def close(self) -> None:
        """End everything."""
        with self._change:
            for entry in list(self._entries.values()):
                self._drop(entry)
            self._change.notify_all()
            home, self._home = self._home, None
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)
            atexit.unregister(self.close)

    # below here the lock is held, unless said

    def _waiting(self, short: bool) -> list[_Entry]:
        return [e for e in self._entries.values() if e.state == "waiting" and e.task.short == short]

    def _standing(self, entry: _Entry) -> Job:
        place = 0
        if entry.state == "waiting":
            place = self._waiting(entry.task.short).index(entry) + 1
        return Job(
            entry.state,
            place,
            1.0 if entry.state == "done" else entry.last[1],
            entry.left() if entry.state == "running" else None,
            monotonic() - entry.began if entry.state == "running" else entry.took,
            tuple(entry.parts),
            entry.result,
            entry.folder,
            entry.problem,
        )

    def _folder(self) -> Path:
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="explorer-jobs-"))
            atexit.register(self.close)
        self._count += 1
        return self._home / str(self._count)

    def _leave(self, visitor: str, slot: str, but: Task | None = None) -> None:
        for entry in list(self._entries.values()):
            if entry.task != but and entry.state in ALIVE and (visitor, slot) in entry.wanted:
                del entry.wanted[visitor, slot]
                if not entry.wanted:
                    self._drop(entry)

    def _drop(self, entry: _Entry) -> None:
        del self._entries[entry.task]
        if entry in self._running:
            entry.process.kill()  # its attendant clears up
        else:
            shutil.rmtree(entry.folder, ignore_errors=True)

    def _next(self) -> None:
        """Give free workers what waits."""
        for short, workers in ((False, self.limits.workers), (True, 1)):
            free = workers - sum(e.task.short == short for e in self._running)
            for entry in self._waiting(short)[: max(0, free)]:
                entry.folder.mkdir()
                entry.process = _process()
                entry.state, entry.began = "running", monotonic()
                self._running.add(entry)
                Thread(target=self._attend, args=(entry,), name="job", daemon=True).start()

    def _attend(self, entry: _Entry) -> None:
        """Tell a process what to do and hear it out. Without the lock."""
        process, last_word = entry.process, False
        limits = {"memory": self.limits.memory * MIB if entry.task.bounded else None, "disk": self.limits.disk * MIB}
        with contextlib.suppress(EOFError, OSError, pickle.PickleError):  # then it is no more
            order = pickle.dumps((entry.task.work, entry.task.arguments, str(entry.folder), limits), protocol=5)
            entry.size = len(order)
            process.stdin.write(order)
            process.stdin.flush()
            while not last_word:
                last_word = self._hear(entry, *pickle.load(process.stdout))
        process.kill()
        code = process.wait()
        process.stdout.close()
        with contextlib.suppress(OSError):  # what it did not read is lost with it
            process.stdin.close()
        with contextlib.suppress(OSError):  # closed meanwhile, and the folder gone
            entry.size += sum(file.stat().st_size for file in entry.folder.rglob("*") if file.is_file())
        with self._change:
            self._running.discard(entry)
            if not last_word and not entry.problem[0]:
                entry.problem = ("crashed", str(code))
            entry.state = "failed" if entry.problem[0] else "done"
            entry.took = monotonic() - entry.began
            if self._entries.get(entry.task) is entry:
                self._entries[entry.task] = self._entries.pop(entry.task)
                self._make_room()
            else:
                shutil.rmtree(entry.folder, ignore_errors=True)
            self._next()

    def _hear(self, entry: _Entry, kind: str, what) -> bool:
        """Take one word of a process; whether it was the last. Without the lock."""
        with self._change:
            if kind == "done":
                entry.last = (monotonic(), what)
                entry.first = entry.first or entry.last
            elif kind == "part":
                entry.parts.append(what)
            elif kind == "result":
                entry.result = what
                return True
            else:
                entry.problem = (kind, what)
                return True
            return False

    def _make_room(self) -> None:
        """Forget the finished jobs that nobody has looked at for longest."""
        over = [e for e in self._entries.values() if e.state in OVER]
        while len(over) > self.limits.kept or (len(over) > 1 and sum(e.size for e in over) > self.limits.disk * MIB):
            self._drop(over.pop(0))

    def _watch(self) -> None:
        """Drop those who have left, and end what takes too long. Without the lock."""
        with self._change:
            while unfinished := [e for e in self._entries.values() if e.state in ALIVE]:
                now = monotonic()
                for entry in unfinished:
                    self._hear_of_visitors(entry, now)
                    most = min(SHORT, self.limits.seconds) if entry.task.short else self.limits.seconds
                    if entry.state == "running" and now - entry.began > most:
                        entry.problem = ("late", "")
                        entry.process.kill()
                self._change.wait(self.limits.patience / 10)
            self._watching = False

    def _hear_of_visitors(self, entry: _Entry, now: float) -> None:
        for (visitor, slot), heard in list(entry.wanted.items()):
            if self.here is not None and self.here(visitor):
                entry.wanted[visitor, slot] = now
            elif now - heard > self.limits.patience:
                del entry.wanted[visitor, slot]
        if not entry.wanted:
            self._drop(entry)


def _process() -> subprocess.Popen:
    """A fresh interpreter: not a fork, which would take the server's locks along, and not `multiprocessing`, which
    would import the page that happens to be running as if it were a program."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "explorer.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
        start_new_session=True,  # a Ctrl-C is for the server
        creationflags=sum(getattr(subprocess, flag, 0) for flag in ON_WINDOWS),
    )
