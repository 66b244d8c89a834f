"""Reads archives of `rethinkdb-dump`, so that data of a real server can serve as a fixture."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

from rethinkdb.embedded.data import datum, jsontext, pseudotypes
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.keeping.files import DataFileError
from rethinkdb.embedded.language import stored_functions
from rethinkdb.embedded.language.stored_functions import (
    INDEX_PREFIX,
    WRITE_HOOK_PREFIX,
    NotStoredFunction,
)
from rethinkdb.embedded.storage.indexes import Index, IndexDefinition
from rethinkdb.embedded.storage.store import Store
from rethinkdb.embedded.storage.tables import StoredTable, WriteHook, build_index


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, whatever it holds."""
    return path.is_file() and tarfile.is_tarfile(path)


def load(store: Store, path: Path) -> None:
    """Adds the tables of an archive to a store, and their databases.

    Raises:
        DataFileError: it is no archive of `rethinkdb-dump`, or cannot be loaded.
    """
    try:
        with tarfile.open(path) as archive:
            members = {PurePosixPath(member.name): member for member in archive}
            tables = [name for name in members if name.suffix == ".info"]
            if not tables:
                raise DataFileError(path, "is no archive of rethinkdb-dump: it has no tables.")
            for name in tables:
                info = json.loads(_content(archive, members[name]))
                rows = _content(archive, members[name.with_suffix(".json")])
                _load_table(store, name.parent.name, name.stem, info, jsontext.loads(rows))
    except (tarfile.TarError, KeyError, TypeError, ValueError, QueryFailure) as error:
        problem = f"is no archive of rethinkdb-dump that can be read ({error!r})."
        raise DataFileError(path, problem) from error


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is no file")
    with file:
        return file.read()


def _load_table(
    store: Store, database: str, name: str, info: dict[str, Any], rows: list[Any]
) -> None:
    if database not in store.databases:
        store.create_database(database)
    table = store.create_table(database, name, info["primary_key"])
    documents = [pseudotypes.checked_tree(datum.from_json(row)) for row in rows]
    with table.lock:
        table.fill((datum.order_key(row[table.primary_key]), row) for row in documents)
    for index in info.get("indexes", []):
        _load_index(store, table, index)
    hook = info.get("write_hook")
    if hook:
        _load_hook(store, table, hook)


def _load_index(store: Store, table: StoredTable, kept: dict[str, Any]) -> None:
    given: Datum = pseudotypes.checked_tree(kept["function"])
    try:
        function, _ = stored_functions.load(given, INDEX_PREFIX, store)
    except NotStoredFunction as error:
        raise ValueError(f"the function of the index `{kept['index']}`: {error}") from error
    definition = IndexDefinition(function, kept["multi"], kept["geo"], function)
    with table.lock:
        build_index(table, Index(kept["index"], definition))


def _load_hook(store: Store, table: StoredTable, kept: dict[str, Any]) -> None:
    given: Datum = pseudotypes.checked_tree(kept["function"])
    try:
        function, _ = stored_functions.load(given, WRITE_HOOK_PREFIX, store)
    except NotStoredFunction as error:
        raise ValueError(f"the write hook of the table `{table.name}`: {error}") from error
    source = {"function": given, "query": kept["query"]}
    table.write_hook = WriteHook(function, source)
