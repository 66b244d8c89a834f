"""Which reader reads which format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from rethinkdb.tools.csvrows import CsvOptions, CsvRows
from rethinkdb.tools.rows import Found, JsonRows, Limits

__all__ = ["RowReader", "reader_for"]


class RowReader(Protocol):
    """Reads the rows of a file, piece by piece."""

    def feed(self, data: bytes) -> Iterator[Found]:
        """The next piece of the file; gives the rows that are complete."""

    def finish(self) -> Iterator[Found]:
        """The file is at its end; gives the last rows."""


def reader_for(
    format: str, file: str, limits: Limits | None = None, csv: CsvOptions | None = None
) -> RowReader:
    """A reader of a format.

    Args:
        format: one of `layout.FORMATS`.
        file: what errors call the file.
        limits: what a row may be.
        csv: how CSV is laid out.
    """
    if format == "csv":
        return CsvRows(file, csv, limits)
    return JsonRows(file, limits)
