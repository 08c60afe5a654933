"""Jobs: in their order, beside the server and not in it, shared, and ended when nobody wants them."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from explorer import jobs as explorer_jobs
from explorer import worker
from explorer.jobs import Full, Jobs, Limits, Task
from tests import job_cases

ME = "me"


@contextmanager
def jobs(here=None, **limits):
    opened = Jobs(Limits(**{"workers": 1, **limits}), here)
    try:
        yield opened
    finally:
        opened.close()


def eventually(true, seconds=20):
    """Wait until `true()` is, and return it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    return found


def finished(office: Jobs, task: Task, visitor=ME):
    def over():
        job = office.look(task, visitor)
        return job if job.over else None

    return eventually(over)


def run(office: Jobs, work, *arguments):
    task = Task(work, arguments)
    office.start(task, ME)
    return finished(office, task)


def lives(process: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return found.stdout.strip()[:1] not in ("", "Z")


def test_a_job_is_done_and_kept():
    with jobs() as office:
        task = Task(job_cases.add, (2, 3))
        assert office.look(task, ME) is None
        office.start(task, ME)
        job = finished(office, task)
        assert (job.state, job.result, job.share, job.place) == ("done", 5, 1.0, 0)
        assert office.look(task, "somebody else").result == 5
        office.forget(task)
        assert office.look(task, ME) is None


def test_the_queue_has_an_order_and_tells_it(tmp_path):
    told = [str(tmp_path / name) for name in "abc"]
    tasks = [Task(job_cases.until_told, (path, path[-1])) for path in told]
    with jobs() as office:
        for visitor, task in enumerate(tasks):
            office.start(task, str(visitor))

        def places():
            return [office.look(task, str(visitor)).place for visitor, task in enumerate(tasks)]

        assert places() == [0, 1, 2]
        office.cancel("1")
        assert office.look(tasks[1], "1") is None
        assert office.look(tasks[2], "2").place == 1
        Path(told[0]).touch()
        assert finished(office, tasks[0], "0").result == "a"
        assert eventually(lambda: office.look(tasks[2], "2").parts) == ("begun c",)
        assert office.look(tasks[0], "2").result == "a"


def test_no_more_workers_than_allowed_and_no_longer_queue(tmp_path):
    tasks = [Task(job_cases.until_told, (str(tmp_path / "never"), str(n))) for n in range(4)]
    with jobs(workers=2, waiting=1) as office:
        for n, task in enumerate(tasks[:3]):
            office.start(task, str(n))
        states = [office.look(task, str(n)).state for n, task in enumerate(tasks[:3])]
        assert states == ["running", "running", "waiting"]
        with pytest.raises(Full):
            office.start(tasks[3], "3")
        office.start(tasks[2], "3")  # to join is no more work


def test_a_short_one_need_not_wait_for_long_ones(tmp_path):
    never = str(tmp_path / "never")
    long = [Task(job_cases.until_told, (never, str(n))) for n in range(3)]
    short = [Task(job_cases.until_told, (never, f"short {n}"), short=True) for n in range(3)]
    with jobs(workers=1, waiting=2) as office:
        for n, task in enumerate([*long, *short]):
            office.start(task, str(n))
        standing = [office.look(task, str(n)) for n, task in enumerate([*long, *short])]
        assert [job.place for job in standing] == [0, 1, 2, 0, 1, 2]
        with pytest.raises(Full):
            office.start(Task(job_cases.until_told, (never, "one more"), short=True), "6")
        office.cancel("3")
        assert eventually(lambda: office.look(short[1], "4").state == "running")
        assert office.look(long[1], "1").place == 1


def test_a_short_one_that_goes_on_is_ended(monkeypatch):
    monkeypatch.setattr(explorer_jobs, "SHORT", 1)
    with jobs(patience=2) as office:
        task = Task(job_cases.spin, (60,), short=True)
        office.start(task, ME)
        assert finished(office, task).problem[0] == "late"


def test_who_asks_for_the_same_shares_it(tmp_path):
    told = tmp_path / "told"
    task = Task(job_cases.until_told, (str(told), "shared"))
    with jobs() as office:
        office.start(task, "a")
        office.start(task, "b")
        assert office.look(task, "stranger") is None
        office.cancel("a")
        assert office.look(task, "a") is None
        told.touch()
        assert finished(office, task, "b").parts == ("begun shared",)


def test_a_visitor_has_one_unfinished_job_a_slot(tmp_path):
    old, new, other = (Task(job_cases.until_told, (str(tmp_path / name),)) for name in ("old", "new", "other"))
    with jobs(workers=3) as office:
        office.start(old, ME)
        office.start(other, ME, "sweep")
        office.start(new, ME)
        assert office.look(old, ME) is None
        assert office.look(new, ME) and office.look(other, ME, "sweep")


def test_cancelling_ends_the_process_and_frees_the_worker():
    with jobs() as office:
        task = Task(job_cases.spin, (60,))
        office.start(task, ME)
        [process] = eventually(lambda: office.look(task, ME).parts)
        assert lives(process)
        office.cancel(ME)
        eventually(lambda: not lives(process))
        assert run(office, job_cases.add, 1, 1).result == 2


def test_who_is_not_heard_of_has_left():
    with jobs(patience=0.4) as office:
        task = Task(job_cases.spin, (60,))
        office.start(task, ME)
        [process] = eventually(lambda: office.look(task, ME).parts)
        for _ in range(10):  # who looks is there
            time.sleep(0.1)
            assert office.look(task, ME).state == "running"
        time.sleep(1)
        assert office.look(task, ME) is None
        eventually(lambda: not lives(process))


def test_whose_tab_is_open_need_not_look():
    tabs = {ME}
    with jobs(here=tabs.__contains__, patience=0.3) as office:
        task = Task(job_cases.spin, (60,))
        office.start(task, ME)
        time.sleep(1)
        assert office.look(task, ME).state == "running"
        tabs.clear()
        time.sleep(1)
        assert office.look(task, ME) is None


def test_progress_and_the_time_that_is_left():
    with jobs() as office:
        task = Task(job_cases.halfway)
        office.start(task, ME)
        eventually(lambda: office.look(task, ME).share == 0.5)
        job = office.look(task, ME)
        assert job.state == "running" and 0.3 < job.left < 2  # 0.12 s a tenth
        assert job.seconds >= 0.6


@pytest.mark.parametrize(
    ("work", "limits", "problem"),
    [
        (job_cases.refuse, {}, ("refused", "expected an even number, but got 3")),
        (job_cases.crash, {}, ("crashed", "7")),
        (job_cases.swallow_memory, {"memory": 1024}, ("memory", "")),
        (job_cases.talk, {}, ("refused", "a job may answer 4194304 bytes")),
        (job_cases.halfway, {"seconds": 2, "patience": 1}, ("late", "")),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_one_runs(work, limits, problem):
    with jobs(**limits) as office:
        job = run(office, work)
        assert job.state == "failed" and job.problem[0] == problem[0] and job.problem[1].startswith(problem[1])
        assert run(office, job_cases.add, 1, 1).result == 2


def test_files_are_left_in_a_folder_and_go_with_the_job():
    with jobs() as office:
        task = Task(job_cases.write, (1000,))
        job = run(office, *[task.work, *task.arguments])
        rows = np.load(job.folder / job.result, mmap_mode="r")
        assert len(rows) == 1000
        office.forget(task)
        assert not job.folder.exists()
        again = run(office, *[task.work, *task.arguments])
        assert again.folder != job.folder
    assert not again.folder.parent.exists()


def test_what_is_kept_is_bounded():
    with jobs(kept=2) as office:
        for n in range(3):
            run(office, job_cases.add, n, n)
        assert [office.look(Task(job_cases.add, (n, n)), ME) is None for n in range(3)] == [True, False, False]
    with jobs(disk=1) as office:
        assert run(office, job_cases.write, 600_000).state == "done"
        assert run(office, job_cases.write, 600_001).state == "done"
        assert office.look(Task(job_cases.write, (600_000,)), ME) is None
        assert run(office, job_cases.write, 2_000_000).problem[0] == "refused"


def test_limits_are_settings_of_the_server():
    assert Limits.of_server({}) == Limits()
    assert Limits.of_server({"EXPLORER_WORKERS": "3", "EXPLORER_MEMORY": "512"}) == Limits(workers=3, memory=512)
    for wrong in ("0", "many", "1.5", "-1", str(2**40)):
        with pytest.raises(ValueError, match="EXPLORER_WORKERS must be a whole number of at least 1, but is"):
            Limits.of_server({"EXPLORER_WORKERS": wrong})


def test_a_job_stands_back_behind_the_server():
    with jobs() as office:
        niceness, threads = run(office, job_cases.nice).result
    assert niceness == min(19, os.nice(0) + 10) and set(threads.values()) == {"1"}


def test_the_server_keeps_its_interpreter():
    """A thread that spun would slow this loop to half its speed and answer late; a process of lower rank does not."""
    with jobs() as office:
        task = Task(job_cases.spin, (60,))
        office.start(task, ME)
        eventually(lambda: office.look(task, ME).parts)
        late = []
        for _ in range(50):
            began = time.perf_counter()
            office.look(task, ME)
            time.sleep(0.001)
            late.append(time.perf_counter() - began)
    assert np.median(late) < 0.005  # a thread is asked to yield after 5 ms


def test_jobs_end_with_the_server():
    """Even if it is killed."""
    code = """
import time
from explorer.jobs import Jobs, Limits, Task
from tests import job_cases
office, task = Jobs(), Task(job_cases.spin, (60,))
office.start(task, "me")
while not (parts := office.look(task, "me").parts):
    time.sleep(0.01)
print(parts[0], flush=True)
time.sleep(60)
"""
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True) as server:
        process = int(server.stdout.readline())
        assert lives(process)
        server.kill()
    eventually(lambda: not lives(process))


def test_a_worker_runs_where_a_system_has_neither_niceness_nor_limits(monkeypatch):
    """As on Windows."""
    monkeypatch.delattr(os, "nice", raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    worker._bound(memory=2**30, disk=2**30)
