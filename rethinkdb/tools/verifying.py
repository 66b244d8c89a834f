"""`--verify` of a dump: reads the archive back, and compares it with what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from rethinkdb.tools.failures import BadRow, ToolError
from rethinkdb.tools.layout import TableName
from rethinkdb.tools.reading_archive import members
from rethinkdb.tools.rows import JsonRows, Limits

__all__ = ["Written", "verify_archive"]

_BLOCK = 1 << 20
_ANY_ROW = Limits(1 << 40, 1 << 20)


class Written(NamedTuple):
    """What was written of a table.

    Attributes:
        rows: how many rows.
        digest: the digest of the text of the file.
    """

    rows: int
    digest: str


def verify_archive(file: IO[bytes], written: Mapping[TableName, Written]) -> None:
    """Reads an archive, and compares it with what should be in it.

    Args:
        file: the archive. It is read from its beginning, and left at its end.
        written: what was written for each table.

    Raises:
        ToolError: the archive differs, or cannot be read.
    """
    if not (file.seekable() and file.readable()):
        raise ToolError("--verify needs a file: what has gone to a pipe cannot be read back")
    file.flush()
    file.seek(0)
    found = {
        member.file.table: _found(member.read, member.name)
        for member in members(file, "the archive")
        if member.file.format == "json"
    }
    for table, expected in written.items():
        got = found.get(table)
        if got != expected:
            has = "no rows at all" if got is None else f"{got.rows} rows, digest {got.digest}"
            raise ToolError(
                f"the archive does not hold {table} as it was read: it has {has}, and should have "
                f"{expected.rows} rows, digest {expected.digest}"
            )


def _found(read: Any, name: str) -> Written:
    digest, rows, reader = hashlib.blake2b(digest_size=16), 0, JsonRows(name, _ANY_ROW)
    while True:
        data = read(_BLOCK)
        digest.update(data)
        for found in reader.feed(data) if data else reader.finish():
            if isinstance(found, BadRow):
                raise ToolError(f"the archive cannot be read back: {found}")
            rows += found.number
        if not data:
            return Written(rows, digest.hexdigest())
