"""The layout of archives and export directories, and the names of tables. No I/O.

TOP/DB/TABLE.info    a JSON object: the table's name, primary key, indexes and write hook
TOP/DB/TABLE.json    its rows (in directories also `.csv` and `.ndjson`, each also compressed)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from rethinkdb.tools.failures import ToolError

FORMATS = ("json", "csv", "ndjson")
"""The formats of rows. They are also the suffixes of files."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""Compressions by suffix."""

_SUFFIXES = {".json": "json", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_NAME = re.compile(r"[\w-]+", re.ASCII)
_SYSTEM = "rethinkdb"


class TableName(NamedTuple):
    """A table: the name of its database, and its own name."""

    db: str
    table: str

    def __str__(self) -> str:
        return f"{self.db}.{self.table}"


class Selection:
    """The selected tables.

    Args:
        words: a name, `DB` or `DB.TABLE`, or several of them. No words select all tables.

    Raises:
        ToolError: a word is neither.
    """

    def __init__(self, words: str | Iterable[str] | None = None) -> None:
        self.databases: set[str] = set()
        self.tables: set[TableName] = set()
        for word in [words] if isinstance(words, str) else words or ():
            db, dot, table = word.partition(".")
            if not _NAME.fullmatch(db) or (dot and not _NAME.fullmatch(table)):
                raise ToolError(
                    f"{word} names no database or table: write DB or DB.TABLE, with letters, "
                    "digits, _ and - only",
                    status=2,
                )
            if db == _SYSTEM:
                raise ToolError(f"{word}: the database {_SYSTEM} is the server's own", status=2)
            if dot:
                self.tables.add(TableName(db, table))
            else:
                self.databases.add(db)

    def __bool__(self) -> bool:
        return bool(self.databases or self.tables)

    def has(self, name: TableName) -> bool:
        """Whether a table is selected."""
        if not self:
            return name.db != _SYSTEM
        return name.db in self.databases or name in self.tables

    def missing(self, found: Iterable[TableName]) -> list[str]:
        """The words that match none of these tables."""
        names = set(found)
        databases = {name.db for name in names}
        return [
            *sorted(self.databases - databases),
            *sorted(str(table) for table in self.tables - names),
        ]


def meant(word: str, known: Iterable[TableName]) -> str:
    """The end of an error about a name that does not exist: a known name that was perhaps meant.

    Args:
        word: `DB` or `DB.TABLE`.
        known: the existing tables.
    """
    tables = sorted(known)
    same = [str(name) for name in tables if name.table == word.rpartition(".")[2]]
    texts = dict.fromkeys(
        text for name in tables for text in ((str(name),) if "." in word else (name.db, str(name)))
    )
    likely = same or get_close_matches(word, texts, n=1)
    return f". Did you mean {likely[0]}?" if likely else ""


class TableInfo(NamedTuple):
    """The content of a `.info` file.

    Attributes:
        primary_key: the name of the primary key.
        indexes: the results of `index_status`, with functions as BINARY.
        write_hook: the result of `get_write_hook`. None if there is no hook.
        kept: the whole JSON object.
    """

    primary_key: str
    indexes: list[dict[str, Any]]
    write_hook: dict[str, Any] | None
    kept: Mapping[str, Any]

    @classmethod
    def of(cls, kept: Any, file: str) -> TableInfo:
        """Reads the information from a server's answer or from a file.

        Args:
            kept: the JSON object.
            file: the file's name, for errors.

        Raises:
            ToolError: the object has an unknown layout.
        """
        if not isinstance(kept, dict) or not isinstance(kept.get("primary_key"), str):
            raise ToolError(f"{file} is no information about a table: it has no primary_key")
        indexes, hook = kept.get("indexes") or [], kept.get("write_hook")
        if not isinstance(indexes, list) or not all(map(_is_index, indexes)):
            raise ToolError(
                f"{file}: its indexes are not laid out as this release knows it: "
                "perhaps a newer release wrote it"
            )
        if hook is not None and not (isinstance(hook, dict) and "function" in hook):
            raise ToolError(
                f"{file}: its write_hook is not laid out as this release knows it: "
                "perhaps a newer release wrote it"
            )
        return cls(kept["primary_key"], indexes, hook, kept)

    @classmethod
    def read(cls, text: bytes, file: str) -> TableInfo:
        """The information in the text of a file. See `of`."""
        try:
            kept = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ToolError(f"{file} is not JSON: {error}") from error
        return cls.of(kept, file)

    def written(self) -> bytes:
        """The text for a `.info` file."""
        return json.dumps(self.kept).encode() + b"\n"


def _is_index(index: Any) -> bool:
    # Old releases wrote only the name of an index. Without its function it cannot be restored.
    return isinstance(index, dict) and {"index", "function"} <= index.keys()


class DataFile(NamedTuple):
    """A file with rows or with the information about a table, as its name says.

    Attributes:
        table: the table.
        format: one of `FORMATS`, or "info".
        compression: a value of `COMPRESSIONS`. None: not compressed.
    """

    table: TableName
    format: str
    compression: str | None


def format_of(name: str) -> tuple[str | None, str | None]:
    """The format and the compression by a file's name. Each is None if the name does not say."""
    path = PurePosixPath(name.lower())
    compression = COMPRESSIONS.get(path.suffix)
    if compression is not None:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix), compression


def data_file(db: str, name: str) -> DataFile | None:
    """The kind of a file in a directory. None if it belongs to no table.

    Args:
        db: the name of the file's directory.
        name: the name of the file.
    """
    format, compression = format_of(name)
    if name.endswith(".info"):
        format, compression = "info", None
    table = name.split(".", 1)[0]
    fits = _NAME.fullmatch(db) and _NAME.fullmatch(table)
    if format is None or not fits:
        return None
    return DataFile(TableName(db, table), format, compression)


def in_archive(name: str) -> DataFile | None:
    """The kind of a file in an archive. None if it is to be ignored.

    Args:
        name: the path in the archive.

    Raises:
        ToolError: the path leads out of the archive.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise ToolError(f"the archive has a path that leads out of it: {name!r}")
    if len(path.parts) != 3:
        return None
    return data_file(path.parts[1], path.parts[2])


def stamp(now: datetime) -> str:
    """A time as text for names of archives and directories."""
    text = now.isoformat(timespec="seconds")
    return text.replace(":", "-") if sys.platform == "win32" else text


def hooks_and_indexes(infos: Iterable[TableInfo]) -> tuple[int, int]:
    """How many secondary indexes and write hooks tables have together."""
    kept = list(infos)
    return sum(len(info.indexes) for info in kept), sum(bool(info.write_hook) for info in kept)
