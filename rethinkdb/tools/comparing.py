"""`--verify` of a restore: compares the rows of tables and files, in whatever order they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from rethinkdb.codec import loads
from rethinkdb.tools.batches import split_values
from rethinkdb.tools.failures import BadRow, ToolError
from rethinkdb.tools.layout import TableName
from rethinkdb.tools.reading import Reading, batches
from rethinkdb.tools.rows import Found
from rethinkdb.tools.running import Runner
from rethinkdb.tools.sources import RowReader
from rethinkdb.tools.tables import table_info

__all__ = ["Digest", "Digests"]


class Digest:
    """A digest of rows. It depends neither on their order nor on how their values are written."""

    def __init__(self) -> None:
        self.rows = 0
        self.sum = 0

    def add(self, text: bytes) -> None:
        """Adds a row."""
        self._change(text, 1)

    def remove(self, text: bytes) -> None:
        """Removes a row."""
        self._change(text, -1)

    def _change(self, text: bytes, by: int) -> None:
        canonical = json.dumps(_plain(loads(text)), sort_keys=True).encode()
        digest = hashlib.blake2b(canonical, digest_size=16).digest()
        self.sum = (self.sum + by * int.from_bytes(digest, "big")) % (1 << 128)
        self.rows += by


def _plain(value: Any) -> Any:
    """The value with numbers as the server stores them: 1.0 becomes 1."""
    if type(value) is dict:
        return {name: _plain(item) for name, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is int:
        value = float(value)
    if type(value) is float and value.is_integer():
        return int(value)
    return value


class Digests:
    """The digests of the files that tables were loaded from."""

    def __init__(self) -> None:
        self._digests: dict[TableName, Digest] = {}
        self._of_files: dict[str, Digest] = {}
        self._existed: set[TableName] = set()

    def watch(self, table: TableName, file: str, reader: RowReader, *, existed: bool) -> RowReader:
        """Wraps a reader, so that its rows are added to the digest of a table.

        Args:
            table: the table.
            file: the file's name in errors.
            reader: the reader of the file.
            existed: whether the table existed before. Then it may have other rows, too.
        """
        if existed:
            self._existed.add(table)
        digest = self._digests.setdefault(table, Digest())
        self._of_files[file] = digest
        return _Watched(reader, digest)

    def left_out(self, row: BadRow) -> None:
        """Removes a row from its table's digest, because the server refused it."""
        if row.refused:
            self._of_files[row.place.file].remove(row.text)

    def check(self, runner: Runner) -> None:
        """Reads the tables and compares their digests.

        Raises:
            ToolError: a table has other rows.
        """
        for name, expected in self._digests.items():
            found = Digest()
            key = table_info(runner, name).primary_key
            for text in batches(runner, Reading(name, key)):
                for row in split_values(text):
                    found.add(row)
            if name in self._existed and found.rows > expected.rows:
                continue  # it has other rows, too, so it cannot be compared
            if (found.rows, found.sum) != (expected.rows, expected.sum):
                raise ToolError(
                    f"the table {name} does not hold what was loaded: it has {found.rows} rows, "
                    f"the file {expected.rows}"
                    + (", and some of them differ" if found.rows == expected.rows else "")
                )


class _Watched:
    def __init__(self, reader: RowReader, digest: Digest) -> None:
        self._reader = reader
        self._digest = digest

    def feed(self, data: bytes) -> Iterator[Found]:
        yield from map(self._noted, self._reader.feed(data))

    def finish(self) -> Iterator[Found]:
        yield from map(self._noted, self._reader.finish())

    def _noted(self, found: Found) -> Found:
        if not isinstance(found, BadRow):
            for row in found.rows():
                self._digest.add(row.text)
        return found
