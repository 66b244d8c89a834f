"""Loads and saves a whole store, and attaches the data file to a running server."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.keeping import archives, describing, files
from rethinkdb.embedded.keeping.files import DataFile, DataFileError, StoredRows
from rethinkdb.embedded.keeping.journal import Journal
from rethinkdb.embedded.storage.store import Store


def attach(store: Store, path: Path) -> Journal:
    """Loads a store from its data file, and keeps the store in this file from now on.

    If the file is new, the content of the store is written to it.

    Raises:
        DataFileError: the file cannot be used.
    """
    file = DataFile(path)
    try:
        known = _restore(store, path, file.connection)
    except BaseException:
        file.close()
        raise
    journal = Journal(file)
    try:
        with store.lock:
            store.keep(journal, describing.described)
            if not known:
                for _, table in store.all_tables():
                    for row in table.rows.values():
                        journal.put(table.id, table.key_of(row), row)
        journal.wait(journal.sequence)
    except QueryFailure as failure:
        detach(store, journal)
        raise DataFileError(path, f"cannot be written: {failure.message}") from failure
    return journal


def detach(store: Store, journal: Journal) -> None:
    """Writes what is left, and closes the file. Raises `DataFileError` if that fails."""
    store.keep(None, lambda store: {})
    journal.close()


def save(store: Store, path: Path) -> None:
    """Writes the whole content of a store to a file.

    Raises:
        DataFileError: writing failed. The old content of the file is still there.
    """
    with store.lock:
        description, rows = describing.described(store), describing.all_rows(store)
    files.replace_file(path, description, rows)


def load(store: Store, path: Path) -> None:
    """Loads a store from a file.

    The file may be written by `save`, be a data file, or be an archive of `rethinkdb-dump`. An
    archive has no users.

    Raises:
        DataFileError: the file cannot be used.
    """
    if not path.exists():
        raise DataFileError(path, "does not exist.")
    files.refuse_ours(path)
    if archives.is_archive(path):
        archives.load(store, path)
        return
    file = DataFile(path)
    try:
        _restore(store, path, file.connection)
    finally:
        file.close()


def _restore(store: Store, path: Path, connection: sqlite3.Connection) -> bool:
    try:
        description = files.description_of(connection)
        if description is None:
            return False
        rows = StoredRows(connection)
        describing.restore(store, description, rows.of_table)
        rows.check_all_read()
    except (sqlite3.Error, KeyError, TypeError, ValueError, QueryFailure) as error:
        told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise DataFileError(path, f"is damaged ({told}). Restore it from a copy.") from error
    return True
