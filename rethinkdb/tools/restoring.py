"""`restore`: loads all or some tables of an archive into a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

from rethinkdb.tools.comparing import Digests
from rethinkdb.tools.failures import BadRow, ToolError
from rethinkdb.tools.layout import Selection, TableInfo, TableName, hooks_and_indexes, meant
from rethinkdb.tools.loading import BadRows, Loader, LoadOptions, check_existing
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.reading_archive import ArchiveMember, members
from rethinkdb.tools.rows import Limits
from rethinkdb.tools.running import Runner
from rethinkdb.tools.sources import reader_for
from rethinkdb.tools.tables import existing_tables, expected_rows, table_info

__all__ = ["LoadResult", "restore"]

_BLOCK = 1 << 20
# Other programs may have written the archive, with rows that are nested more deeply than ours.
_ANY_ROW = Limits(depth=1 << 20)


class LoadResult(NamedTuple):
    """The result of `restore` and `import_`.

    Attributes:
        rows, tables, indexes, hooks: how many were loaded.
        bad: how many rows were skipped.
    """

    rows: int
    tables: int
    indexes: int
    hooks: int
    bad: int


def restore(
    conn: Any,
    path: str | os.PathLike[str] | IO[bytes],
    *,
    tables: Iterable[str] | None = None,
    clients: int = 8,
    hard_durability: bool = False,
    force: bool = False,
    resume: bool = False,
    secondary_indexes: bool = True,
    shards: int | None = None,
    replicas: int | None = None,
    verify: bool = False,
    on_bad_row: Callable[[BadRow], None] | None = None,
    temp_dir: str | None = None,
    tally: Tally | None = None,
) -> LoadResult:
    """Loads the tables of an archive into a server, in one pass.

    Args:
        conn: a blocking connection or a blocking pool. With a pool, the restore continues if the
            server is away for less than a minute.
        path: the name of the archive, or an open binary file. The archive may be written by `dump`,
            or by `rethinkdb-dump` of the official package.
        tables: the names of what to restore, each as `DB` or `DB.TABLE`. Default: all tables.
        clients: how many queries run at once. This also limits how many tables are loaded at once.
        hard_durability: wait until rows are on disk.
        force: load into existing tables, too, and replace rows with the same keys.
        resume: continue an interrupted restore: load into existing tables, too, and keep existing
            rows with the same keys.
        secondary_indexes: whether to create secondary indexes and write hooks.
        shards, replicas: the numbers for new tables. Default: the server's defaults.
        verify: compare the rows of each table with those of the archive. A table that existed
            before, and has more rows than the archive, is not compared.
        on_bad_row: a function that is called with each row that cannot be restored. The row is
            skipped. Default: the first such row ends the restore with an error.
        temp_dir: a directory for tables whose `.info` comes after their rows, if `path` is an open
            file without seeking, such as a pipe.
        tally: an object that counts the progress.

    Returns:
        How many rows and tables were restored.

    Raises:
        BadRowError: a row cannot be restored. The error says which row, where, and why.
        ToolError: the file is no archive, or is damaged, or a table exists already.
        ReqlError: the server failed.

    Example::

        with r.ConnectionPool(url=url) as pool:
            tools.restore(pool, "backup.tar.gz", tables=["shop.orders"])
    """
    runner = Runner(conn)
    tally = tally or Tally()
    options = LoadOptions(
        clients, hard_durability, force, resume, secondary_indexes, shards, replicas
    )
    bad = BadRows(on_bad_row)
    name = getattr(path, "name", "the archive") if hasattr(path, "read") else os.fspath(path)
    opened: Any = nullcontext(path) if hasattr(path, "read") else Path(path).open("rb")  # noqa: SIM115
    with opened as file, Loader(runner, options, bad, tally) as loader:
        tally.phase("restoring")
        work = _Restore(runner, loader, Selection(tables), options, str(name), temp_dir, tally)
        digests = Digests() if verify else None
        if digests is not None:
            bad.noted.append(digests.left_out)
        work.run(file, digests)
    if digests is not None:
        tally.phase("verifying")
        digests.check(runner)
    indexes, hooks = hooks_and_indexes(loader.loaded.values())
    if not secondary_indexes:
        indexes = hooks = 0
    return LoadResult(loader.rows, len(loader.loaded), indexes, hooks, bad.count)


class _Restore:
    """Goes through an archive."""

    def __init__(
        self,
        runner: Runner,
        loader: Loader,
        selection: Selection,
        options: LoadOptions,
        name: str,
        temp_dir: str | None,
        tally: Tally,
    ) -> None:
        self._tally = tally
        self._runner = runner
        self._loader = loader
        self._selection = selection
        self._options = options
        self._name = name
        self._temp_dir = temp_dir
        self._infos: dict[TableName, TableInfo] = {}
        self._checked: set[TableName] = set()
        self._existing: dict[TableName, TableInfo] = {}
        self._found: set[TableName] = set()
        self._done: set[TableName] = set()
        self._waiting: dict[TableName, tuple[IO[bytes], ArchiveMember]] = {}

    def run(self, file: IO[bytes], digests: Digests | None) -> None:
        """Loads all selected tables, and waits until this is done."""
        try:
            for member in members(file, self._name):
                self._member(file, member, digests)
            self._check_all_found()
            for name in self._waiting:
                raise ToolError(f"{self._name} has no {name}.info: the primary key is not known")
            self._loader.wait()
        finally:
            for spool, _ in self._waiting.values():
                spool.close()

    def _member(self, file: IO[bytes], member: ArchiveMember, digests: Digests | None) -> None:
        table = member.file.table
        self._found.add(table)
        if not self._selection.has(table):
            return
        if member.file.format == "info":
            self._infos[table] = self._info(member)
            if table in self._waiting:
                with self._waiting[table][0] as spool:
                    self._load(self._waiting.pop(table)[1]._replace(read=spool.read), digests)
            return
        if table not in self._infos and _can_be_opened_again(file):
            self._look_ahead(file)
        if table not in self._infos:
            self._waiting[table] = self._spooled(member), member
            return
        self._load(member, digests)

    def _look_ahead(self, file: IO[bytes]) -> None:
        """Reads all `.info` files first. Archives of the official package have them after rows."""
        with open(file.name, "rb") as ahead:
            for member in members(ahead, self._name):
                if member.file.format == "info" and self._selection.has(member.file.table):
                    self._infos[member.file.table] = self._info(member)

    def _info(self, member: ArchiveMember) -> TableInfo:
        text = b""
        while data := member.read(_BLOCK):
            text += data
        return TableInfo.read(text, f"{self._name}:{member.name}")

    def _spooled(self, member: ArchiveMember) -> IO[bytes]:
        spool = tempfile.TemporaryFile(dir=self._temp_dir)  # noqa: SIM115
        while data := member.read(_BLOCK):
            spool.write(data)
        spool.seek(0)
        return spool

    def _load(self, member: ArchiveMember, digests: Digests | None) -> None:
        table = member.file.table
        if table in self._done:
            raise ToolError(f"{self._name} has the rows of {table} twice")
        self._done.add(table)
        self._check_tables()
        loading = self._loader.begin(table, self._infos[table], self._existing.get(table))
        name = f"{self._name}:{member.name}"
        reader = reader_for(member.file.format, name, _ANY_ROW)
        if digests is not None:
            reader = digests.watch(table, name, reader, existed=table in self._existing)
        while data := member.read(_BLOCK):
            self._loader.add(loading, reader.feed(data))
        self._loader.add(loading, reader.finish())
        self._loader.end(loading)

    def _check_tables(self) -> None:
        """Checks the tables that have become known since the last call."""
        fresh = self._infos.keys() - self._checked
        if not fresh:
            return
        there = set(existing_tables(self._runner, {name.db for name in fresh}))
        for name in sorted(fresh & there):
            self._existing[name] = table_info(self._runner, name)
            check_existing(name, self._infos[name], self._existing[name], self._options)
        self._tally.expect((str(name), expected_rows(info)) for name, info in self._infos.items())
        self._checked |= fresh

    def _check_all_found(self) -> None:
        missing = self._selection.missing(self._done | set(self._waiting))
        if missing:
            hint = meant(missing[0], self._found)
            raise ToolError(f"{self._name} has no {' and no '.join(missing)}{hint}")


def _can_be_opened_again(file: IO[bytes]) -> bool:
    name = getattr(file, "name", None)
    return isinstance(name, (str, bytes)) and file.seekable() and os.path.isfile(name)
