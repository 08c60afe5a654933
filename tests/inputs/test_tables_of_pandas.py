"""Whatever pandas writes is read back equal, or asked about; and with the answer it is read back equal."""

import csv
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from explorer.inputs.tables import Reading, Unreadable, look

QUESTIONS = {"separator", "decimal", "header"}
QUICK = settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
MARKS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}

names = some.text(some.sampled_from("abc xyzÄé가격_-/."), min_size=1, max_size=8).filter(
    lambda name: name.strip() and any(map(str.isalpha, name)) and name.strip().lower() not in ("e", "x.")
)
finite = some.one_of(
    some.integers(-(10**6), 10**6).map(float),
    some.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3)),
    some.floats(-1e20, 1e20, allow_nan=False),
)


@dataclass
class Written:
    """A frame, and how it was written."""

    frame: pd.DataFrame
    index: bool
    header: bool
    levels: int = 1

    @property
    def lines(self) -> int:
        """Of the header."""
        named = self.levels > 1 and self.index and self.frame.index.name is not None
        return (self.levels + named) * self.header


@some.composite
def frames(draw, headers=(True, False), several_levels=True):
    rows, width = draw(some.integers(2, 8)), draw(some.integers(1, 4))
    gaps = draw(some.sampled_from([0, 0, 0, 1, 2]))
    kind = draw(some.sampled_from(["float", "whole", "mixed"]))
    values = np.array(draw(some.lists(finite, min_size=rows * width, max_size=rows * width))).reshape(rows, width)
    values = np.round(values % 1e6) if kind == "whole" else values
    frame = pd.DataFrame(values)
    if kind == "mixed":
        frame[0] = np.round(frame[0] % 1e6)
    frame = frame.astype({column: "int64" for column in frame if (frame[column] % 1 == 0).all() and kind != "float"})
    for _ in range(gaps):
        at, place = draw(some.integers(0, rows - 1)), draw(some.integers(0, width - 1))
        frame = frame.astype({frame.columns[place]: float})
        frame.iloc[at, place] = np.nan
    index, header = draw(some.booleans()), draw(some.sampled_from(headers))
    levels = draw(some.sampled_from([1, 1, 2])) if header and several_levels else 1
    if levels == 2:
        pairs = draw(some.lists(some.tuples(names, names), min_size=width, max_size=width, unique=True))
        frame.columns = pd.MultiIndex.from_tuples(pairs)
    elif draw(some.booleans()):
        frame.columns = draw(some.lists(names, min_size=width, max_size=width, unique_by=lambda n: n.strip()))
    what = draw(some.sampled_from(["range", "date", "time", "text"]))
    if what == "date":
        frame.index = pd.date_range("2024-01-02", periods=rows)
    elif what == "time":
        frame.index = pd.date_range("2024-01-02 09:30", periods=rows, freq="min")
    elif what == "text":
        frame.index = [f"{draw(names)}{row}" for row in range(rows)]
    if draw(some.booleans()):
        frame.index.name = draw(names)
    return Written(frame, index, header, levels)


def same(read: np.ndarray, frame: pd.DataFrame, to: float) -> bool:
    """Equal but for so much of it as the file does not hold."""
    wanted = frame.to_numpy(float)
    return read.shape == wanted.shape and np.allclose(read, wanted, rtol=to, atol=to if to > 1e-9 else 0)


def check(written: Written, data: bytes, to=0.0, **dialect):
    """Read as it comes; then with the answers, if something is asked."""
    frame = written.frame
    last = frame.iloc[:, -1:]
    absent = bool(last.isna().any().any())
    if last.isna().all().all():  # then another column is the last one of numbers
        return
    try:
        table = look(data)
        refusal = table.refusal
    except Unreadable as error:
        refusal = error
    if refusal is None:
        assert not absent and same(table.numbers, last, to), (data, table, last)
    elif refusal.reason == "missing":
        assert absent and refusal.details["count"] == int(last.isna().sum().iloc[0]), (data, refusal.details)
    else:
        assert refusal.reason in QUESTIONS, (data, refusal.reason, refusal)
    answer = Reading(header=str(written.lines), missing="drop", **dialect)
    table = look(data, answer)
    assert table.refusal is None and same(table.numbers, last.dropna(), to), (data, table, table.refusal, last)
    if not absent:
        return
    table = look(data, Reading(header=str(written.lines), missing="carry", **dialect))
    if table.refusal:
        assert table.refusal.reason == "nothing_before" and last.isna().iloc[0, 0]
    else:
        assert same(table.numbers, last.ffill(), to)


@QUICK
@given(
    written=frames(),
    separator=some.sampled_from(list(MARKS)),
    decimal=some.sampled_from(["point", "comma"]),
    absent=some.sampled_from(["", "", "NA", "nan", "-", "null", "#N/A", "."]),
    quoting=some.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    form=some.sampled_from([None, None, "%.4f", "%.6e"]),
    encoding=some.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949"]),
    end=some.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_text_of_pandas(written, separator, decimal, absent, quoting, form, encoding, end):
    text = written.frame.to_csv(
        sep=MARKS[separator],
        decimal="." if decimal == "point" else ",",
        index=written.index,
        header=written.header,
        na_rep=absent,
        quoting=quoting,
        float_format=form,
        lineterminator=end,
    )
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = text.encode("utf-8")
    dialect = {"decimal": decimal} | ({"separator": separator} if MARKS[separator] in text else {"separator": "none"})
    check(written, data, to=1e-3 if form else 0.0, **dialect)


@QUICK
@given(written=frames())
def test_a_sheet_of_pandas(written):
    if written.levels > 1:
        written.index = True  # pandas writes no other
    if not written.index:
        while written.frame.iloc[-1].isna().all() and len(written.frame) > 1:
            written.frame = written.frame.iloc[:-1]  # of a sheet's last rows nothing is left
    file = io.BytesIO()
    written.frame.to_excel(file, index=written.index, header=written.header)
    if written.levels > 1 and written.frame.index.name is None:
        written.levels = 3  # a blank row
    check(written, file.getvalue(), to=1e-14)  # openpyxl writes 16 digits


@QUICK
@given(written=frames(headers=(True,), several_levels=False), compression=some.sampled_from([None, "snappy", "gzip"]))
def test_a_parquet_file_of_pandas(written, compression):
    file = io.BytesIO()
    frame = written.frame.rename(columns=str)
    frame.to_parquet(file, compression=compression, index=written.index)
    written.header = False
    check(written, file.getvalue())


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f8", "i8", "u1", ">i2", "?"])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (4, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_numpy(dtype, shape, order):
    array = np.asarray(np.random.default_rng(1).integers(0, 2, shape), dtype=dtype, order=order)
    file = io.BytesIO()
    np.save(file, array)
    every = tuple(str(column + 1) for column in range(array.reshape(len(array), -1).shape[1]))
    table = look(file.getvalue(), Reading(columns=every))
    assert table.format == "npy" and np.array_equal(table.numbers, array.reshape(len(array), -1).astype(float))
