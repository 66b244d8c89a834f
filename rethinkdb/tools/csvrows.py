"""Reads and writes rows as CSV. No I/O."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rethinkdb.tools.failures import BadRow, Place, ToolError
from rethinkdb.tools.rows import Found, Limits, Row, RowGroup

__all__ = ["CsvOptions", "CsvRows", "csv_line", "delimiter_of"]

_MOST_ROWS = 2_000
_MOST_SIZE = 512 * 1024
_BOM = "\ufeff"


class CsvOptions:
    """The layout of a CSV file to read.

    Args:
        delimiter: the character between fields. None: a comma.
        header: whether the first line holds the names of the fields.
        names: the names of the fields. They replace the header, or are needed if there is none.
    """

    def __init__(
        self,
        delimiter: str | None = None,
        *,
        header: bool = True,
        names: Sequence[str] | None = None,
    ) -> None:
        self.delimiter = delimiter_of(delimiter)
        self.header = header
        self.names = names
        if not header and not names:
            raise ToolError(
                "--no-header needs --custom-header: without names there are no fields", status=2
            )


def delimiter_of(text: str | None) -> str:
    r"""The delimiter that an option stands for: one character, or `\t` for a tab."""
    found = {None: ",", "\\t": "\t"}.get(text, text)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n':
        raise ToolError(f"the delimiter {text!r} is not one character, or \\t for a tab", status=2)
    return found


class CsvRows:
    """Reads CSV piece by piece. All values are strings. An empty value means: no such field.

    Args:
        file: the file's name.
        options: the layout of the file.
        limits: the limits of a row.
        fields: the fields to keep. None: all.
    """

    def __init__(
        self,
        file: str,
        options: CsvOptions | None = None,
        limits: Limits | None = None,
        fields: Iterable[str] | None = None,
    ) -> None:
        self._file = file
        self._options = options or CsvOptions()
        self._limits = limits or Limits()
        self._fields = None if fields is None else frozenset(fields)
        self._names: list[str] | None = None
        self._rest = b""
        self._wanted = 1
        self._line = 1
        self._offset = 0
        self._skipping = False  # the rest of a line that is too long
        self._rows: list[Row] = []
        self._size = 0
        csv.field_size_limit(max(csv.field_size_limit(), self._limits.size))

    def feed(self, data: bytes) -> Iterator[Found]:
        """Takes the next piece of the file, and gives the rows that are complete now."""
        self._rest += data
        if len(self._rest) >= self._wanted:
            yield from self._read(final=False)

    def finish(self) -> Iterator[Found]:
        """Marks the end of the file, and gives the last rows."""
        yield from self._read(final=True)
        yield from self._flushed()

    def _read(self, *, final: bool) -> Iterator[Found]:
        text, at = self._rest, 0
        while at < len(text):
            end = self._record_end(text, at, final)
            if end is None:
                break
            if not self._skipping:
                yield from self._take(text[at:end])
            self._skipping = text[end - 1 : end] != b"\n"
            self._line += text.count(b"\n", at, end)
            self._offset += end - at
            at = end
        self._rest = text[at:]
        self._wanted = 2 * len(self._rest) if len(self._rest) > _MOST_SIZE else 0

    def _record_end(self, text: bytes, at: int, final: bool) -> int | None:
        """The position after the newline that ends a record. A newline within quotes does not."""
        if self._skipping:
            return text.find(b"\n", at) + 1 or len(text)
        end, quotes, searched = at, 0, at
        while True:
            end = text.find(b"\n", end) + 1
            if end == 0:
                break
            quotes += text.count(b'"', searched, end)
            if quotes % 2 == 0:
                return end
            if end - at > self._limits.size:
                return end
            searched = end
        return len(text) if final or len(text) - at > self._limits.size else None

    def _take(self, record: bytes) -> Iterator[Found]:
        try:
            values = self._values(record)
            if not values:
                return
            if self._names is None:
                self._names, is_header = self._header(values)
                if is_header:
                    return
            row = self._row(values, self._names)
        except _Bad as error:
            yield from self._flushed()
            yield BadRow(self._place(), str(error), record.rstrip(b"\r\n"))
            return
        self._rows.append(Row(self._place(), row))
        self._size += len(row)
        if len(self._rows) >= _MOST_ROWS or self._size >= _MOST_SIZE:
            yield from self._flushed()

    def _values(self, record: bytes) -> list[str]:
        if len(record) > self._limits.size:
            raise _Bad(f"the row has more than {self._limits.size} bytes (see --max-document-size)")
        try:
            text = record.decode()
        except UnicodeDecodeError as error:
            byte = record[error.start]
            raise _Bad(f"byte {error.start} of the row, 0x{byte:02x}, is no UTF-8") from error
        if self._offset == 0:
            text = text.removeprefix(_BOM)
        if text.count('"') % 2:
            raise _Bad("a quote is not closed")
        try:
            reader = csv.reader(io.StringIO(text), delimiter=self._options.delimiter, strict=True)
            return next(reader, [])
        except csv.Error as error:
            raise _Bad(f"it is no CSV: {error}") from error

    def _header(self, values: list[str]) -> tuple[list[str], bool]:
        """The fields' names, and whether this record was the header."""
        options = self._options
        names = list(options.names or values)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None or "" in names:
            problem = f"names the field {twice!r} twice" if twice else "has a field without a name"
            raise ToolError(f"{self._place()}: the header {problem}")
        unknown = (self._fields or frozenset()) - set(names)
        if unknown:
            raise ToolError(f"{self._place()}: the header has no field {min(unknown)!r}")
        return names, options.header

    def _row(self, values: list[str], names: list[str]) -> bytes:
        if len(values) != len(names):
            raise _Bad(f"it has {len(values)} values, and the header {len(names)} names")
        fields = {
            name: value
            for name, value in zip(names, values, strict=True)
            if value and (self._fields is None or name in self._fields)
        }
        return json.dumps(fields, ensure_ascii=False).encode()

    def _place(self) -> Place:
        return Place(self._file, self._line, self._offset)

    def _flushed(self) -> Iterator[RowGroup]:
        if self._rows:
            rows, self._rows, self._size = self._rows, [], 0
            yield RowGroup.of(rows)


class _Bad(Exception):
    """What is wrong with a row."""


def csv_line(row: Mapping[str, Any], fields: Iterable[str], delimiter: str = ",") -> str:
    """A row as a line of CSV, as the official package writes it.

    Strings and numbers are written unchanged, other values as JSON. A missing field is written as
    an empty value.

    Args:
        row: the row.
        fields: the names of the fields to write, in this order.
        delimiter: the character between fields.
    """
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter).writerow([_cell(row, name) for name in fields])
    return line.getvalue()


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        return ""
    value = row[name]
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value)
