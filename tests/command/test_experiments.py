"""An experiment by a file or an address is read, or refused in one sentence; nothing in it is passed over."""

import codecs
import os
import random

import numpy as np
import pytest

from explorer import Experiment
from explorer.__main__ import main
from explorer.command.version import version

E = Experiment(cell="rnn", T=20, H=5)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")


def sentence(arguments, capsys) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (2, "") and told.err.count("\n") == 1
    return told.err


def printed(arguments, capsys) -> str:
    main(arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["trace", "sweep"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_in_any_encoding_of_json(command, encoding, tmp_path, capsys):
    (tmp_path / "e.json").write_bytes(E.to_json().encode(encoding))
    more = ["--points", "2", "--seeds", "1", "--jobs", "1"] if command == "sweep" else []
    by_file = printed([command, "--json", str(tmp_path / "e.json"), *more], capsys)
    assert by_file == printed([command, "cell=rnn&T=20&H=5", *more], capsys)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (codecs.BOM_UTF16_LE, "is empty"),
        ('{"cell": "순환"}'.encode("cp949"), "in neither: save it in UTF-8"),
        ('{"cell": "é"}'.encode("latin-1"), "in neither: save it in UTF-8"),
        ('{"cell": "é"}'.encode("utf-16") + b"\0", "in neither: save it in UTF-8"),
        (random.Random(1).randbytes(400), "in neither: save it in UTF-8"),
        (b"\0" * 100, "cannot be read"),
        (b"PK\x03\x04" + b"\0" * 40, "cannot be read"),
        (b"[1]", "but got a list"),
        (b'"cell=rnn"', "but got a str"),
        (b"null", "but got a NoneType"),
        (b"cell=rnn&T=20", "cannot be read: Expecting value"),
        (b'{"T": 5} {"T": 6}', "cannot be read: Extra data"),
        (b'{"T": 5', "cannot be read"),
        (b'{"gain": 1e999}', "gain cannot be 'inf'"),
        (b'{"gain": NaN}', "gain cannot be 'nan'"),
        (b'{"T": -Infinity}', "T cannot be '-inf'"),
        (b'{"T": ' + b"9" * 9999 + b"}", "T cannot be 'inf'"),
        (b'{"T": ' + b"9" * 200 + b"}", "T cannot be '999"),
        (b'{"T": ' + b"[" * 900 + b"]" * 900 + b"}", "T cannot be '[[["),
        (b'{"T": ' + b"[" * 9999 + b"]" * 9999 + b"}", "nested too deeply"),
        (b'{"T":' * 9999 + b"1" + b"}" * 9999, "nested too deeply"),
        (b'{"T": 5, "T": 6}', "'T' is in it twice"),
        (b'{"T": 5, "H": 8, "\\u0054": 5}', "'T' is in it twice"),
        (b'{"TT": 5}', "no setting 'TT'"),
        (b'{"\\ud800": 5}', "no setting '\\ud800'"),
        (b'{"cell": "a\\nb"}', "cell cannot be 'a\\nb'"),
        (b'{"cell": {"a": [1]}}', "cell cannot be"),
        (b'{"surgery": {"a": 1}}', "surgery cannot be"),
        (b'{"numbers": [[1]]}', "numbers cannot be"),
        (b'{"loss": null}', "loss cannot be 'None'"),
    ],
    ids=lambda what: repr(what[:20]),
)
def test_a_file_that_is_no_experiment(data, why, tmp_path, capsys):
    (tmp_path / "e.json").write_bytes(data)
    assert why in sentence(["trace", "--json", str(tmp_path / "e.json")], capsys)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("no.json", "No such file"),
        ("folder", "Is a directory"),
        ("file/e.json", "Not a directory"),
        ("loop", "symbolic links"),
        ("large", "it cannot be an experiment"),
        ("/dev/zero", "it cannot be an experiment"),
        ("/dev/urandom", "it cannot be an experiment"),
        ("/dev/null", "is empty"),
        ("/proc/self/mem", "cannot be read"),
    ],
)
def test_what_is_no_file(path, why, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with (tmp_path / "large").open("wb") as file:
        os.truncate(file.fileno(), 10**12)
    assert why in sentence(["sweep", "--json", path], capsys)


@pytest.mark.parametrize(
    ("typed", "strange"),
    [
        ("cell=rnn&tee=20", "has no setting 'tee=20'"),
        ("lang=ko", "has no setting 'lang=ko'"),
        ("cell=rnn&amp;T=20", "'amp;T=20' means T=20"),
        ("http://here/gates?cell=rnn&amp;T=20", "'amp;T=20' means T=20"),
        ("cell%3Drnn", "'cell%3Drnn' means cell=rnn"),
        ("http://here/gates?cell%3Drnn%26T%3D20", "means cell=rnn&T=20"),
        ("http://here/?cell%253Drnn", "means cell=rnn"),
        ("cell=rnn?T=20", "a ? too many"),
        ("cell=rnn; T=20", "cell cannot be 'rnn; T=20'"),
        ("T=20&T=30", "sets T more than once"),
        ("http://here/?lang=ko&lang=en&T=20&T=3", "sets T more than once"),
    ],
)
def test_an_address_with_a_setting_that_is_none(typed, strange, capsys):
    assert strange in sentence(["trace", typed], capsys)


# options that would be passed over


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("trace --T 50 --window 1-5", "--window writes its steps in full to a file: name one with --out"),
        ("trace T=50 --window 1-5", "--window is a size of your own"),
        ("trace T=50 --chunk 8", "--chunk is a size of your own"),
        ("trace T=50 --input noise", "--input is a size of your own"),
        ("trace T=50 --force", "--force goes with --out"),
        ("trace T=50 --method parallel --device cpu", "--device goes with --method torch"),
        ("trace T=50&op=f~1-5~1 --method torch", "cannot hold a gate"),
        ("trace T=50&op=f~1-5~1 --method torch-parallel", "cannot hold a gate"),
        ("trace T=50&op=f~1-5~1 --length 1000", "leave op=f~1-5~1 out"),
        ("trace input=sine --length 1000", "name it with --input, or leave input=sine out"),
        ("trace D=2 --length 1000 --input noise", "leave D=2 out"),
        ("trace cell=rnn --length 1000 --window 1-5", "not both: --window"),
        ("sweep T=20 --force", "--force goes with --out"),
        ("sweep T=20 --jobs 2 --dask tcp://127.0.0.1:1", "--jobs is for this machine"),
        ("sweep T=20&loss=all", "leave loss out"),
        ("sweep T=20&loss=3", "leave loss out"),
        ("sweep T=20&gain=2", "leave gain=2 out"),
        ("sweep T=20&fb=1 --over forget_bias", "leave fb=1 out"),
        ("sweep T=20&chrono=1 --over forget_bias", "no gate whose bias could be swept"),
        ("sweep T=20 --points 1", "--points: expected a whole number from 2 to 81, but got '1'"),
        ("sweep T=20 --points 1e9", "--points: expected"),
        ("sweep T=20 --points many", "--points: expected"),
        ("sweep T=20 --seeds 0", "--seeds: expected a whole number from 1 to 32"),
        ("sweep T=20 --seeds 1.5", "--seeds: expected"),
        ("sweep T=20 --from nan", "--from: expected a number from -2.0 to 6.0"),
        ("sweep T=20 --to inf", "--to: expected a number from -2.0 to 6.0"),
        ("sweep T=20 --from 3 --to 1", "from a lower to a higher value"),
        ("sweep T=20 --from 2 --to 2", "from a lower to a higher value"),
        ("sweep T=20 --to 5", "gain goes from 0 to 4, not from 0 to 5"),
        (
            "train --form encoder_decoder --variant ko",
            "encoder_decoder has no variant ko: choose one of none, additive, dot",
        ),
        ("train --form sequence_to_vector --variant none --choose", "choose one of ko, en"),
        ("train --form vector_to_sequence --variant prices --table", "choose one of digits"),
        ("train --table --form encoder_decoder", "leave --form out"),
        ("train --table --cell gru", "leave --cell out"),
        ("train --table --out made", "leave --out out"),
        ("train --table --force", "leave --force out"),
        ("train --table --choose", "not allowed with"),
        ("train --vari ko", "unrecognized arguments: --vari ko"),
    ],
)
def test_what_would_be_passed_over_is_refused(arguments, why, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert why in sentence(arguments.split(), capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", ["engine", "parallel"])
def test_an_intervention_counts_in_every_method_that_has_it(method, tmp_path):
    out = tmp_path / "run.npz"
    main(["trace", "T=50&op=f~5-20~1", "--method", method, "--out", str(out)])
    with np.load(out) as written:
        assert (written["f"][4:20] == 1).all() and (written["f"][20:] < 1).all()


def test_the_version_is_that_of_the_project(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"gate-explorer {version()}\n"
