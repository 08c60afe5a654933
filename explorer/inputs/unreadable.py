"""Why something that was brought cannot be read."""

from __future__ import annotations


class Unreadable(ValueError):
    """Why a table, or what was asked of it, cannot be had: `reason` names the sentence, with its `details`."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details

    def __reduce__(self):
        return _unreadable, (self.reason, str(self), self.details)


def _unreadable(reason: str, message: str, details: dict) -> Unreadable:
    return Unreadable(reason, message, **details)


def no_table() -> Unreadable:
    message = "this is no table that can be read: expected CSV, TSV, Excel (XLSX), Parquet or NPY"
    return Unreadable("text", message)
