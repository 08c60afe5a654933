"""The reader of tables, kind by kind: read right, or asked about, or refused with the row that is wrong."""

import io
import pickle
import subprocess
import sys
import zipfile
from dataclasses import fields
from datetime import date

import numpy as np
import openpyxl
import pandas as pd
import pytest

from explorer.inputs import grids, tables
from explorer.inputs.tables import MOST_BYTES, MOST_ROWS, Reading, Unreadable, look, take, work
from explorer.settings import Choice, Names
from explorer.worker import MOST, Report


def table(text, **reading):
    return look(text.encode() if isinstance(text, str) else text, Reading(**reading))


def column(text, **reading) -> list[float]:
    """What is taken of the first column that is taken."""
    read = table(text, **reading)
    assert read.refusal is None, read.refusal
    return read.numbers[:, 0].tolist()


def refused(text, **reading) -> Unreadable:
    try:
        error = table(text, **reading).refusal
    except Unreadable as raised:
        error = raised
    assert error is not None
    assert "\n" not in str(error)
    return error


def saved(write, *arguments, **options) -> bytes:
    file = io.BytesIO()
    write(file, *arguments, **options)
    return file.getvalue()


def sheet(*rows, others=()) -> bytes:
    book = openpyxl.Workbook()
    for k, content in enumerate([*others, rows]):
        page = book.active if k == 0 else book.create_sheet()
        for row in content:
            page.append(row)
    return saved(lambda file: book.save(file))


class TestDecimalMarks:
    @pytest.mark.parametrize(
        ("text", "decimal", "numbers"),
        [
            ("price\n1,5\n2,5", "comma", [1.5, 2.5]),
            ("price\n1.5\n2.5", "point", [1.5, 2.5]),
            ("day;price\n1;1,5\n2;2,5", "comma", [1.5, 2.5]),
            ("day\tprice\n1\t70,100\n2\t1,5", "comma", [70.1, 1.5]),
            ('day,price\n1,"1,5"\n2,"2,25"', "comma", [1.5, 2.25]),
            ("p\n-1,5\n+2,5\n−3,25", "comma", [-1.5, 2.5, -3.25]),
            ("p\n1,5e3\n2,0E-2", "comma", [1500, 0.02]),
            ("p\n1.5e3\n2", "point", [1500, 2]),
            ("p\n1.234\n2.345", "point", [1.234, 2.345]),
            ("p;q\n1;1.234\n2;12.5", "point", [1.234, 12.5]),
            ("p;q\n1,5;1.234\n2;1.235", "comma", [1234, 1235]),
            ("p\n.5\n5.", "point", [0.5, 5]),
            ("p;q\n1;,5\n2;-,25", "comma", [0.5, -0.25]),
        ],
    )
    def test_are_found(self, text, decimal, numbers):
        assert table(text).decimal == decimal and column(text) == numbers

    @pytest.mark.parametrize(
        ("cells", "numbers"),
        [
            (["1,234", "1,234,567"], [1234, 1234567]),
            (["1,234", "1,234.5"], [1234, 1234.5]),
            (["1,234", "1234.5"], [1234, 1234.5]),
            (["1,234", "0.5"], [1234, 0.5]),
            (["1,234", "0,123"], [1.234, 0.123]),
            (["1,234", "1234,5"], [1.234, 1234.5]),
            (["1,234", "-0,5"], [1.234, -0.5]),
            (["1,234", "12,34"], [1.234, 12.34]),
            (["1.234", "1.234.567"], [1234, 1234567]),
            (["1.234", "1.234,5"], [1234, 1234.5]),
            (["1 234,5", "2 345,25"], [1234.5, 2345.25]),
            (["1\u00a0234", "12\u00a0345\u00a0678"], [1234, 12345678]),
            (["1\u202f234.5", "2"], [1234.5, 2]),
            (["1'234.5", "1’000"], [1234.5, 1000]),
            (["1,00,000", "2,50,000.5"], [100000, 250000.5]),
            (["70,100", "987", "1,070,100"], [70100, 987, 1070100]),
        ],
    )
    def test_thousands_are_told_by_any_cell_that_tells(self, cells, numbers):
        for order in (1, -1):
            assert column("price\n" + "\n".join(cells[::order])) == numbers[::order]

    def test_the_cell_that_tells_may_be_in_another_column(self):
        assert column("rate\tprice\n0.5\t1,234\n0.25\t2,345") == [1234, 2345]
        assert column("rate;price\n0,5;1,234\n0,25;2,345") == [1.234, 2.345]

    @pytest.mark.parametrize(
        ("text", "piece", "row"),
        [
            ("price\n1,234\n5,678", "1,234", 2),
            ("price\n987\n5,678", "5,678", 3),
            ("a;b\n1;1.234\n2;5.678", "1.234", 2),
            ('a,b\n1,"70,100"\n2,"71,200"', "70,100", 2),
            ("a\tb\n1\t₩70,100\n2\t₩71,200", "₩70,100", 2),
            ("1,234;1\n5,678;2\n", "1,234", 1),
        ],
    )
    def test_one_that_may_be_either_is_asked_about(self, text, piece, row):
        names = {"columns": ("1",)} if text.startswith("1") else {}
        error = refused(text, **names)
        assert error.reason == "decimal" and error.details == {"piece": piece, "row": row}
        written = piece.lstrip("₩").replace(",", ".")
        other = float(written) if "," in piece else float(piece.replace(".", ""))
        place = row - (1 if names else 2)
        assert column(text, decimal="comma", **names)[place] == other
        assert column(text, decimal="point", **names)[place] == (float(piece.lstrip("₩").replace(",", "")))

    def test_what_is_not_taken_is_not_asked_about(self):
        assert column("a;b\n1.234;1\n5.678;2") == [1, 2]

    @pytest.mark.parametrize(
        ("cell", "number"),
        [
            *[("$1,000.5", 1000.5), ("€ 3.5", 3.5), ("1000.5€", 1000.5), ("₩1,234,567", 1234567), ("-£2.5", -2.5)],
            *[("£-2.5", -2.5), ("70100원", 70100), ("1,166.71 ¥", 1166.71), ("￦500.5", 500.5)],
        ],
    )
    def test_a_currency_is_left_out(self, cell, number):
        assert column(f"price\n{cell}\n1.25") == [number, 1.25]

    @pytest.mark.parametrize("cell", ["5%", "1e", "0x10", "1_000", "1..5", "12:", "1,23,4.5.6", "٣", "true", "5 kg"])
    def test_what_is_no_number_is_pointed_at(self, cell):
        error = refused(f"a;b\nx;1.5\ny;2.5\nz;{cell}\nw;3.5")
        assert error.reason == "bad" and error.details == {"row": 4, "cell": cell, "column": "b"}

    def test_marks_that_contradict_each_other_are_pointed_at(self):
        assert refused("p\n1.5\n2.5\n3,5\n4.5").details == {"row": 4, "cell": "3,5", "column": "p"}
        assert column("p;q\n1.5;1,5\n2.5;2,5") == [1.5, 2.5], "each column for itself"
        assert refused("p;q\n1.5;1,5\n2.5;2,5", columns=("p", "q")).reason == "bad"


class TestSeparators:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|", " "])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_are_found(self, mark, end):
        lines = ["day,price,name", "2024-01-02,1.5,a", "2024-01-03,2.25,b"]
        read = table(end.join(lines).replace(",", mark) + end)
        assert read.numbers.tolist() == [[1.5], [2.25]] and read.taken == ("price",)
        assert [c.kind for c in read.columns] == ["date", "number", "text"]
        assert (read.header, read.rows) == (1, 2)

    @pytest.mark.parametrize(
        ("text", "numbers"),
        [
            ("city;degrees\nSeoul, KR;5.5\nBusan, KR;6", [5.5, 6]),
            ("2024-01-02 09:30;1,5\n2024-01-02 09:31;2,5", [1.5, 2.5]),
            ("a|b\n1,5|2,5\n3,5|4,5", [2.5, 4.5]),
            ("a b\n1,5 2,5\n3,5 4,5", [2.5, 4.5]),
            ("  1.0   2.0\n 10.0  20.0", [2, 20]),
            ("x, y\n1, 2\n3, 4", [2, 4]),
            ('x,y\n"a,b",2\n"c ""d"", e",4', [2, 4]),
            ('x,y\n"two\nlines",2\nz,4', [2, 4]),
            ("x,y\nNew York,5\nLos Angeles,6", [5, 6]),
            ("x;y;z\n1;2;\n3;4;", [2, 4]),
            ("x,y\n1,2,\n3,4,", [2, 4]),
            ("x,y\n1,2\n3,4,,,", [2, 4]),
            ("x,y\n\n1,2\n\n   \n3,4\n\n\n", [2, 4]),
            ("sep=;\nx;y\n1;1,5\n2;2,5", [1.5, 2.5]),
            ("sep=,\nx,y\n1,5\n2,6", [5, 6]),
            ('"sep=\t"\nx\ty\n1\t5', [5]),
            ("# made by hand\n# on a Monday\nx,y\n1,5\n2,6", [5, 6]),
            ("# x y\n1.0e+00 2.0e+00\n3.0e+00 4.0e+00", [2, 4]),
        ],
    )
    def test_do_not_depend_on_what_else_is_there(self, text, numbers):
        assert column(text) == numbers

    @pytest.mark.parametrize(
        ("text", "piece", "answers"),
        [
            ("1,5\n2,5", "1,5", {"none": [1.5, 2.5], "comma": [5, 5]}),
            ("1,5\n2\n3,5", "1,5", {"none": [1.5, 2, 3.5]}),
            ("1 234\n5 678", "1 234", {"none": [1234, 5678], "space": [234, 678]}),
            ("2024-01-02,70,100\n2024-01-03,71,200", "70,100", {"comma": [100, 200]}),
            ("2024-01-02,1,5\n2024-01-03,2,5", "1,5", {"comma": [5, 5]}),
            ("a,1,234\nb,5,678", "1,234", {"comma": [234, 678]}),
        ],
    )
    def test_one_number_or_several_is_asked_about(self, text, piece, answers):
        error = refused(text)
        assert error.reason == "separator" and error.details == {"piece": piece, "row": 1}
        for separator, numbers in answers.items():
            assert column(text, separator=separator) == numbers
        assert table(text).first, "what can be seen is seen"

    def test_a_header_settles_it(self):
        assert column("day,a,b\n2024-01-02,70,100\n2024-01-03,71,200") == [100, 200]
        assert column("x,y\n1,5\n2,5") == [5, 5]
        assert column("price\n1 234\n5 678") == [1234, 5678]

    def test_so_does_the_decimal_mark(self):
        assert column("1,5\n2,5", decimal="comma") == [1.5, 2.5]
        assert column("1,5\n2,5", decimal="point") == [5, 5]
        assert column("2024-01-02,1,5\n2024-01-03,2,5", decimal="point") == [5, 5]

    @pytest.mark.parametrize(
        ("text", "details"),
        [
            ("date,price\n2024-01-02,70,100\n2024-01-03,71,200", {"row": 2, "count": 3, "expected": 2}),
            ("x,y\n1,2\n3,4\n5", {"row": 4, "count": 1, "expected": 2}),
            ("x,y\n1,2\n3,4,9\n5,6", {"row": 3, "count": 3, "expected": 2}),
            ('x,y\n"a\nb",2\nc,4\nd,5,6\ne,7', {"row": 5, "count": 3, "expected": 2}),
            ("# first\nx;y\n\n1;2\n3;4;5\n6;7\n8;9", {"row": 5, "count": 3, "expected": 2}),
            ("date,price\n2024-01-02,999\n2024-01-03,998\n2024-01-04,1,000", {"row": 4, "count": 3, "expected": 2}),
        ],
    )
    def test_a_row_of_another_length_is_pointed_at(self, text, details):
        error = refused(text)
        assert error.reason == "row" and error.details == details
        assert table(text).first

    def test_a_quotation_mark_that_is_not_closed(self):
        assert refused('x,y\n1,2\n"3,4\n5,6').details == {"row": 3}


class TestHeaders:
    @pytest.mark.parametrize(
        ("text", "header", "names"),
        [
            ("x,y\n1,2", 1, ["x", "y"]),
            ("1.5,2\n3,4", 0, ["1", "2"]),
            ("x,x,x\n1,2,3", 1, ["x", "x (2)", "x (3)"]),
            ("x,,y\n1,2,3", 1, ["x", "2", "y"]),
            (",2\n0.5,1\n", 0, ["1", "2"]),
            (",0\n0,1.5\n1,2.5", 1, ["1", "0"]),
            (",0,1\n2024-01-02,1.5,2\n2024-01-03,2.5,4", 1, ["1 (2)", "0", "1"]),
            (",close\nKR,1.5\nUS,2", 1, ["1", "close"]),
            (",a,a\n,x,y\n0,1.5,2.5\n1,3.5,4.5", 2, ["1", "a / x", "a / y"]),
            (",a,a\n,x,y\nidx,,\n0,1.5,2.5\n1,3.5,4.5", 3, ["idx", "a / x", "a / y"]),
            (
                "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n2024-01-02,1.5,2.5\n2024-01-03,2,3",
                3,
                ["Price / Ticker / Date", "Close / AAPL", "High / AAPL"],
            ),
            ("date,005930,000660\n2024-01-02,70100,1500\n2024-01-03,70200,1600", 1, ["date", "005930", "000660"]),
            ("Prices of a share\ndate,price\n2024-01-02,1.5\n2024-01-03,2", 2, ["Prices of a share / date", "price"]),
            ("# date,price\n2024-01-02,1.5\n2024-01-03,2", 0, ["date", "price"]),
        ],
    )
    def test_are_found(self, text, header, names):
        reading = {"missing": "carry"} if text.startswith(",2") else {}
        read = table(text, **reading)
        if text.startswith(",2"):
            assert read.refusal.reason == "header"
        else:
            assert [c.name for c in read.columns] == names and read.header == header and read.refusal is None

    @pytest.mark.parametrize("first", ["NA", "nan", "", "-", "N/A", "null", "#N/A"])
    def test_a_first_value_that_is_missing_is_none(self, first):
        text = f'"{first}"\n1\n2'
        assert refused(text).reason == "missing" and refused(text).details == {"count": 1, "rows": (1,)}
        assert column(text, missing="drop") == [1, 2]

    @pytest.mark.parametrize(
        "text",
        [
            "0\n1\n0\n1",
            "0,1\n1.5,2.5\n3,4",
            "country,2019,2020\nKR,1.5,2.5\nUS,3,4",
            "a,0\nb,1\nc,2",
            "5,abc\n1,2\n3,4",
            "name,005930\nKR,1\nUS,2",
            ",50\n1,60.5\n2,70.5",
        ],
    )
    def test_numbers_that_may_be_names_are_asked_about(self, text):
        error = refused(text)
        assert error.reason == "header" and error.details["row"] == 1
        rows = len(text.splitlines())
        assert len(column(text, header="1")) == rows - 1
        assert table(text, header="0", missing="drop").rows == rows

    def test_as_many_lines_as_are_said(self):
        text = "about this file\nx,y\n1,2\n3,4\n5,6"
        assert column(text, header="2") == [2, 4, 6] and column(text, header="3") == [4, 6]
        assert refused(text, header="0").reason in ("row", "bad", "separator")
        assert refused("x,y\n1,2", header="9").reason == "none"


class TestMissing:
    @pytest.mark.parametrize(
        "cell", ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "-", ".", "?", "  "]
    )
    def test_values_are_counted_and_named(self, cell):
        text = f"x;y\n1;2\n3;{cell}\n5;6\n7;{cell}"
        read = table(text)
        assert (read.columns[1].missing, read.columns[1].gaps) == (2, (3, 5))
        assert read.refusal.reason == "missing" and read.refusal.details == {"count": 2, "rows": (3, 5)}
        dropped, carried = table(text, missing="drop"), table(text, missing="carry")
        assert (dropped.numbers[:, 0].tolist(), dropped.mended) == ([2, 6], 2)
        assert (carried.numbers[:, 0].tolist(), carried.mended) == ([2, 2, 6, 6], 2)

    def test_nothing_comes_before_the_first(self):
        error = refused("y\nNA\n2\n3", missing="carry")
        assert error.reason == "nothing_before" and error.details == {"row": 2}

    def test_a_gap_where_nothing_is_taken_does_no_harm(self):
        assert column("x,y\n,2\n3,4") == [2, 4]

    def test_of_several_columns_the_whole_row_goes(self):
        read = table("x,y\n1,2\n,4\n5,\n7,8", columns=("x", "y"), missing="drop")
        assert read.numbers.tolist() == [[1, 2], [7, 8]] and read.mended == 2
        read = table("x,y\n1,2\n,4\n5,\n7,8", columns=("x", "y"), missing="carry")
        assert read.numbers.tolist() == [[1, 2], [1, 4], [5, 4], [7, 8]] and read.mended == 2

    @pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "∞", "1e999", "1e31", "-2e30"])
    def test_what_is_infinite_is_not_missing(self, cell):
        error = refused(f"x;y\n1;2\n3;{cell}\n5;6", missing="drop")
        assert error.reason == "infinite" and error.details == {"row": 3, "cell": cell, "column": "y"}
        assert column("y\n1e30\n-1e30") == [1e30, -1e30]

    def test_nothing_is_left(self):
        assert refused("x\nNA\nNA", columns=("1",), header="1", missing="drop").reason in ("none", "column")


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "utf-32"])
    def test_korean_is_read(self, encoding):
        read = table("날짜,종가(원)\n2024-01-02,70100\n2024-01-03,71200\n".encode(encoding))
        assert [c.name for c in read.columns] == ["날짜", "종가(원)"] and read.numbers[:, 0].tolist() == [70100, 71200]

    @pytest.mark.parametrize("words", ["Größe", "Température °C", "año", "Ävläg", "naïve £", "Übermaß"])
    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
    def test_latin_is_not_taken_for_korean(self, words, encoding):
        read = table(f"x;{words}\n1;1,5\n2;2,5".encode(encoding))
        assert read.columns[1].name == words and read.numbers[:, 0].tolist() == [1.5, 2.5]

    @pytest.mark.parametrize("end", ["", "\n", "\x1a"])
    def test_utf_16_without_a_mark(self, end):
        assert column(f"x\n1\n2{end}".encode("utf-16-le")) == [1, 2]
        assert column(f"x\n1\n2{end}".encode("utf-16-be")) == [1, 2]

    @pytest.mark.parametrize(
        "data", [b"\0\1\2\3\xff", b"\xff\xfe\0", bytes(range(256)), b"x\n1\x00\x01\n", b"\x80\x02}q\x00."]
    )
    def test_what_is_no_text_is_no_table(self, data):
        error = refused(data)
        assert error.reason == "text" and "expected CSV, TSV, Excel (XLSX), Parquet or NPY" in str(error)

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
            (b"\x1f\x8b\x08\0\0", "GZIP"),
            (b"%PDF-1.7", "PDF"),
            (b"<html><table><tr><td>1</td></tr></table>", "HTML"),
            (saved(np.savez, a=np.ones(3)), "NPZ"),
            (saved(lambda file: zipfile.ZipFile(file, "w").close()), "ZIP"),
        ],
    )
    def test_another_format_is_named(self, data, what):
        error = refused(data)
        assert error.reason == "format" and error.details == {"what": what}

    @pytest.mark.parametrize("text", ["", "\n\n", "   ", "# nothing\n", "x,y\n", "a word", "a,b\nc,d\n"])
    def test_a_text_without_numbers(self, text):
        assert refused(text).reason == "none"


class TestColumns:
    TEXT = "day,open,close,name\n2024-01-02,1,1.5,a\n2024-01-03,2,2.5,b"

    def test_the_last_one_of_numbers_is_taken(self):
        assert table(self.TEXT).taken == ("close",) and column(self.TEXT) == [1.5, 2.5]

    def test_or_those_that_are_named_in_their_order(self):
        read = table(self.TEXT, columns=("close", "open"))
        assert read.taken == ("close", "open") and read.numbers.tolist() == [[1.5, 1], [2.5, 2]]

    def test_one_that_is_not_there(self):
        error = refused(self.TEXT, columns=("open", "volume"))
        assert error.reason == "column" and error.details == {
            "name": "volume",
            "names": ("day", "open", "close", "name"),
        }

    def test_one_of_words_is_pointed_at(self):
        assert refused(self.TEXT, columns=("name",)).details == {"row": 2, "cell": "a", "column": "name"}

    def test_a_stray_word_does_not_make_it_one_of_words(self):
        assert refused("x,y\n1,2\n3,abc\n5,6").details == {"row": 3, "cell": "abc", "column": "y"}
        assert refused("x,y\n1,abc\n3,4\n5,6").details == {"row": 2, "cell": "abc", "column": "y"}

    def test_the_first_rows_are_as_written(self):
        read = table("x;y\n" + "\n".join(f"{k};{k},50" for k in range(20)))
        assert len(read.first) == 8 and read.first[3] == ("3", "3,50")

    def test_numbers_stay_what_they_are(self):
        text = "t\n" + "\n".join(repr(1.7e9 + 0.5 * k) for k in range(100))
        assert column(text) == [1.7e9 + 0.5 * k for k in range(100)]
        assert column("x\n0.1\n1e-300\n12345678901234567") == [0.1, 1e-300, 12345678901234568]


class TestExcel:
    def test_numbers_dates_and_texts(self):
        data = sheet(["day", "price", "written"], [date(2024, 1, 2), 1.234, "1,5"], [date(2024, 1, 3), 2, "2,5"])
        read = table(data)
        assert [c.kind for c in read.columns] == ["date", "number", "number"] and read.format == "excel"
        assert read.numbers.tolist() == [[1.5], [2.5]] and column(data, columns=("price",)) == [1.234, 2]

    def test_the_first_sheet_that_has_anything(self):
        read = table(sheet(["x"], [5], [6], others=[[]]))
        assert read.sheet == "Sheet1 (2/2)" and read.numbers.tolist() == [[5], [6]]

    @pytest.mark.parametrize("cell", ["#DIV/0!", True, "abc", date(2024, 1, 2)])
    def test_a_cell_that_is_no_number_is_pointed_at(self, cell):
        error = refused(sheet(["x"], [1], [2], [cell], [3]))
        assert error.reason == "bad" and error.details["row"] == 4

    @pytest.mark.parametrize("cell", [None, "#N/A", "=A2+1", ""])
    def test_what_has_no_value_is_missing(self, cell):
        assert refused(sheet(["x", "y"], [1, 1], [2, cell], [3, 3])).details == {"count": 1, "rows": (3,)}

    def test_a_title_and_a_blank_row_above(self):
        data = sheet([], ["Prices of a share"], [], ["day", "price"], [date(2024, 1, 2), 5], [date(2024, 1, 3), 6])
        assert column(data) == [5, 6] and table(data).taken == ("price",)

    def test_marks_in_texts_are_asked_about(self):
        assert refused(sheet(["x"], ["1,234"], ["5,678"])).reason == "decimal"
        assert column(sheet(["x"], ["1,234"], ["5,678"]), decimal="comma") == [1.234, 5.678]


class TestParquet:
    def test_columns_with_an_index_before_them(self):
        frame = pd.DataFrame({"open": [1, 2], "close": [1.5, 2.5]}, index=pd.Index([7, 8], name="n"))
        read = table(saved(lambda file: frame.to_parquet(file)))
        assert [c.name for c in read.columns] == ["n", "open", "close"] and read.taken == ("close",)

    @pytest.mark.parametrize(
        "values",
        [pd.array([1, None, 3], "Int64"), ["1", None, "3"], pd.Categorical(["1", None, "3"]), [1.0, np.nan, 3.0]],
    )
    def test_gaps_of_every_kind(self, values):
        data = saved(lambda file: pd.DataFrame({"x": values}).to_parquet(file))
        assert refused(data).details == {"count": 1, "rows": (2,)} and column(data, missing="drop") == [1, 3]

    def test_a_long_text_said_often_is_there_once(self):
        data = saved(lambda file: pd.DataFrame({"s": ["x" * 10**5] * 10**4, "n": range(10**4)}).to_parquet(file))
        assert len(column(data)) == 10**4


class TestArrays:
    def test_named_fields(self):
        data = saved(np.save, np.array([(1, 2.5), (2, 3.5)], [("x", "i4"), ("y", "f8")]))
        assert column(data) == [2.5, 3.5] and column(data, columns=("x",)) == [1, 2]

    @pytest.mark.parametrize(
        ("array", "reason"),
        [
            (np.ones(3) * 1j, "dtype"),
            (np.ones((2, 2, 2)), "shape"),
            (np.array(1.0), "shape"),
            (np.ones((0, 2)), "none"),
            (np.array([1, np.nan]), "missing"),
            (np.array([1, np.inf]), "infinite"),
            (np.zeros(MOST_ROWS + 1, "u1"), "many"),
            (np.array(["2024-01-01"], "M8[D]"), "none"),
        ],
    )
    def test_others_are_refused(self, array, reason):
        assert refused(saved(np.save, array)).reason == reason

    def test_nothing_is_unpickled(self):
        assert refused(saved(np.save, np.array([print, 1], object), allow_pickle=True)).reason == "dtype"

    def test_a_size_that_is_not_there(self):
        data = saved(np.save, np.ones(100))
        assert refused(data[:-8]).reason == refused(data + b"\0").reason == "damaged"
        assert refused(data.replace(b"(100,)", b"(999999,)")).reason == "damaged"


class TestBounds:
    def test_of_the_file(self):
        error = refused(b"1\n" * (MOST_BYTES // 2 + 1))
        assert error.reason == "large" and error.details == {"most": 32, "size": 33}

    @pytest.mark.parametrize("header", ["", "x\n"])
    @pytest.mark.parametrize("more", [1, 5000])
    def test_of_rows(self, monkeypatch, header, more):
        monkeypatch.setattr(tables, "MOST_ROWS", 100)
        monkeypatch.setattr(grids, "MOST_ROWS", 100)
        assert len(column(header + "1.5\n" * 100)) == 100
        assert refused(header + "1.5\n" * (100 + more)).details["most"] == 100

    def test_of_columns(self):
        assert refused("1," * 5000 + "1\n").reason == "wide"
        read = table(",".join(f"c{k}" for k in range(600)) + "\n" + ",".join(map(str, range(600))))
        assert len(read.columns) == len(read.first[0]) == 257 and read.taken == ("c599",)

    def test_of_numbers(self, monkeypatch):
        monkeypatch.setattr(tables, "MOST_NUMBERS", 5)
        assert refused("x,y\n" + "1,2\n" * 3, columns=("x", "y")).details == {"most": 5, "count": 6}

    @pytest.mark.parametrize("size", [2**30, 2**22])
    def test_of_what_is_unpacked(self, size):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", "")
            archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 2**22)
        data = file.getvalue()
        if size > 2**22:  # only said
            data = data.replace((2**22).to_bytes(4, "little"), size.to_bytes(4, "little"))
        assert refused(data).reason == "large"

    def test_of_what_parquet_says(self):
        wide = pd.DataFrame(np.zeros((MOST_ROWS // 10, 400))).rename(columns=str)
        assert refused(saved(lambda file: wide.to_parquet(file))).reason == "cells"

    def test_a_long_cell_is_cut(self):
        assert len(table("x,y\n" + "a" * 10**5 + ",1").first[0][0]) == 40


class TestAsAJob:
    def test_the_numbers_are_in_its_folder(self, tmp_path):
        made = work(Report(tmp_path), b"x,y\n1,2\n3,4", Reading(columns=("x", "y")))
        assert made.numbers is None and made.refusal is None and made.taken == ("x", "y")
        assert np.load(tmp_path / "numbers.npy").tolist() == [[1, 2], [3, 4]]

    def test_a_refusal_is_an_answer(self, tmp_path):
        assert work(Report(tmp_path), b"\0\1", Reading()).reason == "text"
        made = pickle.loads(pickle.dumps(work(Report(tmp_path), b"p\n1,234", Reading())))
        assert made.refusal.reason == "decimal" and made.refusal.details == {"piece": "1,234", "row": 2}
        assert not (tmp_path / "numbers.npy").exists()

    def test_it_is_small_enough_to_be_answered(self, tmp_path):
        names = ",".join(f"{'가' * 80}{k}" for k in range(4000))
        data = "\n".join([names, *[",".join(["a" * 90] * 3999 + ["1"])] * 9]).encode()
        assert len(pickle.dumps(work(Report(tmp_path), data, Reading()))) < MOST / 4


def test_take_raises_what_is_refused():
    assert take(b"x\n1\n2").tolist() == [[1], [2]]
    with pytest.raises(Unreadable, match="expected a number in column 'x', but row 3 has 'b': correct or drop it"):
        take(b"x\n1\nb")


def test_a_reading_is_plain_settings():
    kinds = {field.name: field.metadata["kind"] for field in fields(Reading)}
    assert all(isinstance(kind, Choice | Names) for kind in kinds.values())
    written = {name: kind.write(getattr(Reading(columns=("a, b", "c")), name)) for name, kind in kinds.items()}
    assert Reading(**{name: kinds[name].read(text) for name, text in written.items()}) == Reading(columns=("a, b", "c"))


@pytest.mark.parametrize("missing", ["pandas", "openpyxl", "pyarrow"])
def test_a_library_that_is_missing_is_named(missing):
    files = {
        "pandas": b"x\n1",
        "openpyxl": sheet(["x"], [1]),
        "pyarrow": saved(lambda file: pd.DataFrame({"x": [1]}).to_parquet(file)),
    }
    code = f"""
import sys
sys.modules[{missing!r}] = None
import explorer.inputs.tables as tables
try:
    tables.look({files[missing]!r})
except tables.Unreadable as error:
    print(error.reason, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("pandas reading ") and f"pip install {missing}" in done.stdout
