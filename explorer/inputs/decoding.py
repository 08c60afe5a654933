"""From bytes to what they are: the format by its first bytes, a text by its encoding."""

from __future__ import annotations

import re

from explorer.inputs.unreadable import Unreadable, no_table

MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
OTHERS = {
    b"\xd0\xcf\x11\xe0": "XLS",
    b"\x1f\x8b": "GZIP",
    b"BZh": "BZIP2",
    b"\xfd7zXZ": "XZ",
    b"7z\xbc\xaf": "7Z",
    b"%PDF": "PDF",
    b"\x89HDF": "HDF5",
    b"\x93NUMPY": "NPY",
    b"ARROW1": "Arrow",
    b"FEA1": "Feather",
    b"SQLite format 3": "SQLite",
    b"MATLAB 5.0": "MAT",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"{\\rtf": "RTF",
}
MARKUP = re.compile(rb"\s*<(!doctype html|html|\?xml|table|head|meta|body)", re.I)
CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f]")  # no text has them


def format_of(data: bytes) -> str:
    """ "text", "parquet", "npy", or "zip", which Excel's files are. Raises Unreadable for what is something else."""
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for first, what in OTHERS.items():
        if data.startswith(first):
            raise other(what)
    if MARKUP.match(data[:1000].removeprefix(b"\xef\xbb\xbf")):
        raise other("HTML")
    return "text"


def other(what: str) -> Unreadable:
    message = f"expected CSV, TSV, XLSX, Parquet or NPY, but this is a file of the format {what}: save it as CSV"
    return Unreadable("format", message, what=what)


def decoded(data: bytes) -> tuple[str, str]:
    """A text and its encoding. Raises Unreadable if it is none."""
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding).rstrip("\x1a")  # the end of a file in DOS
        except UnicodeError:
            continue
        if encoding == "cp949" and not _korean(text):
            continue
        if CONTROL.search(text):
            break
        return text.removeprefix("\ufeff"), encoding
    raise no_table()


def _encodings(data: bytes) -> tuple[str, ...]:
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return (encoding,)
    even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
    if max(even, odd) > min(len(data), 4096) / 5 and max(even, odd) > 3 * min(even, odd):  # digits in UTF-16
        return ("utf-16-be" if even > odd else "utf-16-le",)
    return "utf-8", "cp949", "cp1252", "latin-1"


def _korean(text: str) -> bool:
    """Whether what was read as CP949 is Korean: most Hangul are those in use, and there are more of them than Hanja."""
    hangul = "".join(re.findall("[가-힣]+", text))
    usual = len(hangul.encode("euc_kr", "ignore")) // 2
    return 2 * usual > len(hangul) >= sum(map(len, re.findall("[\u4e00-\u9fff\uf900-\ufaff]+", text)))
