"""What the tools raise."""

from __future__ import annotations

from typing import NamedTuple


class ToolError(Exception):
    """A tool cannot do what it was told. The text, one line, says what is wrong and where.

    Args:
        text: what is wrong, and what to do.
        status: the exit status of a command that ends so: 1 it failed, 2 it was called wrongly.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Place(NamedTuple):
    """Where in a file something is.

    Attributes:
        file: its name; for a file in an archive `ARCHIVE:NAME`.
        line: counted from 1.
        offset: counted in bytes from 0, before compression.
    """

    file: str
    line: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, byte {self.offset}"


class BadRow(NamedTuple):
    """A row that cannot be restored or imported.

    Attributes:
        place: where it is.
        reason: what is wrong with it.
        text: the row as it stands in the file.
        refused: the server has refused it; else it is no row at all.
    """

    place: Place
    reason: str
    text: bytes
    refused: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class BadRowError(ToolError):
    """A row that cannot be restored or imported ended the tool.

    Args:
        row: the row.
    """

    def __init__(self, row: BadRow) -> None:
        super().__init__(f"{row}. That ended the work; --skip-bad FILE leaves such rows out")
        self.row = row
