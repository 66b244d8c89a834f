"""Chooses the reader for a format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from rethinkdb.tools.csvrows import CsvOptions, CsvRows
from rethinkdb.tools.rows import Found, JsonRows, Limits

__all__ = ["RowReader", "reader_for"]


class RowReader(Protocol):
    """Reads the rows of a file, piece by piece."""

    def feed(self, data: bytes) -> Iterator[Found]:
        """Takes the next piece of the file, and gives the rows that are complete now."""

    def finish(self) -> Iterator[Found]:
        """Marks the end of the file, and gives the last rows."""


def reader_for(
    format: str, file: str, limits: Limits | None = None, csv: CsvOptions | None = None
) -> RowReader:
    """A reader of a format.

    Args:
        format: one of `layout.FORMATS`.
        file: the name of the file in errors.
        limits: the limits of a row.
        csv: the layout of CSV.
    """
    if format == "csv":
        return CsvRows(file, csv, limits)
    return JsonRows(file, limits)
