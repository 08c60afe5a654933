"""Files of one format, spoiled in many ways, each read within bounds: `python -m tests.inputs.fuzz csv 200 1`.

Prints the seed of each file before it is read, so that the last one printed is the one that a crash is due to, and
what became of all of them at the end.
"""

import io
import resource
import signal
import sys
import zipfile
from collections import Counter

import numpy as np
import pandas as pd

from explorer.inputs.tables import Reading, Table, Unreadable, look

MEMORY, SECONDS = 2**30, 20


def frame(rng) -> pd.DataFrame:
    rows = int(rng.integers(1, 40))
    columns = {
        "date": pd.date_range("2024-01-02", periods=rows),
        "price, won": rng.integers(1000, 10**6, rows),
        "change": rng.normal(size=rows).round(3),
        "이름": [f"a{k}" for k in range(rows)],
    }
    made = pd.DataFrame(columns)
    return made[list(rng.permutation(made.columns))[: rng.integers(1, 5)]]


def csv(rng) -> bytes:
    decimal = str(rng.choice([".", ","]))
    text = frame(rng).to_csv(index=bool(rng.integers(2)), sep=str(rng.choice([",", ";", "|"])), decimal=decimal)
    return text.encode(str(rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp949"])))


def tsv(rng) -> bytes:
    return frame(rng).to_csv(index=bool(rng.integers(2)), sep="\t", quoting=int(rng.integers(3))).encode()


def xlsx(rng) -> bytes:
    file = io.BytesIO()
    frame(rng).to_excel(file, index=bool(rng.integers(2)))
    return file.getvalue()


def parquet(rng) -> bytes:
    file = io.BytesIO()
    compression = str(rng.choice(["snappy", "gzip", "zstd", "none"]))
    frame(rng).to_parquet(file, index=bool(rng.integers(2)), compression=None if compression == "none" else compression)
    return file.getvalue()


def npy(rng) -> bytes:
    file = io.BytesIO()
    dtype = str(rng.choice(["f8", "f4", ">i2", "u1", "?", "U5", "c16", "M8[D]", "f2"]))
    shape = [(7,), (5, 3), (2, 2, 2), (0,), ()][rng.integers(5)]
    np.save(file, np.asarray(rng.integers(0, 100, shape)).astype(dtype))
    return file.getvalue()


def spoiled(data: bytes, rng) -> bytes:
    """A few bytes changed, cut out, put in or repeated."""
    made = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = int(rng.integers(0, len(made) + 1))
        to = min(len(made), at + int(rng.choice([1, 1, 2, 4, 8, 40])))
        match rng.choice([0, 0, 0, 1, 2, 3, 4, 4, 5, 6]):
            case 0:
                made[at:to] = rng.bytes(to - at)
            case 1:
                del made[at:to]
            case 2:
                made[at:at] = rng.bytes(int(rng.integers(1, 9)))
            case 3:
                made[at:at] = made[at:to] * int(rng.integers(1, 50))
            case 4:
                made[at:to] = bytes([rng.choice([0, 0x7F, 0x80, 0xFF])]) * (to - at)
            case 5:
                made[at:at] = [b'"', b",", b";", b"\t", b"\r", b"\n", b"#", b"9" * 400, b"1e999", b"\0"][
                    rng.integers(10)
                ]
            case 6:
                del made[at:]
        made = made or bytearray(b"\0")
    return bytes(made)


def within(data: bytes, rng) -> bytes:
    """The same done to a file of an archive, which then is one again."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = names[rng.integers(len(names))]
        for name in names:
            new.writestr(name, spoiled(old.read(name), rng) if name == chosen else old.read(name))
    return made.getvalue()


def file(kind: str, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    data = {"csv": csv, "tsv": tsv, "xlsx": xlsx, "parquet": parquet, "npy": npy}[kind](rng)
    return within(data, rng) if kind == "xlsx" and rng.integers(2) else spoiled(data, rng)


def main(kind: str, count: int, first: int):
    files = ((seed, file(kind, seed)) for seed in range(first, first + count))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    became = Counter()
    for seed, data in files:
        print(seed, end=" ", flush=True)
        signal.alarm(SECONDS)  # ends the process
        for reading in (Reading(), Reading(missing="drop", separator="comma", decimal="point", header="1")):
            try:
                table = look(data, reading)
            except Unreadable as error:
                became[error.reason] += 1
            else:
                assert isinstance(table, Table) and (table.numbers is None) == (table.refusal is not None)
                assert table.numbers is None or np.isfinite(table.numbers).all()
                became[table.refusal.reason if table.refusal else "read"] += 1
        signal.alarm(0)
    print("\n", dict(became))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
