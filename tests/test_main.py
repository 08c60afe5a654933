"""The command line says what the engine says, and answers wrong input in one sentence."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from explorer import Experiment, backprop, init_params, perform, run
from explorer.__main__ import Progress, main
from explorer.measures import norm
from explorer.performing import weights


def table(text) -> dict[str, list[float]]:
    """The columns of what was printed, by name."""
    lines = text.splitlines()
    head = next(number for number, line in enumerate(lines) if line.split()[:1] == ["t"])
    columns = zip(*(map(float, line.split()) for line in lines[head + 1 :]), strict=True)
    return dict(zip(lines[head].split(), map(list, columns), strict=True))


@pytest.mark.parametrize("method", ("engine", "parallel", "torch"))
def test_an_experiment_prints_its_norms(method, capsys):
    main(["trace", "cell=gru&T=50&loss=all&layers=2", "--method", method])
    columns = table(capsys.readouterr().out)
    grads = perform(Experiment(cell="gru", T=50, loss="all", layers=2)).grads
    assert columns["t"][0] == 1 and columns["t"][-1] == 50
    at = np.array(columns["t"], int) - 1
    np.testing.assert_allclose(columns["∂h"], np.log10(norm(grads.state["h"]))[at, 0], atol=1e-3)
    np.testing.assert_allclose(columns["∂a_z"][1:], np.log10(norm(grads.pre["z"]))[at[1:], 0], atol=1e-3)


def test_an_address_and_a_file_are_experiments(tmp_path, capsys):
    main(["trace", "http://localhost:8501/gates?cell=rnn&T=20&lang=ko&t=3"])
    by_address = capsys.readouterr().out
    file = tmp_path / "experiment.json"
    file.write_text(Experiment(cell="rnn", T=20).to_json(), encoding="utf-8")
    main(["trace", "--json", str(file)])
    assert capsys.readouterr().out == by_address


@pytest.mark.parametrize("method", ("engine", "torch"))
def test_every_number_of_an_experiment_is_written(method, tmp_path):
    main(["trace", "T=30&layers=2", "--method", method, "--out", str(tmp_path / "run.npz")])
    performance = perform(Experiment(T=30, layers=2))
    with np.load(tmp_path / "run.npz") as written:
        for number, (layer, back) in enumerate(zip(performance.trace.layers, performance.grads.layers), start=1):
            before = f"layer{number}."
            for name, rows in layer.values.items():
                np.testing.assert_allclose(written[before + name], rows, rtol=1e-9, atol=1e-12)
            for name, rows in (*back.state.items(), *back.params.items(), ("x", back.x)):
                np.testing.assert_allclose(written[f"{before}d{name}"], rows, rtol=1e-9, atol=1e-12)
            for name, rows in back.pre.items():
                np.testing.assert_allclose(written[f"{before}da_{name}"], rows, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", ("engine", "parallel", "torch"))
def test_sizes_of_ones_own(method, capsys):
    main(f"trace --cell lstm --T 6000 --H 6 --D 2 --loss all --seed 3 --chunk 2500 --method {method}".split())
    columns = table(capsys.readouterr().out)
    rows = [np.random.default_rng((3, block)).standard_normal((4096, 1, 2), np.float32) for block in range(2)]
    trace = run("lstm", init_params("lstm", 2, 6, seed=3), np.concatenate(rows)[:6000])
    exact = np.log10(norm(backprop(trace, np.full((6000, 1, 6), 6**-0.5)).state["c"]))
    np.testing.assert_allclose(columns["∂c"], exact[np.array(columns["t"], int) - 1, 0], atol=1e-3)


def test_a_window_is_written_in_full(tmp_path):
    out = tmp_path / "run.npz"
    main(f"trace --T 300 --H 4 --chunk 64 --window 11-50 --out {out}".split())
    with np.load(out) as written:
        assert written["window.f"].shape == (40, 1, 4) and written["window.first_step"] == 11
        true = written["window.dh"] * 2.0 ** written["window.exponent"]
        np.testing.assert_allclose(np.log10(norm(true))[:, 0], written["log10_dh"][10:50, 0], atol=1e-9)
        assert written["log10_dh"].shape == (300, 1) and written["dweight_hh"].shape == (16, 4)


def test_an_experiment_over_a_long_input_of_ones_own(tmp_path):
    """The numbers of a file, through the experiment's network, as the engine says."""
    values = np.sin(np.arange(1500) / 7)
    (tmp_path / "series.csv").write_text(
        "t,x\n" + "\n".join(f"{n},{v}" for n, v in enumerate(values)), encoding="utf-8"
    )
    out = tmp_path / "run.npz"
    arguments = ["--length", "2000", "--input", str(tmp_path / "series.csv"), "--out", str(out)]
    main(["trace", "cell=gru&H=5&loss=all", "--method", "parallel", *arguments])
    e, x = Experiment(cell="gru", H=5, loss="all"), np.resize((values - values.mean()) / values.std(), 2000)
    trace = run("gru", weights(e, D=1), x[:, None, None])
    exact = np.log10(norm(backprop(trace, np.full((2000, 1, 5), 5**-0.5)).state["h"]))
    with np.load(out) as written:
        np.testing.assert_allclose(written["log10_dh"], exact, atol=1e-5)  # the file is read as float32
        np.testing.assert_allclose(written["level_z"], trace["z"].mean(axis=2), atol=1e-6)


def test_progress_is_told_when_it_takes_long(monkeypatch, capsys):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("explorer.__main__.monotonic", lambda: next(clock))
    progress = Progress()
    for share in (0.05, 0.2, 0.25, 1.0):
        progress(share)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [" 20%  6 s, about 24 s left", "100%  12 s, about 0 s left"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", "the following arguments are required: command"),
        ("draw", "invalid choice: 'draw'"),
        ("trace nonsense", "an experiment reads like cell=gru&T=200&loss=all, and has no setting 'nonsense'"),
        ("trace T=9999", "T cannot be '9999': the explorer would take 100"),
        ("trace cell=lsmt", "cell cannot be 'lsmt'"),
        ("trace T=10 --T 2000 --H 8", "give an experiment or sizes of your own, not both: --H"),
        ("trace T=10 --length 10", "a length from 1,000 to 1,000,000, but got 10"),
        ("trace --T 10 --input nonsense", "--input must be prices, noise, needle or a table, but is 'nonsense'"),
        ("trace --T 10 --input no-such.csv", "No such file"),
        ("trace --T 10 --input prices --D 3", "prices has one input a step, but D is 3"),
        ("trace T=10 --json x.json", "not both"),
        ("trace --json no-such-file.json", "No such file"),
        ("trace --H 8", "--H is a size of your own and needs --length"),
        ("trace --forget-bias 1", "--forget-bias is a size of your own and needs --length"),
        ("trace --T 0", "argument --length/--T: expected a whole number from 1 to 100,000,000, but got '0'"),
        ("trace --T 1e3", "expected a whole number from 1 to 100,000,000, but got '1e3'"),
        ("trace --T 10 --seed -1", "expected a whole number of at least 0, but got '-1'"),
        ("trace --T 10 --window 5", "expected steps such as 1-100, but got '5'"),
        ("trace --T 10 --window 5-11", "window must be (start, stop)"),
        ("trace --T 10 --gain nan", "gain and forget_bias must be finite"),
        ("trace --T 10 --cell rnn --forget-bias 1", "rnn has no gate that keeps"),
        ("trace --T 10 --activation relu", "lstm has no option 'activation'"),
        ("trace --T 10 --out run.txt", "--out must end in .npz, but is run.txt"),
        ("trace --T 10 --device cuda", "--device goes with --method torch"),
        ("trace --T 10 --method torch --device cuda:99", "device must be cpu or a GPU that PyTorch finds"),
        ("trace --T 100000000 --B 1000", "GiB allowed"),
        ("trace --T 50000000 --H 4096 --chunk 1", "multiplications, more than"),
    ],
)
def test_wrong_input_is_answered_in_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments.split())
    answer = capsys.readouterr().err
    assert left.value.code == 2 and sentence in answer
    assert answer.count("\n") == 1 and answer.startswith("python -m explorer")


def test_a_json_file_that_is_none(tmp_path, capsys):
    for text in ("[1]", "{", json.dumps({"T": 10**9})):
        (tmp_path / "wrong.json").write_text(text, encoding="utf-8")
        with pytest.raises(SystemExit):
            main(["trace", "--json", str(tmp_path / "wrong.json")])
        assert capsys.readouterr().err.count("\n") == 1


def test_it_starts_without_torch():
    code = "import sys; from explorer.__main__ import main; main(['trace', 'T=5']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lstm, T=5")


def test_a_reader_that_stops_reading_is_no_error():
    command = f"'{sys.executable}' -m explorer trace T=500 | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_what_a_code_page_lacks_is_printed():
    """As into a file or a pipe on Windows."""
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "explorer", "trace", "cell=rnn&T=5&H=2"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert "∂h" in done.stdout.decode()
