"""The data file: an SQLite database. It holds rows as JSON, and one description of the rest.

Only one process at a time may open a file. If the format of a file is unknown, nothing is written
to it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

from rethinkdb.embedded.data import datum, jsontext, pseudotypes, shards
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum

FORMAT = 2
"""The format of the file. A higher number means that a newer release wrote it.

From format 2 on, rows and description end with a checksum. A file of format 1 is read, too, and
becomes one of format 2 when it is opened.
"""

_APPLICATION = 0x7265716C
"""SQLite's application id, which marks a file as ours: "reql"."""

_SQLITE_HEADER = b"SQLite format 3\0"
_TABLES = """
CREATE TABLE description (id INTEGER PRIMARY KEY CHECK (id = 0), text TEXT NOT NULL);
CREATE TABLE rows (
    "table" TEXT NOT NULL, key BLOB NOT NULL, document BLOB NOT NULL, PRIMARY KEY ("table", key)
) WITHOUT ROWID;
"""


class DataFileError(OSError):
    """The data file cannot be used. The text says which file, why, and what to do."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"The data file {path} {problem}")


_ours: set[Path] = set()
"""The files that this process has open. A file must not be opened twice in a process: on POSIX,
closing the second one would release the locks that keep other processes out.
"""


def refuse_ours(path: Path) -> None:
    """Raises `DataFileError` if this process has the file open."""
    if path.resolve() in _ours:
        raise DataFileError(path, _PROBLEMS["locked"].replace("another process", "a server here"))


class DataFile:
    """A data file, open for this process only. It is created if it does not exist.

    Args:
        path: the path as the user gave it.

    Attributes:
        connection: the SQLite connection.

    Raises:
        DataFileError: it is no data file, is damaged or in use, was written by a newer release, or
            cannot be created.
    """

    def __init__(self, path: Path) -> None:
        refuse_ours(path)
        self.path = path
        self._place = path.resolve()
        self.connection = _opened(path)
        _ours.add(self._place)

    def close(self) -> None:
        """Closes the file, so that other processes can open it."""
        self.connection.close()
        _ours.discard(self._place)


def _opened(path: Path) -> sqlite3.Connection:
    fresh = not path.exists() or path.stat().st_size == 0
    if not fresh:
        with path.open("rb") as file:
            if file.read(len(_SQLITE_HEADER)) != _SQLITE_HEADER:
                raise DataFileError(path, "is no data file of the embedded server.")
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise DataFileError(path, _explained(error)) from error
    try:
        _prepare(connection, path, fresh=fresh)
    except sqlite3.Error as error:
        connection.close()
        raise DataFileError(path, _explained(error)) from error
    except DataFileError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, fresh: bool) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    if not fresh:
        _check(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Lock it now rather than at the first write, because another process may have it open.
    connection.execute("BEGIN EXCLUSIVE")
    if fresh:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT:
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise DataFileError(path, "is a database of another program.")
    if version > FORMAT:
        raise DataFileError(
            path, f"has format {version}, this release knows {FORMAT}: use a newer release."
        )
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DataFileError(path, f"is damaged ({found}). Restore it from a copy.")


_PROBLEMS = {
    "locked": "is in use by another process.",
    "malformed": "is damaged. Restore it from a copy.",
    "not a database": "is damaged. Restore it from a copy.",
    "unable to open": "cannot be opened: look at its folder and permissions.",
    "readonly": "may not be written.",
}


def _explained(error: sqlite3.Error) -> str:
    text = str(error)
    known = (said for words, said in _PROBLEMS.items() if words in text)
    return next(known, f"cannot be used: {text}.")


# -- keys and documents


def stored_key(key: Datum) -> bytes:
    """The key of a row in the file. Equal keys give equal bytes."""
    return shards.stored_key(_without_negative_zero(key))


def _without_negative_zero(key: Datum) -> Datum:
    if isinstance(key, list):
        return [_without_negative_zero(item) for item in key]
    return 0 if datum.is_number(key) and key == 0 else key


def written(document: Datum) -> bytes:
    """A document as JSON."""
    return jsontext.dumps(document, _write_other)


def _write_other(value: Any) -> Any:
    assert isinstance(value, bytes), f"{type(value).__name__} cannot be stored"
    return {REQL_TYPE: "BINARY", "data": datum.to_base64(value)}


_MARK = REQL_TYPE.encode()


def read(text: bytes) -> Datum:
    """A document that was written as JSON."""
    value = jsontext.loads(text)
    # Without pseudo-types nothing needs conversion, because each number has only one form.
    return pseudotypes.checked_tree(value) if _MARK in text else value


# -- checksums


def _sealed(text: bytes, table: str = "", key: bytes = b"") -> bytes:
    """The text with a checksum of it and of what it belongs to."""
    return b"%b\n%08x" % (text, crc32(text, crc32(key, _seed(table))))


def _unsealed(text: bytes, table: str = "", key: bytes = b"") -> bytes:
    """The text without its checksum. Raises `ValueError` if that is wrong."""
    body, seal, _ = text.rpartition(b"\n")  # JSON as it is written here has no line breaks
    if not seal:  # written in format 1
        return text
    if text != _sealed(body, table, key):
        raise ValueError("a checksum is wrong")
    return body


@lru_cache(maxsize=1024)
def _seed(table: str) -> int:
    return crc32(table.encode())


# -- reading and writing


def description_of(connection: sqlite3.Connection) -> dict[str, Any] | None:
    """The description: everything except the rows. None in a new file."""
    found = connection.execute("SELECT text FROM description").fetchone()
    return None if found is None else json.loads(_unsealed(found[0].encode()))


class StoredRows:
    """The rows in a file, read table by table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read = 0

    def of_table(self, table: str) -> Iterator[Datum]:
        """The rows of a table, by its id."""
        query = 'SELECT key, document FROM rows WHERE "table" = ? ORDER BY key'
        for key, text in self._connection.execute(query, (table,)):
            self._read += 1
            yield read(_unsealed(text, table, key))

    def check_all_read(self) -> None:
        """Raises `ValueError` if there are rows that a damage hid, or that belong to no table."""
        (count,) = self._connection.execute("SELECT count(*) FROM rows").fetchone()
        if count != self._read:
            raise ValueError(f"{self._read} of {count} rows are found")


def write_rows(connection: sqlite3.Connection, rows: Mapping[tuple[str, bytes], Datum]) -> None:
    """Writes rows, by table and key. Without a document a row is deleted."""
    kept, gone = [], []
    for (table, key), document in rows.items():
        if document is None:
            gone.append((table, key))
        else:
            kept.append((table, key, _sealed(written(document), table, key)))
    connection.executemany('DELETE FROM rows WHERE "table" = ? AND key = ?', gone)
    connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", kept)


def drop_rows(connection: sqlite3.Connection, table: str) -> None:
    """Deletes all rows of a table, by its id."""
    connection.execute('DELETE FROM rows WHERE "table" = ?', (table,))


def write_description(connection: sqlite3.Connection, description: dict[str, Any]) -> None:
    """Writes the description: everything except the rows."""
    text = _sealed(json.dumps(description).encode()).decode()
    connection.execute("INSERT OR REPLACE INTO description VALUES (0, ?)", (text,))


def replace_file(
    path: Path, description: dict[str, Any], rows: Mapping[tuple[str, bytes], Datum]
) -> None:
    """Writes a whole state to a file. An old file stays until everything is written."""
    refuse_ours(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        file = DataFile(beside)
        connection = file.connection
        try:
            connection.execute("BEGIN")
            write_description(connection, description)
            write_rows(connection, rows)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise DataFileError(path, _explained(error)) from error
        finally:
            file.close()
        os.replace(beside, path)
    finally:
        for left in (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm")):
            left.unlink(missing_ok=True)
