"""`import`: loads tables from a directory that `export` wrote, or one table from a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

from rethinkdb.codec import loads
from rethinkdb.tools.compression import decompressed
from rethinkdb.tools.csvrows import CsvOptions
from rethinkdb.tools.failures import BadRow, ToolError
from rethinkdb.tools.layout import (
    FORMATS,
    Selection,
    TableInfo,
    TableName,
    data_file,
    format_of,
    hooks_and_indexes,
    meant,
)
from rethinkdb.tools.loading import BadRows, Loader, LoadOptions, check_existing
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.reading_archive import explained
from rethinkdb.tools.restoring import LoadResult
from rethinkdb.tools.rows import MAX_DEPTH, MAX_SIZE, Found, Limits, Row, RowGroup
from rethinkdb.tools.running import Runner
from rethinkdb.tools.sources import RowReader, reader_for
from rethinkdb.tools.tables import existing_tables, expected_rows, table_info

__all__ = ["import_"]

_BLOCK = 1 << 20
_DEFAULT_KEY = "id"


class _Source(NamedTuple):
    """A file of rows."""

    path: str | IO[bytes]
    name: str
    reader: RowReader


def import_(
    conn: Any,
    directory: str | os.PathLike[str] | None = None,
    *,
    file: str | os.PathLike[str] | IO[bytes] | None = None,
    table: str | None = None,
    tables: Iterable[str] | None = None,
    format: str | None = None,
    primary_key: str | None = None,
    fields: Sequence[str] | None = None,
    csv: CsvOptions | None = None,
    clients: int = 8,
    hard_durability: bool = False,
    force: bool = False,
    resume: bool = False,
    secondary_indexes: bool = True,
    shards: int | None = None,
    replicas: int | None = None,
    max_document_size: int = MAX_SIZE,
    max_nesting_depth: int = MAX_DEPTH,
    on_bad_row: Callable[[BadRow], None] | None = None,
    on_ignored: Callable[[Path], None] | None = None,
    tally: Tally | None = None,
) -> LoadResult:
    """Loads the tables of a directory that `export` wrote, or loads one file into a table.

    All tables are checked before anything is changed.

    Args:
        conn: a blocking connection or a blocking pool. With a pool, the import continues if the
            server is away for less than a minute.
        directory: the directory. For each table it holds a file `DB/TABLE.json`, `.ndjson` or
            `.csv`, possibly compressed, and `DB/TABLE.info`.
        file: the name of a file, or an open binary file, to use instead of a directory. It may be
            compressed by gzip or Zstandard.
        table: the table for the `file`, as `DB.TABLE`.
        tables: the names of what to load from the directory, each as `DB` or `DB.TABLE`. Default:
            all tables.
        format: the format of the file: "json" (an array of objects, or objects one after the
            other), "ndjson" or "csv". Default: as the file's name says, else "json".
        primary_key: the primary key of a new table. Default: as `TABLE.info` beside the file says,
            else "id".
        fields: the fields of the file to load. Default: all.
        csv: the layout of CSV.
        clients: how many queries run at once. This also limits how many tables are loaded at once.
        hard_durability: wait until rows are on disk.
        force: load into existing tables, too, and replace rows with the same keys.
        resume: continue an interrupted import: load into existing tables, too, and keep existing
            rows with the same keys.
        secondary_indexes: whether to create secondary indexes and write hooks.
        shards, replicas: the numbers for new tables. Default: the server's defaults.
        max_document_size: the largest allowed row, in bytes.
        max_nesting_depth: the deepest allowed nesting of a row, in levels.
        on_bad_row: a function that is called with each row that cannot be imported. The row is
            skipped. Default: the first such row ends the import with an error.
        on_ignored: a function that is called with each file that belongs to no table.
        tally: an object that counts the progress.

    Returns:
        How many rows and tables were imported.

    Raises:
        BadRowError: a row cannot be imported. The error says which row, where, and why.
        ToolError: there are no tables to import, or a table exists already, or the arguments do
            not fit together.
        ReqlError: the server failed.

    Example::

        tools.import_(conn, "exported", tables=["shop"])
        tools.import_(conn, file="orders.csv.gz", table="shop.orders", primary_key="number")
    """
    options = LoadOptions(
        clients, hard_durability, force, resume, secondary_indexes, shards, replicas
    )
    limits = Limits(max_document_size, max_nesting_depth)
    work = _Import(conn, options, BadRows(on_bad_row), tally or Tally())
    if directory is not None and file is None:
        return work.load(_in_directory(Path(directory), Selection(tables), limits, on_ignored))
    if file is None or table is None or directory is not None:
        raise ToolError("give a directory, or a file and its table", status=2)
    return work.load(_in_file(file, table, format, primary_key, fields, csv, limits))


_Wanted: TypeAlias = "dict[TableName, tuple[TableInfo, _Source]]"


def _in_directory(
    directory: Path,
    selection: Selection,
    limits: Limits,
    on_ignored: Callable[[Path], None] | None,
) -> _Wanted:
    found, ignored = _files_in(directory)
    if on_ignored is not None:
        for path in ignored:
            on_ignored(path)
    chosen = {name: path for name, path in found.items() if selection.has(name)}
    missing = selection.missing(chosen)
    if missing or not chosen:
        what = " and no ".join(missing) if missing else "tables"
        hint = meant(missing[0], found) if missing else ""
        raise ToolError(f"{directory} has no {what}{hint}")
    wanted: _Wanted = {}
    for name, path in sorted(chosen.items()):
        beside = _info_beside(path)
        reader = reader_for(format_of(path.name)[0] or "json", str(path), limits)
        info = TableInfo.read(beside.read_bytes(), str(beside))
        wanted[name] = info, _Source(str(path), str(path), reader)
    return wanted


def table_named(text: str) -> TableName:
    """The table that `DB.TABLE` stands for.

    Raises:
        ToolError: the text is not of that form.
    """
    tables = Selection([text]).tables
    if not tables:
        raise ToolError(f"{text} names no table: write DB.TABLE, such as test.orders", status=2)
    (name,) = tables
    return name


def _in_file(
    file: Any,
    table: str,
    format: str | None,
    primary_key: str | None,
    fields: Sequence[str] | None,
    csv: CsvOptions | None,
    limits: Limits,
) -> _Wanted:
    name = table_named(table)
    path = Path(file) if isinstance(file, (str, os.PathLike)) else None
    shown = str(path) if path is not None else str(getattr(file, "name", "the file"))
    format = format or format_of(shown)[0] or "json"
    if format not in FORMATS:
        raise ToolError(f"the format {format!r} is none of {', '.join(FORMATS)}", status=2)
    reader = reader_for(format, shown, limits, csv)
    if fields is not None:
        reader = _Chosen(reader, fields)
    source = _Source(file if path is None else str(path), shown, reader)
    return {name: (_info_of(path, primary_key), source)}


def _info_of(path: Path | None, primary_key: str | None) -> TableInfo:
    beside = None if path is None else _info_beside(path)
    if beside is None or not beside.is_file():
        return TableInfo(primary_key or _DEFAULT_KEY, [], None, {})
    info = TableInfo.read(beside.read_bytes(), str(beside))
    return info if primary_key is None else info._replace(primary_key=primary_key)


def _info_beside(path: Path) -> Path:
    return path.with_name(f"{path.name.split('.', 1)[0]}.info")


def _files_in(directory: Path) -> tuple[dict[TableName, Path], list[Path]]:
    """The files with the rows of tables, and the files that belong to none."""
    if not directory.is_dir():
        raise ToolError(f"{directory} is no directory", status=2)
    found: dict[TableName, Path] = {}
    ignored = [path for path in directory.iterdir() if not path.is_dir()]
    for path in sorted(directory.glob("*/*")):
        known = data_file(path.parent.name, path.name)
        if known is not None and known.format == "info":
            continue
        if known is None or not path.is_file() or not _info_beside(path).is_file():
            ignored.append(path)
        elif known.table in found:
            raise ToolError(f"{found[known.table]} and {path} are of the same table")
        else:
            found[known.table] = path
    return found, ignored


class _Import:
    """Loads files into tables."""

    def __init__(self, conn: Any, options: LoadOptions, bad: BadRows, tally: Tally) -> None:
        self._runner = Runner(conn)
        self._options = options
        self._bad = bad
        self._tally = tally

    def load(self, wanted: dict[TableName, tuple[TableInfo, _Source]]) -> LoadResult:
        """Loads all tables. All of them are checked before anything is changed."""
        there = set(existing_tables(self._runner, {name.db for name in wanted}))
        existing = {name: table_info(self._runner, name) for name in wanted if name in there}
        for name, found in existing.items():
            check_existing(name, wanted[name][0], found, self._options)
        self._tally.expect((str(name), expected_rows(info)) for name, (info, _) in wanted.items())
        self._tally.phase("importing")
        with Loader(self._runner, self._options, self._bad, self._tally) as loader:
            for name, (info, source) in wanted.items():
                self._table(loader, name, info, source, existing.get(name))
            loader.wait()
        indexes, hooks = hooks_and_indexes(loader.loaded.values())
        if not self._options.secondary_indexes:
            indexes = hooks = 0
        return LoadResult(loader.rows, len(loader.loaded), indexes, hooks, self._bad.count)

    def _table(
        self,
        loader: Loader,
        name: TableName,
        info: TableInfo,
        source: _Source,
        existing: TableInfo | None,
    ) -> None:
        opened: Any = nullcontext(source.path)
        if isinstance(source.path, str):
            opened = Path(source.path).open("rb")  # noqa: SIM115
        with opened as file, explained(source.name):
            content, _ = decompressed(file)
            loading = loader.begin(name, info, existing)
            while data := content.read(_BLOCK):
                loader.add(loading, source.reader.feed(data))
            loader.add(loading, source.reader.finish())
            loader.end(loading)


class _Chosen:
    """Wraps a reader, and keeps only some fields of its rows."""

    def __init__(self, reader: RowReader, fields: Sequence[str]) -> None:
        self._reader = reader
        self._fields = fields

    def feed(self, data: bytes) -> Iterator[Found]:
        yield from map(self._with_fields, self._reader.feed(data))

    def finish(self) -> Iterator[Found]:
        yield from map(self._with_fields, self._reader.finish())

    def _with_fields(self, found: Found) -> Found:
        if isinstance(found, BadRow):
            return found
        return RowGroup.of([Row(row.place, self._some_of(row.text)) for row in found.rows()])

    def _some_of(self, text: bytes) -> bytes:
        row = loads(text)
        chosen = {name: row[name] for name in self._fields if name in row}
        return json.dumps(chosen, ensure_ascii=False).encode()
