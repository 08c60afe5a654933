"""Sweeps: the engine's numbers, the theory's limits, kept on disk, run anywhere."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
import psutil
import pytest

from explorer import Experiment
from explorer.__main__ import main
from explorer.deep import deep_backprop
from explorer.mean_field import chi, drive, edge, variance
from explorer.performing import direct_gradient, perform
from explorer.sweep import Kept, Mean, Sweep, lags, results, survival, work
from explorer.worker import Report
from tests.command.running import SENTENCE, refused, start

ROOT = Path(__file__).parents[1]
E = Experiment(cell="rnn", input="impulse", T=30, H=8)
SWEEP = Sweep("gain", 0.5, 2.0, 4, 3)


def test_what_survives_is_the_gradient_of_the_run():
    e = E.replace(T=300, cell="lstm", forget_bias=0.0)
    norms = deep_backprop(perform(e).trace, direct_gradient(e)).log10_norms("h")[:, 0]
    found = survival(e)
    assert found[0] == pytest.approx(0, abs=1e-6) and found[-1] == pytest.approx(norms[0], rel=1e-6)
    assert lags(300)[-1] == 299 and len(found) == len(lags(300)) == 100 and list(lags(5)) == [0, 1, 2, 3, 4]


def test_the_runs_are_those_of_the_experiment():
    runs = SWEEP.runs(E.replace(seed=9998))
    assert [(r.gain, r.seed) for r in runs[:4]] == [(0.5, 9998), (0.5, 9999), (0.5, 0), (1.0, 9998)]
    assert len(runs) == 12 and {r.T for r in runs} == {30}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"axis": "H"}, "axis: expected one of gain, forget_bias"),
        ({"low": 3.0, "high": 1.0}, "from a lower to a higher value, but goes from 3.0 to 1.0"),
        ({"points": 10**9}, "points: expected a whole number from 2 to 81"),
        ({"seeds": 0}, "seeds: expected a whole number from 1 to 32"),
        ({"low": -1.0}, "gain goes from 0 to 4, not from -1 to 4"),
        ({"axis": "forget_bias"}, "rnn has no gate whose bias could be swept"),
    ],
)
def test_what_cannot_be_swept_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sweep(**change).runs(E)


def test_the_mean_grows_with_what_comes():
    mean = Mean(SWEEP, 30)
    assert np.isnan(mean.map).all()
    curves = [survival(run) for run in SWEEP.runs(E)]
    for number in (4, 3, 5, 0):
        mean.add(number, curves[number])
    np.testing.assert_allclose(mean.map[1], np.mean(curves[3:6], axis=0), rtol=1e-6)
    np.testing.assert_allclose(mean.map[0], curves[0], rtol=1e-6)
    assert np.isnan(mean.map[2:]).all()


class TestTheory:
    def test_order_and_chaos_meet_at_one_without_input(self):
        assert edge(0.0) == pytest.approx(1, abs=1e-3)  # q falls ever more slowly there
        assert chi(0.5, 0.0) == pytest.approx(0.25) and chi(2.0, 0.0) > 1
        assert edge(0.1) > 1.1

    def test_the_variance_is_that_of_a_wide_network(self):
        """h = tanh(W h + x) with W ~ N(0, σ²/H), x ~ N(0, s²): its pre-activations spread as theory says."""
        rng, H = np.random.default_rng(0), 1500
        weight, fixed = rng.normal(0, 1.5 / H**0.5, (H, H)), rng.normal(0, 0.5, (60, H))
        h = np.zeros(H)
        for row in fixed:
            a = weight @ h + row
            h = np.tanh(a)
        assert a.var() == pytest.approx(variance(1.5, 0.25), rel=0.1)

    def test_a_network_of_the_explorer_follows_it(self):
        """A tenth of the gain below the edge and twice it above: the gradient of 64 units dies, or it does not."""
        e = Experiment(cell="rnn", input="impulse", T=60, H=64)
        width, other = drive(e)
        assert width == pytest.approx(3**-0.5, rel=0.05)  # uniform in ±1/√H
        for gain in (0.5, 1.0):
            slopes = [(curve[40] - curve[10]) / 30 for curve in map(survival, Sweep("gain", gain, 4, 2, 6).runs(e)[:6])]
            assert np.mean(slopes) == pytest.approx(0.5 * np.log10(chi(gain * width, other)), rel=0.12)


class TestKept:
    def test_what_is_there_is_not_run_again(self, tmp_path, monkeypatch):
        kept, runs = Kept(tmp_path), SWEEP.runs(E)
        first = dict(results(runs, kept))
        assert len(list(tmp_path.glob("*.npy"))) == len(runs) and not list(tmp_path.glob("*.part"))
        monkeypatch.setattr("explorer.sweep.survival", lambda e: pytest.fail("run again"))
        second = dict(results(runs, Kept(tmp_path)))
        assert all(np.array_equal(first[n], second[n]) for n in first)

    def test_another_engine_has_other_results(self, tmp_path, monkeypatch):
        kept = Kept(tmp_path)
        kept.put(E, survival(E))
        assert kept.get(E) is not None and kept.get(E.replace(seed=2)) is None
        monkeypatch.setattr("explorer.sweep.fingerprint", lambda: "another")
        assert kept.get(E) is None

    def test_half_a_file_is_none(self, tmp_path):
        kept = Kept(tmp_path)
        kept.put(E, survival(E))
        kept.path(E).write_bytes(kept.path(E).read_bytes()[:-40])
        assert kept.get(E) is None

    def test_it_is_bounded(self, tmp_path, monkeypatch):
        monkeypatch.setattr("explorer.sweep.KEPT", 3)
        kept = Kept(tmp_path)
        for seed in range(5):
            kept.put(E.replace(seed=seed), np.zeros(30, np.float32))
            os.utime(kept.path(E.replace(seed=seed)), (seed, seed))
        kept.make_room()
        assert [kept.get(E.replace(seed=seed)) is None for seed in range(5)] == [True, True, False, False, False]


def test_the_job_hands_its_results_over_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    report, said = Report(tmp_path), []
    report.say = lambda kind, what: said.append((kind, what))
    work(report, E, SWEEP)
    assert [number for kind, (number, _) in ((k, w) for k, w in said if k == "part")] == list(range(12))


def typed(*arguments):
    main(["sweep", "cell=rnn&input=impulse&T=30&H=8", "--points", "3", "--seeds", "2", *arguments])


def test_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    typed("--jobs", "1", "--from", "1", "--to", "3", "--out", str(tmp_path / "map.npz"))
    with np.load(tmp_path / "map.npz") as written:
        e = E.replace(gain=2.0)
        exact = np.mean([survival(e), survival(e.replace(seed=2))], axis=0)
        np.testing.assert_allclose(written["log10_survival"][1], exact, rtol=1e-6)
        assert list(written["values"]) == [1, 2, 3]
    typed("--jobs", "1", "--from", "1", "--to", "3")
    assert "6 runs over gain" in capsys.readouterr().out
    for wrong, sentence in (
        (["--jobs", "0"], "--jobs must be -1 or from 1 to 1024"),
        (["--out", "map.txt"], "--out must end in .npz"),
        (["--over", "forget_bias"], "rnn has no gate whose bias"),
    ):
        with pytest.raises(SystemExit):
            typed(*wrong)
        answer = capsys.readouterr().err
        assert answer.count("\n") == 1 and sentence in answer


@pytest.mark.parametrize("jobs", [2, 5, 100, -1])
def test_processes_give_the_same(jobs):
    runs = SWEEP.runs(E)
    alone, together = (dict(results(runs, Kept(None), jobs=count)) for count in (1, jobs))
    assert alone.keys() == together.keys()
    assert all(np.array_equal(alone[n], together[n]) for n in alone)


def test_a_sweep_that_is_given_up_ends_its_processes():
    found = results(Sweep("gain", 0.5, 2.0, 81, 8).runs(E.replace(T=500, H=64)), Kept(None), jobs=2)
    next(found)
    running = psutil.Process().children(recursive=True)
    assert len(running) >= 2
    found.close()
    assert not psutil.wait_procs(running, timeout=10)[1]


def test_a_process_that_is_lost_is_said():
    found = results(Sweep("gain", 0.5, 2.0, 81, 8).runs(E.replace(T=500, H=64)), Kept(None), jobs=2)
    next(found)
    psutil.Process().children()[-1].kill()
    with pytest.raises(RuntimeError, match="a process of the sweep was lost"):
        list(found)


class TestDask:
    @pytest.fixture
    def cluster(self, tmp_path):
        """The address of a scheduler with two workers, all processes of their own, and the workers."""
        pytest.importorskip("distributed")
        file = tmp_path / "scheduler.json"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        started = []

        def start(module, *arguments):
            command = [sys.executable, "-m", module, *arguments]
            with (tmp_path / f"{len(started)}.log").open("w", encoding="utf-8") as log:
                started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log))
            return started[-1]

        place = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        start("distributed.cli.dask_scheduler", *place)
        eventually(file.exists)
        quiet = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--scheduler-file", str(file)]
        workers = [start("distributed.cli.dask_worker", *quiet) for _ in range(2)]
        import json

        yield json.loads(file.read_text(encoding="utf-8"))["address"], workers
        for process in reversed(started):
            process.kill()
            process.wait()

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_a_worker_that_is_killed_midway_loses_nothing(self, cluster):
        address, workers = cluster
        slow = E.replace(T=500, H=64)
        runs, found = Sweep("gain", 0.5, 2.0, 6, 8).runs(slow), {}
        for number, curve in results(runs, Kept(None), dask=address):
            found[number] = curve
            if len(found) == 10:
                os.kill(workers[0].pid, signal.SIGKILL)
        assert sorted(found) == list(range(48))
        for number in (0, 11, 47):
            np.testing.assert_allclose(found[number], survival(runs[number]), rtol=1e-5)

    def test_a_worker_is_no_scheduler(self, cluster, tmp_path):
        address, _ = cluster
        eventually(lambda: "tcp://" in (tmp_path / "1.log").read_text(encoding="utf-8"))
        worker = re.search(r"tcp://[\d.:]+", (tmp_path / "1.log").read_text(encoding="utf-8"))[0]
        assert worker != address and f"answers at {worker}" in refused([*ASKED, worker], tmp_path)

    def test_it_is_stopped_in_a_sentence(self, cluster, tmp_path):
        command = ["sweep", "cell=rnn&T=500&H=64", "--points", 81, "--no-cache", "--dask", cluster[0]]
        process = start(command, tmp_path)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130 and err.splitlines()[-1] == SENTENCE and "Traceback" not in err

    def test_a_scheduler_that_is_lost_is_said(self, cluster, tmp_path):
        command = ["sweep", "cell=rnn&T=500&H=64", "--points", 81, "--seeds", 32, "--no-cache", "--dask", cluster[0]]
        process = start(command, tmp_path)
        for line in process.stderr:
            if " left" in line:
                break
        (scheduler,) = [p for p in psutil.Process().children() if "distributed.cli.dask_scheduler" in p.cmdline()]
        scheduler.kill()
        _, err = process.communicate(timeout=60)
        *progress, last = err.splitlines()
        assert process.returncode == 2 and all(line.endswith(" s left") for line in progress)
        assert f"the Dask cluster at {cluster[0]} was lost" in last


ASKED = ["sweep", "cell=rnn&T=20&H=4", "--points", "3", "--seeds", "1", "--no-cache", "--dask"]


@pytest.mark.parametrize(
    "address",
    [
        *("nonsense", "", "foo://x:1", "http://127.0.0.1:9", "tcp://127.0.0.1:port", "127.0.0.1:99999"),
        *("tcp://127.0.0.1:1", "tls://127.0.0.1:1", "two\nlines"),
    ],
    ids=repr,
)
def test_no_scheduler_is_said_in_a_sentence(address, tmp_path):
    pytest.importorskip("distributed")
    began = time.monotonic()
    told = refused([*ASKED, address], tmp_path)
    assert "no Dask scheduler answers at" in told and "tcp://host:8786" in told
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(64), b"\xff" * 64])
def test_another_server_is_no_scheduler(answer, tmp_path):
    """It says nothing, or something else."""
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve():
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    held[-1].sendall(answer)

        Thread(target=serve, daemon=True).start()
        told = refused([*ASKED, f"tcp://127.0.0.1:{server.getsockname()[1]}"], tmp_path)
        assert "no Dask scheduler answers at tcp://127.0.0.1" in told
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def eventually(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
