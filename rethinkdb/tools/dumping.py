"""`dump`: saves all or some tables of a server in one archive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from rethinkdb.tools.archive import ArchiveWriter
from rethinkdb.tools.batches import lined
from rethinkdb.tools.layout import Selection, TableInfo, TableName, hooks_and_indexes, stamp
from rethinkdb.tools.outputs import new_file
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.reading import Reading, batches
from rethinkdb.tools.running import Runner
from rethinkdb.tools.tables import expected_rows, selected_tables, table_info
from rethinkdb.tools.threads import in_threads
from rethinkdb.tools.verifying import Written, verify_archive

__all__ = ["DumpResult", "dump"]

DEFAULT_CLIENTS = 3

_COMPRESSIONS = {".zst": "zstd", ".tar": None}
_SEPARATOR = b",\n"


class DumpResult(NamedTuple):
    """The result of `dump`.

    Attributes:
        path: the path of the archive. None if the caller passed an open file.
        rows, tables, indexes, hooks: how many were dumped.
    """

    path: Path | None
    rows: int
    tables: int
    indexes: int
    hooks: int


def dump(
    conn: Any,
    path: str | os.PathLike[str] | IO[bytes] | None = None,
    *,
    tables: Iterable[str] | None = None,
    clients: int = DEFAULT_CLIENTS,
    overwrite: bool = False,
    read_outdated: bool = False,
    temp_dir: str | None = None,
    verify: bool = False,
    tally: Tally | None = None,
) -> DumpResult:
    """Writes tables to an archive in one pass: rows, secondary indexes and write hooks.

    The archive appears under its name only when it is complete. `rethinkdb-restore` of the
    official package can read it, too.

    Args:
        conn: a blocking connection or a blocking pool. With a pool, the dump continues if the
            server is away for less than a minute.
        path: the name of the archive, or an open binary file. A name that ends in `.tar` means: no
            compression. `.zst` means Zstandard, any other name gzip. Default:
            `rethinkdb_dump_TIME.tar.gz` in the current directory.
        tables: the names of what to dump, each as `DB` or `DB.TABLE`. Default: all tables.
        clients: how many tables are read at once.
        overwrite: whether the archive may replace an existing file.
        read_outdated: allow reads from replicas that may be out of date.
        temp_dir: a directory for big tables, if `path` is an open file without seeking, such as a
            pipe. Other archives need no temporary files.
        verify: read the archive back, and compare the rows and the digest of each table.
        tally: an object that counts the progress.

    Returns:
        The path, and how many rows and tables were dumped.

    Raises:
        ToolError: the file exists, or a table does not exist, or `verify` found a difference.
        ReqlError: the server failed. No archive is left behind then.

    Example::

        with r.ConnectionPool(url=url) as pool:
            tools.dump(pool, "backup.tar.gz", tables=["shop"], verify=True)
    """
    runner = Runner(conn)
    tally = tally or Tally()
    selection = Selection(tables)
    top = f"rethinkdb_dump_{stamp(datetime.now())}"
    target = Path(f"{top}.tar.gz") if path is None else path
    opened, compression = _opened(target, overwrite)
    if temp_dir is not None:
        os.makedirs(temp_dir, exist_ok=True)
    with opened as file:
        tally.phase("reading what tables there are")
        names = selected_tables(runner, selection)
        found = in_threads(runner, lambda name: table_info(runner, name), names, clients)
        infos = dict(zip(names, found, strict=True))
        tally.expect((str(name), expected_rows(info)) for name, info in infos.items())
        tally.phase("dumping")
        archive = ArchiveWriter(file, compression, temp_dir)
        written = _Dump(runner, archive, top, tally, verify, read_outdated).write(infos, clients)
        archive.close()
        if verify:
            tally.phase("verifying")
            verify_archive(file, written)
    indexes, hooks = hooks_and_indexes(infos.values())
    rows = sum(table.rows for table in written.values())
    where = None if hasattr(target, "write") else Path(os.path.abspath(target))
    return DumpResult(where, rows, len(infos), indexes, hooks)


def _opened(target: Any, overwrite: bool) -> tuple[AbstractContextManager[IO[bytes]], str | None]:
    if hasattr(target, "write"):
        return nullcontext(target), "gzip"
    path = Path(target)
    return new_file(path, overwrite=overwrite), _COMPRESSIONS.get(path.suffix, "gzip")


class _Dump:
    """Writes tables to an archive, several at once."""

    def __init__(
        self,
        runner: Runner,
        archive: ArchiveWriter,
        top: str,
        tally: Tally,
        verify: bool,
        outdated: bool,
    ) -> None:
        self._runner = runner
        self._archive = archive
        self._top = top
        self._tally = tally
        self._verify = verify
        self._outdated = outdated

    def write(self, infos: dict[TableName, TableInfo], clients: int) -> dict[TableName, Written]:
        """Writes all tables. Returns the number of rows and the digest of each."""
        # The `.info` files come first, so that a restore knows all tables before the first row.
        for name, info in infos.items():
            self._archive.add(f"{self._top}/{name.db}/{name.table}.info", info.written())
        tables = in_threads(
            self._runner, lambda name: self._table(name, infos[name]), infos, clients
        )
        return dict(zip(infos, tables, strict=True))

    def _table(self, name: TableName, info: TableInfo) -> Written:
        self._tally.begin(str(name))
        rows, digest = 0, hashlib.blake2b(digest_size=16)
        with self._archive.member(f"{self._top}/{name.db}/{name.table}.json") as member:

            def write(data: bytes) -> None:
                member.write(data)
                if self._verify:
                    digest.update(data)

            write(b"[\n")
            for text in batches(self._runner, Reading(name, info.primary_key, self._outdated)):
                lines, count = lined(text, _SEPARATOR)
                del text  # it may be large
                if rows:
                    write(_SEPARATOR)
                write(lines)
                rows += count
                self._tally.add(str(name), count, len(lines))
            write(b"\n]\n" if rows else b"]\n")
        self._tally.end(str(name))
        return Written(rows, digest.hexdigest())
