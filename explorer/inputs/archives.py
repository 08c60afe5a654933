"""Tables that are no text: sheets of Excel, Parquet, NPY. What they say of their size is looked at before all else.

The libraries that read them raise anything of a file that is damaged, so anything counts as that.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from explorer.inputs.cells import DATE, MISSING, NUMBER, Cell, kinds, values
from explorer.inputs.decoding import other
from explorer.inputs.grids import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, Grid, grid, many, wide
from explorer.inputs.unreadable import Unreadable

UNPACKED = 2**29  # bytes that an archive may say it has
LONGEST_CELL = 200  # letters of a text that are kept
RATIO = 400  # times that it may be larger than its file, beyond the first MiB


@contextmanager
def _damaged(what: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of what openpyxl does not support, such as colours
            yield
    except (Unreadable, MemoryError):
        raise
    except ImportError as error:
        raise Unreadable("pandas", f"reading {what} needs {error.name}: pip install {error.name}") from None
    except Exception as error:
        message = f"expected a file of {what}, but this one is damaged or of a kind that is not read: save it as CSV"
        raise Unreadable("damaged", message, what=what) from error


def _unpacked(size: int, packed: int) -> None:
    """Raises Unreadable if so many bytes are too many to unpack."""
    if size > UNPACKED or size > 2**20 + RATIO * packed:
        most, mib = UNPACKED >> 20, -(-size >> 20)
        message = f"expected a file that unpacks to at most {most} MiB, but it has {mib}: keep a part of it"
        raise Unreadable("large", message, most=most, size=mib)


def _cells(rows: int, columns: int) -> None:
    """Raises Unreadable if these are too many."""
    if rows > MOST_ROWS:
        raise many(rows)
    if columns > MOST_COLUMNS:
        raise wide(columns)
    if rows * columns > MOST_CELLS:
        message = f"expected at most {MOST_CELLS} cells, but there are {rows * columns}: keep a part of them"
        raise Unreadable("cells", message, most=MOST_CELLS, count=rows * columns)


# Excel


def excel(data: bytes) -> tuple[Grid, str]:
    """The first sheet that has anything, and its name."""
    with _damaged("Excel"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            names = {info.filename for info in infos}
            if "xl/workbook.xml" not in names:
                raise other(
                    "XLSB"
                    if "xl/workbook.bin" in names
                    else "ODS"
                    if "mimetype" in names
                    else "NPZ"
                    if any(name.endswith(".npy") for name in names)
                    else "ZIP"
                )
            _unpacked(sum(info.file_size for info in infos), len(data))
        import openpyxl

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = book.worksheets
        for place, sheet in enumerate(sheets, start=1):
            rows = _rows(sheet)
            if rows:
                return grid(lambda rows=rows: iter(rows)), f"{sheet.title} ({place}/{len(sheets)})"
        raise Unreadable("none", "expected a column of numbers, but there is nothing in it")


def _rows(sheet) -> list[tuple[int, list[Cell]]]:
    """The rows of a sheet from the first that has anything to the last."""
    sheet.reset_dimensions()  # what it says of them may be wrong
    rows, last, count = [], 0, 0
    for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if line > MOST_ROWS + 100:
            raise many(line)
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            last = len(rows) + 1
        elif not rows:
            continue
        count += len(cells)
        _cells(1, len(cells))
        if count > MOST_CELLS // 4:
            _cells(2, MOST_CELLS)
        rows.append((line, cells))
    width = max((len(cells) for _, cells in rows), default=0)
    return [(line, cells + [None] * (width - len(cells))) for line, cells in rows[:last]]


# columns that have a type


@dataclass(eq=False)
class Columns(Grid):
    """A grid whose columns are arrays, or lists of cells."""

    columns: tuple = ()

    def row(self, at: int) -> list[Cell]:
        return [_cell(column[at]) for column in self.columns]

    def numbers(self, columns: list[int], decimal: str, start: int) -> np.ndarray:
        made = np.empty((len(self.lines) - start, len(columns)))
        for place, column in enumerate(columns):
            cells = self.columns[column][start:]
            if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
                made[:, place] = cells
            else:
                made[:, place] = values(cells, self.kinds[start:, column], decimal)
        return made


def _cell(cell) -> Cell:
    return cell.item() if isinstance(cell, np.generic) and cell.dtype.kind != "M" else cell


def _columns(columns: list) -> Columns:
    rows = len(columns[0])
    found = np.empty((rows, len(columns)), np.uint8)
    for place, column in enumerate(columns):
        if not isinstance(column, np.ndarray):
            found[:, place] = kinds(column)
        elif column.dtype.kind in "Mm":
            found[:, place] = np.where(np.isnat(column), MISSING, DATE)
        elif column.dtype.kind == "f":
            found[:, place] = np.where(np.isnan(column), MISSING, NUMBER)
        else:
            found[:, place] = NUMBER
    lines = np.arange(1, rows + 1)
    head = [[_cell(column[at]) for column in columns] for at in range(min(rows, 24))]
    return Columns(lambda: (), found, lines, head, columns=tuple(columns))


def npy(data: bytes) -> tuple[Grid, list[str]]:
    """An array (rows,) or (rows, columns), or one with named fields; and the names."""
    with _damaged("NPY"):
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, fortran, dtype = read.get(version, read[2, 0])(file)
        _dtype(dtype)
        if len(shape) not in (1, 2) or (dtype.names and len(shape) != 1):
            message = f"expected an array of one or two dimensions, but its shape is {shape}"
            raise Unreadable("shape", message, shape=str(shape)[:40])
        rows, columns = shape[0], shape[1] if len(shape) == 2 else len(dtype.names or [0])
        _cells(rows, columns)
        count = rows * (columns if not dtype.names else 1)
        if not count:
            raise Unreadable("none", "expected a column of numbers, but there is nothing in it")
        if count * dtype.itemsize != len(data) - file.tell():
            raise ValueError("the file has another size than it says")
        array = np.frombuffer(data, dtype, count, file.tell()).reshape(shape, order="F" if fortran else "C")
        if dtype.names:
            made, names = [array[name] for name in dtype.names], list(dtype.names)
        else:
            made = list(array.T) if array.ndim == 2 else [array]
            names = [str(place + 1) for place in range(columns)]
        return _columns([column.tolist() if column.dtype.kind in "SU" else column for column in made]), names


def _dtype(dtype: np.dtype) -> None:
    for each in [dtype[name] for name in dtype.names] if dtype.names else [dtype]:
        if each.kind not in "biufMmU" or (each.kind == "f" and each.itemsize > 8 and each != np.longdouble):
            message = f"expected an array of numbers, but its dtype is {str(dtype)[:40]}"
            raise Unreadable("dtype", message, dtype=str(dtype)[:40])


# Parquet


def parquet(data: bytes) -> tuple[Grid, list[str]]:
    """The columns of a Parquet file, an index first, and their names."""
    with _damaged("Parquet"):
        import pyarrow.parquet

        limits = {"thrift_string_size_limit": 2**24, "thrift_container_size_limit": 2**20}
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True, **limits)
        schema, described = file.schema_arrow, file.metadata
        _cells(described.num_rows, described.num_columns)
        # not by column: of one that is damaged, pyarrow ends the process
        _unpacked(sum(described.row_group(at).total_byte_size for at in range(described.num_row_groups)), len(data))
        index = [name for name in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)]
        order = sorted(range(len(schema)), key=lambda place: schema.names[place] not in index)
        if not described.num_rows or not order:
            raise Unreadable("none", "expected a column of numbers, but there is nothing in it")
        texts = [name for name, kind in zip(schema.names, schema.types) if _is_text(kind)]
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data), read_dictionary=texts, **limits)
        table = file.read(use_threads=False)
        columns = [_from_arrow(table.column(place)) for place in order]
        names = ["index" if (name := schema.names[p]).startswith("__index_level_") else name for p in order]
        return _columns(columns), names


def _from_arrow(column):
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.to_numpy().astype(float)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).to_numpy()
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64()).to_numpy()
    if pa.types.is_boolean(kind):
        return [None if cell is None else bool(cell) for cell in column.to_pylist()]
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return [cell for chunk in column.chunks for cell in _repeated(chunk)]
    return [cell and "(…)" for cell in column.is_valid().to_pylist()]


def _is_text(kind) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _repeated(chunk) -> list[str | None]:
    """The texts of a dictionary of them, each of which is there once, however often it is repeated."""
    texts = [text and text[:LONGEST_CELL] for text in chunk.dictionary.to_pylist()]
    return [None if at is None else texts[at] for at in chunk.indices.to_pylist()]
