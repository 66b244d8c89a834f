"""`export`: saves tables as a directory of files, or one table as one file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from rethinkdb.codec import loads
from rethinkdb.tools.batches import lined, split_values
from rethinkdb.tools.compression import compressor
from rethinkdb.tools.csvrows import csv_line, delimiter_of
from rethinkdb.tools.failures import ToolError
from rethinkdb.tools.layout import (
    COMPRESSIONS,
    FORMATS,
    Selection,
    TableInfo,
    TableName,
    format_of,
    hooks_and_indexes,
    stamp,
)
from rethinkdb.tools.outputs import new_directory, new_file
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.reading import Reading, batches
from rethinkdb.tools.running import Runner
from rethinkdb.tools.tables import expected_rows, selected_tables, table_info
from rethinkdb.tools.threads import in_threads

__all__ = ["ExportResult", "export"]

_SUFFIX_OF = {kind: suffix for suffix, kind in COMPRESSIONS.items()}


class ExportResult(NamedTuple):
    """The result of `export`.

    Attributes:
        path: the path of the directory or file. None if the caller passed an open file.
        rows, tables, indexes, hooks: how many were exported.
    """

    path: Path | None
    rows: int
    tables: int
    indexes: int
    hooks: int


def export(
    conn: Any,
    directory: str | os.PathLike[str] | None = None,
    *,
    file: str | os.PathLike[str] | IO[bytes] | None = None,
    tables: Iterable[str] | None = None,
    format: str | None = None,
    compression: str | None = None,
    fields: Sequence[str] | None = None,
    delimiter: str | None = None,
    clients: int = 3,
    overwrite: bool = False,
    read_outdated: bool = False,
    tally: Tally | None = None,
) -> ExportResult:
    """Writes each table to a file `DIRECTORY/DB/TABLE.json`, or one table to a single file.

    The directory or file appears under its name only when it is complete. In a directory, each
    table also has a file `TABLE.info` with its secondary indexes and write hook.

    Args:
        conn: a blocking connection or a blocking pool. With a pool, the export continues if the
            server is away for less than a minute.
        directory: the name of the new directory. Default: `rethinkdb_export_TIME`.
        file: the name of a file, or an open binary file, to use instead of a directory. This needs
            exactly one table.
        tables: the names of what to export, each as `DB` or `DB.TABLE`. Default: all tables.
        format: "json", "csv" or "ndjson", which has an object a line. Default: as the file's name
            says, else "json".
        compression: "gzip" or "zstd". Default: as the file's name says, else none.
        fields: the fields to write. CSV needs them. This needs exactly one table.
        delimiter: for CSV, the character between fields. Default: a comma.
        clients: how many tables are read at once.
        overwrite: whether `file` may replace an existing file.
        read_outdated: allow reads from replicas that may be out of date.
        tally: an object that counts the progress.

    Returns:
        The path, and how many rows and tables were exported.

    Raises:
        ToolError: the directory or file exists, or a table does not exist, or the arguments do not
            fit together.
        ReqlError: the server failed. No directory or file is left behind then.

    Example::

        tools.export(conn, "exported", tables=["shop"])
        tools.export(conn, file="orders.csv.gz", tables=["shop.orders"], fields=["id", "total"])
    """
    runner = Runner(conn)
    tally = tally or Tally()
    selection = Selection(tables)
    named = os.fspath(file) if isinstance(file, (str, os.PathLike)) else ""
    guessed_format, guessed_compression = format_of(named)
    format = format or guessed_format or "json"
    compression = compression or guessed_compression
    _check(selection, format, fields, delimiter, file)
    shape = _Shape(format, compression, fields, delimiter_of(delimiter))
    work = _Export(runner, shape, tally, read_outdated)
    tally.phase("reading what tables there are")
    names = selected_tables(runner, selection)
    found = in_threads(runner, lambda name: table_info(runner, name), names, clients)
    infos = dict(zip(names, found, strict=True))
    tally.expect((str(name), expected_rows(info)) for name, info in infos.items())
    tally.phase("exporting")
    where: Path | None
    if file is not None:
        (name,) = names
        opened: Any = nullcontext(file)
        if named:
            opened = new_file(Path(named), overwrite=overwrite)
        with opened as output:
            rows = work.table(name, infos[name], output)
        where = Path(os.path.abspath(named)) if named else None
    else:
        where = Path(os.path.abspath(directory or f"rethinkdb_export_{stamp(datetime.now())}"))
        with new_directory(where) as partial:
            rows = work.directory(partial, infos, clients)
    indexes, hooks = hooks_and_indexes(infos.values())
    return ExportResult(where, rows, len(infos), indexes, hooks)


def _check(
    selection: Selection,
    format: str,
    fields: Sequence[str] | None,
    delimiter: str | None,
    file: Any,
) -> None:
    one_table = len(selection.tables) == 1 and not selection.databases
    problems = {
        f"the format {format!r} is none of {', '.join(FORMATS)}": format not in FORMATS,
        "CSV needs --fields: the names of its columns": format == "csv" and not fields,
        "--fields needs exactly one table: -e DB.TABLE": bool(fields) and not one_table,
        "--file needs exactly one table: -e DB.TABLE": file is not None and not one_table,
        "--delimiter is for CSV only": delimiter is not None and format != "csv",
    }
    for problem, found in problems.items():
        if found:
            raise ToolError(problem, status=2)


class _Shape(NamedTuple):
    format: str
    compression: str | None
    fields: Sequence[str] | None
    delimiter: str

    @property
    def suffix(self) -> str:
        return f".{self.format}{_SUFFIX_OF.get(self.compression or '', '')}"

    @property
    def frame(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Four texts: before the rows, between them, after them, and after no rows at all."""
        if self.format == "json":
            return b"[\n", b",\n", b"\n]\n", b"]\n"
        if self.format == "ndjson":
            return b"", b"\n", b"", b""
        names = self.fields or ()
        header = csv_line({name: name for name in names}, names, self.delimiter)
        return header.encode(), b"", b"", b""

    def rows(self, text: bytes) -> tuple[bytes, int]:
        """The rows of a batch as text for the file, and their number."""
        if self.fields is None:
            return lined(text, self.frame[1])
        rows = [loads(row) for row in split_values(text)]
        if self.format == "csv":
            lines = [csv_line(row, self.fields, self.delimiter) for row in rows]
            return "".join(lines).encode(), len(rows)
        chosen = [{name: row[name] for name in self.fields if name in row} for row in rows]
        written = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in chosen]
        return self.frame[1].join(row.encode() for row in written), len(rows)


class _Export:
    """Writes tables to files."""

    def __init__(self, runner: Runner, shape: _Shape, tally: Tally, outdated: bool) -> None:
        self._runner = runner
        self._shape = shape
        self._tally = tally
        self._outdated = outdated

    def directory(self, path: Path, infos: dict[TableName, TableInfo], clients: int) -> int:
        """Writes all tables, several at once. Returns the number of rows."""

        def work(name: TableName) -> int:
            folder = path / name.db
            folder.mkdir(exist_ok=True)
            (folder / f"{name.table}.info").write_bytes(infos[name].written())
            with (folder / f"{name.table}{self._shape.suffix}").open("wb") as file:
                return self.table(name, infos[name], file)

        return sum(in_threads(self._runner, work, infos, clients))

    def table(self, name: TableName, info: TableInfo, file: IO[bytes]) -> int:
        """Writes a table. Returns the number of rows."""
        self._tally.begin(str(name))
        first, between, last, last_of_none = self._shape.frame
        packer = compressor(self._shape.compression)
        rows = 0
        file.write(packer.compress(first))
        reading = Reading(name, info.primary_key, self._outdated, self._shape.fields)
        for text in batches(self._runner, reading):
            lines, count = self._shape.rows(text)
            del text  # it may be large
            if rows:
                file.write(packer.compress(between))
            file.write(packer.compress(lines))
            rows += count
            self._tally.add(str(name), count, len(lines))
        file.write(packer.compress(last if rows else last_of_none))
        file.write(packer.flush())
        self._tally.end(str(name))
        return rows
