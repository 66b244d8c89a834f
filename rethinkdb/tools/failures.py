"""The errors of the tools."""

from __future__ import annotations

from typing import NamedTuple


class ToolError(Exception):
    """A tool cannot do what was asked. The text is one line, and says what is wrong and where.

    Args:
        text: what is wrong, and what to do.
        status: the exit status of a command that ends with this error: 1 if the work failed, 2 if
            the arguments are wrong.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Place(NamedTuple):
    """A position in a file.

    Attributes:
        file: the name of the file. For a file in an archive: `ARCHIVE:NAME`.
        line: the number of the line, from 1.
        offset: the number of the byte, from 0, in the uncompressed data.
    """

    file: str
    line: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, byte {self.offset}"


class BadRow(NamedTuple):
    """A row that cannot be restored or imported.

    Attributes:
        place: the position of the row.
        reason: what is wrong with it.
        text: the text of the row in the file.
        refused: whether the server refused the row. If false, the text is not a valid row.
    """

    place: Place
    reason: str
    text: bytes
    refused: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class BadRowError(ToolError):
    """A row cannot be restored or imported, and the work has ended.

    Args:
        row: the row.
    """

    def __init__(self, row: BadRow) -> None:
        super().__init__(f"{row}. That ended the work; --skip-bad FILE leaves such rows out")
        self.row = row
