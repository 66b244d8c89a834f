"""Reads rows from the text of a file, piece by piece. No I/O.

A JSON file holds an array of objects, or objects with only white space between them. Usually each
row has its own line. Then a block of lines is checked once by a fast parser, and used unchanged:
2.5 µs for a row of 270 bytes. Everything else (rows over several lines, several rows on a line, bad
rows) is read row by row. After a bad row, reading continues at the next line that begins like a
row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from rethinkdb.tools.failures import BadRow, Place
from rethinkdb.tools.rowtext import (
    MAX_DEPTH,
    MAX_SIZE,
    Limits,
    are_rows,
    each_is_row,
    parsed,
    row_end,
)

__all__ = ["MAX_DEPTH", "MAX_SIZE", "Found", "JsonRows", "Limits", "Row", "RowGroup", "parsed"]

_BLOCK = 512 * 1024
_MOST_ROWS = 2_000  # in a group that was put together row by row


class Row(NamedTuple):
    """A row, and where it stands."""

    place: Place
    text: bytes


class RowGroup(NamedTuple):
    """Rows that follow each other in a file.

    Attributes:
        text: the rows, with commas between them.
        number: the number of rows.
        source: the lines of the file, if each holds one row; otherwise the rows.
        place: the position of the first row.
    """

    text: bytes
    number: int
    source: bytes | list[Row]
    place: Place

    def rows(self) -> Iterator[Row]:
        """The rows one by one."""
        if not isinstance(self.source, bytes):
            yield from self.source
            return
        file, line, offset = self.place
        for text in self.source.split(b"\n"):
            yield Row(Place(file, line, offset), text.rstrip(b"\r ,"))
            line += 1
            offset += len(text) + 1

    @classmethod
    def of(cls, rows: list[Row]) -> RowGroup:
        """A group of rows. There must be at least one."""
        return cls(b",".join(row.text for row in rows), len(rows), rows, rows[0].place)


Found: TypeAlias = "RowGroup | BadRow"
"""The items that row readers give."""

_SPACE = re.compile(rb"[ \t\r\n]*")
_ROW_BEGINS = re.compile(rb"\n[ \t]*(?=\{)")
_ON_ONE_LINE = re.compile(rb"\}[ \t]*,[ \t]*\{")
_BOM = b"\xef\xbb\xbf"


class JsonRows:
    """Reads JSON: an array of objects, or objects one after the other (NDJSON).

    Args:
        file: the file's name.
        limits: what a row may be.
    """

    def __init__(self, file: str, limits: Limits | None = None) -> None:
        self._file = file
        self._limits = limits or Limits()
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = len(_BOM)
        self._line = 1
        self._offset = 0
        self._in_array: bool | None = None  # not known before the first character
        self._separated = True  # a row may begin here
        self._ended = False
        self._skipping = False  # there is no telling where the next row begins
        self._line_begun = False  # a line has begun since the last bad row
        self._told_end = False
        self._slowly_until = 0  # in the lines before this offset is something that needs a look
        self._rows: list[Row] = []
        self._rows_size = 0

    def feed(self, data: bytes) -> Iterator[Found]:
        """Takes the next piece of the file, and gives the rows that are complete now."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= self._wanted:
            yield from self._read(final=False)

    def finish(self) -> Iterator[Found]:
        """Marks the end of the file, and gives the last rows."""
        yield from self._read(final=True)
        yield from self._flushed()
        if self._in_array and not self._ended and not self._skipping:
            yield BadRow(self._place(), "the file ends before the array does: ] is missing", b"")

    # -- the text at hand

    def _read(self, *, final: bool) -> Iterator[Found]:
        pieces, self._pieces = self._pieces, []
        text = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        del pieces  # a row may be large
        at = 0
        while True:
            at = self._skip_separators(text, at)
            if at == len(text):
                break
            end = yield from self._take(text, at, final)
            if end is None:
                break
            at = end
        rest = text[at:]
        self._pieces = [rest]
        self._size = len(rest)
        # A long row is checked again when twice as much of it has come, not at each piece.
        self._wanted = 2 * self._size if self._size > _BLOCK else self._size + 1

    def _take(self, text: bytes, at: int, final: bool) -> Any:
        """Gives rows, or a bad one; returns where the next one begins, None if more is needed."""
        if self._ended:
            if not self._told_end:
                yield BadRow(self._place(), "there is text after the end of the array", text[at:])
            self._told_end = True
            self._move(text, at, len(text))
            return len(text)
        if self._skipping or not self._separated:
            return (yield from self._resynchronised(text, at, final))
        block = self._block(text, at, final) if self._offset >= self._slowly_until else None
        if block is not None:
            yield from self._flushed()
            yield block
            size = len(block.source)
            self._line += block.number - 1
            self._offset += size
            self._separated = not self._in_array  # the comma is still to come
            return at + size
        return (yield from self._take_row(text, at, final))

    def _skip_separators(self, text: bytes, at: int) -> int:
        begin = at
        if self._offset == 0 and text.startswith(_BOM):
            at += len(_BOM)
        while True:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            mark = text[at : at + 1]
            if self._in_array is None and mark:
                self._in_array = mark == b"["
                if self._in_array:
                    at += 1
                    continue
            if mark == b"," and self._in_array and not self._separated:
                self._separated = True
            elif mark == b"]" and self._in_array and not self._ended:
                self._ended = True
            else:
                break
            at += 1
        self._move(text, begin, at)
        return at

    def _block(self, text: bytes, at: int, final: bool) -> RowGroup | None:
        """As many lines as can be used unchanged; None if there are none."""
        closing, between = (b"},\n", b"},\n{") if self._in_array else (b"}\n", b"}\n{")
        end = text.rfind(closing, at, at + _BLOCK) + 1
        if end <= at:
            return None
        end = self._with_last_row(text, end, final)
        self._slowly_until = self._offset + end - at
        source = text[at:end]
        lines = source.count(b"\n")
        if source.count(between) != lines or b"\r" in source:
            return None
        rows = source if self._in_array else source.replace(b"\n", b",")
        if not are_rows(rows, lines + 1, self._limits):
            return None
        # Several rows on one line, and one row on several lines, could give the right count.
        if _ON_ONE_LINE.search(source) and not each_is_row(source):
            return None
        return RowGroup(rows, lines + 1, source, self._place())

    def _with_last_row(self, text: bytes, end: int, final: bool) -> int:
        """Where the block ends, with the last row of the file, which looks different."""
        begin = end + (2 if self._in_array else 1)
        if len(text) - begin > _BLOCK:
            return end
        if self._in_array:
            last = text.find(b"}\n]", begin) + 1
            return last if last and text.find(b"\n", begin) == last else end
        is_last = final and text.endswith(b"}") and text.find(b"\n", begin) < 0
        return len(text) if is_last else end

    # -- row by row

    def _take_row(self, text: bytes, at: int, final: bool) -> Any:
        line_end = text.find(b"\n", at)
        end = self._linerow_end(text, at, line_end)
        problem: str | None = None
        if end is None:
            end, problem = row_end(text, at)
        if end is None:
            too_long = len(text) - at > self._limits.size
            if (problem is None or line_end < 0) and not final and not too_long:
                return None  # there is more to see of it
            if problem is None and too_long:
                problem = self._too_long()
            bad_end = len(text) if line_end < 0 else line_end
            problem = problem or "the file ends in the middle of this row"
            return (yield from self._bad(text, at, bad_end, problem))
        row = text[at:end]
        _, problem = parsed(row, self._limits)
        if problem is not None:
            return (yield from self._bad(text, at, end, problem, whole=True))
        self._rows.append(Row(self._place(), row))
        self._rows_size += len(row)
        self._move(text, at, end)
        self._separated = not self._in_array
        if len(self._rows) >= _MOST_ROWS or self._rows_size >= _BLOCK:
            yield from self._flushed()
        return end

    def _linerow_end(self, text: bytes, at: int, line_end: int) -> int | None:
        """The end of the row, if the row is alone on its line, as most rows are."""
        if line_end < 0:
            return None
        row = text[at:line_end].rstrip(b"\r ,")
        return None if parsed(row, self._limits)[1] else at + len(row)

    def _too_long(self) -> str:
        return f"the row has more than {self._limits.size} bytes (see --max-document-size)"

    def _bad(self, text: bytes, at: int, end: int, problem: str, whole: bool = False) -> Any:
        yield from self._flushed()
        yield BadRow(self._place(), problem, text[at:end].rstrip(b"\r\n ,"))
        self._move(text, at, end)
        self._separated = not self._in_array
        self._skipping = not whole
        self._line_begun = False
        return end

    def _resynchronised(self, text: bytes, at: int, final: bool) -> Any:
        """Where the next row begins, after a bad one, or where no comma is between two."""
        if not self._skipping:
            problem = (
                "a comma is missing before this row"
                if text[at:].startswith(b"{")
                else ("there is something that is no comma between two rows")
            )
            yield from self._flushed()
            yield BadRow(self._place(), problem, text[at : at + 200].split(b"\n", 1)[0])
            self._skipping = True
            self._line_begun = False
        # The line of the bad row has already been reported.
        fresh = self._line_begun and text[at : at + 1] == b"{"
        found = at if fresh else self._next_beginning(text, at)
        if found is None and not final:
            return None
        end = len(text) if found is None else found
        self._move(text, at, end)
        if found is not None:
            self._skipping = False
            self._separated = True
        return end

    @staticmethod
    def _next_beginning(text: bytes, at: int) -> int | None:
        found = _ROW_BEGINS.search(text, at)
        return found.end() if found else None

    # -- positions

    def _place(self) -> Place:
        return Place(self._file, self._line, self._offset)

    def _move(self, text: bytes, begin: int, end: int) -> None:
        lines = text.count(b"\n", begin, end)
        self._line += lines
        self._line_begun = self._line_begun or lines > 0
        self._offset += end - begin

    def _flushed(self) -> Iterator[RowGroup]:
        if self._rows:
            rows, self._rows, self._rows_size = self._rows, [], 0
            yield RowGroup.of(rows)
