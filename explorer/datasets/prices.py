"""Weekly share prices of six companies, 2018 and 2019: prices.csv.

The file is `plotly.data.stocks` of plotly.py 7.1 (Plotly, Inc., MIT licence), unchanged.

Each price is relative to the company's first week, less 1, so that every series starts at 0. There are 105 weeks;
a longer sequence goes on with the next company. Several inputs start at one company each.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from explorer.datasets.base import Dataset, padded


@cache
def table() -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Weeks, companies and prices (weeks, companies)."""
    header, *rows = csv.reader(Path(__file__).with_name("prices.csv").read_text(encoding="utf-8").splitlines())
    return tuple(row[0] for row in rows), tuple(header[1:]), np.array([row[1:] for row in rows], float)


@cache
def chain() -> tuple[tuple[str, ...], np.ndarray]:
    """The names of all weeks of all companies, one company after the other, and the numbers (weeks, first company)."""
    weeks, companies, prices = table()
    twice = np.concatenate([prices, prices], axis=1).T - 1
    values = np.stack([twice[k : k + len(companies)].ravel() for k in range(len(companies))], axis=1)
    return tuple(f"{company} {week}" for company in companies for week in weeks), values


def draw(T, D, seed, numbers):
    steps, values = chain()
    return padded(values[:, :D], steps, table()[1][:D], T)


DATASET = Dataset("prices", widths=(1, 6, 1), draw=draw)
