"""What Windows lacks or refuses is not relied on."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from explorer import Experiment, replacing, worker
from explorer.sweep import Kept, lags

ROOT = Path(__file__).parent.parent
POSIX_ONLY = """
import os, signal, sys
for name in "nice fork getuid geteuid setsid killpg getpgid sched_getaffinity sched_setaffinity".split():
    if hasattr(os, name):
        delattr(os, name)
for name in "SIGHUP SIGUSR1 SIGALRM".split():
    delattr(signal, name)
for name in ("resource", "fcntl", "termios", "pwd", "grp"):
    sys.modules[name] = None
"""
START = """
from streamlit.testing.v1 import AppTest
from explorer.jobs import Jobs, Task
from tests import job_cases
import time
at = AppTest.from_file("app.py", default_timeout=30).run()
assert at.title and not at.exception, at.exception
office, task = Jobs(), Task(job_cases.add, (2, 3))
office.start(task, "me")
while not (job := office.look(task, "me")).over:
    time.sleep(0.01)
office.close()
print(job.state, job.result, job.problem)
"""


def test_pages_and_jobs_start_without_what_posix_alone_has(tmp_path):
    """In the worker, too: each interpreter reads sitecustomize as it starts."""
    (tmp_path / "sitecustomize.py").write_text(POSIX_ONLY, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout == "done 5 ('', '')\n", done.stderr[-3000:]


def test_a_file_that_is_being_read_is_replaced_a_little_later(tmp_path, monkeypatch):
    real, refusals = os.replace, [PermissionError(13, "Access is denied")] * 3

    def replace(*names):
        if refusals:
            raise refusals.pop()
        real(*names)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(replacing, "PAUSE", 0)
    kept, e = Kept(tmp_path), Experiment(T=5, H=2)
    kept.put(e, np.ones(lags(5).shape, np.float32))
    assert not refusals and kept.get(e).all()


def test_a_worker_on_windows_looks_at_the_pipe_and_never_waits_on_it(monkeypatch):
    """A read that waits on stdin would hang a library that is loaded beside it."""
    looks = [True, True, False]

    def peek(handle, size):
        if not looks.pop(0):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "_winapi", SimpleNamespace(PeekNamedPipe=peek))
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda number: number))
    monkeypatch.setattr(worker, "WINDOWS_PAUSE", 0)
    monkeypatch.setattr(os, "read", lambda *given: pytest.fail("a read waits"))
    monkeypatch.setattr(os, "_exit", lambda code: looks.append(code))
    worker._leave_with_the_server()
    assert looks == [1]
