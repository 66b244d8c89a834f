"""Writes documents. Each is written under the store's lock, after the write hook and the checks.

An error of one document is counted in the result. The other documents are still written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.values import Table
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic, op_failed
from rethinkdb.embedded.storage import access, keys, permissions
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.tables import StoredTable, WriteHook, check_storable
from rethinkdb.embedded.storage.watchers import Change
from rethinkdb.embedded.storage.write_results import Tally

if TYPE_CHECKING:
    from rethinkdb.embedded.language.evaluation import Environment

_Item = TypeVar("_Item")

Replacement: TypeAlias = Callable[[Datum], Datum]
"""A function from the old row to the new row. None means: no row."""

Conflict: TypeAlias = Callable[[Datum, Datum], Datum]
"""A function from the existing row and the row to insert, to the new row."""


class Writer:
    """One write operation on one table. The permission is checked at the first row."""

    def __init__(
        self,
        table: Table,
        environment: Environment,
        tally: Tally,
        *,
        ignore_write_hook: bool = False,
    ) -> None:
        self._target = table
        self._table = table.data
        self._environment = environment
        self._tally = tally
        self._hook = None if ignore_write_hook else table.data.write_hook

    def _permitted(self, items: Iterable[_Item]) -> Iterator[_Item]:
        for place, item in enumerate(items):
            if place == 0:
                permissions.require_write(self._environment, self._target)
            self._environment.check_interrupted()
            yield item

    # -- inserting

    def insert(self, documents: Iterable[Datum], conflict: Conflict) -> None:
        """Inserts documents. Those without a primary key get a generated one."""
        if self._table.gate is None:
            self._insert(documents, conflict)
            return
        found, primary_key = list(documents), self._table.primary_key
        if not found:
            return
        known = [row[primary_key] for row in found if isinstance(row, dict) and primary_key in row]
        with self._writing(known if len(known) == len(found) else None):
            self._insert(found, conflict)

    def _writing(self, row_keys: Iterable[Datum] | None) -> AbstractContextManager[None]:
        access.require_write_hook(self._table)
        return access.writing(self._environment, self._target, row_keys)

    def _insert(self, documents: Iterable[Datum], conflict: Conflict) -> None:
        primary_key = self._table.primary_key
        refused: list[str] = []
        failed: list[tuple[Datum, str]] = []
        any_valid = False
        earlier, reported = self._tally.first_error, len(self._tally.changes)
        for document in self._permitted(documents):
            generated = _lacks_key(document, primary_key)
            if generated:
                document = self._with_key(document)
            try:
                key = _field(document, primary_key)
                row_key = keys.primary_key(key)
            except QueryFailure as failure:
                refused.append(failure.message)
                self._tally.refused(failure.message)
                continue
            any_valid = True
            if not self._insert_new(row_key, document):
                before = self._tally.counts["errors"]
                self._replace(key, row_key, _inserting(document, conflict), generated=generated)
                if self._tally.counts["errors"] > before:
                    failed.append((key, self._tally.last_error))
        if failed and isinstance(self._table, StoredTable):
            # A real server writes part by part, but reports changes in the order of the documents.
            shard = self._table.sharding.shard
            self._tally.first_error = min(failed, key=lambda pair: shard(pair[0]))[1]
        if refused:  # a real server checks these before all others
            self._tally.first_error = refused[0]
            if not any_valid:  # then a real server reports only the first
                del self._tally.changes[reported + 1 :]
        if earlier is not None:
            self._tally.first_error = earlier

    def _insert_new(self, row_key: OrderKey, document: dict[str, Datum]) -> bool:
        # The fast path of most inserts: the row is new, and nothing needs to be computed.
        table = self._table
        if self._hook is not None or not isinstance(table, StoredTable):
            return False
        try:
            check_storable(document)
        except QueryFailure:
            return False
        with table.lock:
            if row_key in table.rows:
                return False
            table.put(row_key, None, document)
            table.writes.record()
        self._tally.wrote(None, document, changed=True)
        return True

    def _with_key(self, document: dict[str, Datum]) -> dict[str, Datum]:
        key = self._environment.store.chance.new_uuid()
        self._tally.generated(key)
        return {**document, self._table.primary_key: key}

    # -- replacing

    def replace(self, row_keys: Iterable[Datum], replacement: Replacement) -> None:
        """Replaces rows. The replacement is computed under the lock, from the current row.

        Rows are written part by part, as on a real server.
        """
        found = self._by_part(row_keys)
        with self._writing(found):
            for key in self._permitted(found):
                self._replace(key, keys.primary_key(key), replacement)

    def _by_part(self, row_keys: Iterable[Datum]) -> list[Datum]:
        table, found = self._table, list(row_keys)
        if len(found) > 1 and isinstance(table, StoredTable):
            found.sort(key=table.sharding.shard)
        return found

    def replace_with_results(
        self, rows: Iterable[tuple[Datum, Datum]], replacement: Replacement
    ) -> None:
        """Replaces rows (key, row as read) by the result of a function that is not deterministic.

        The function runs once for each row, before the write and outside the lock.
        """
        primary_key = self._table.primary_key
        found = list(rows)
        with self._writing([key for key, _ in found]):
            for key, row in self._permitted(found):
                try:
                    new = replacement(row)
                    _check_same_key(new, row, key, primary_key)
                except QueryFailure as failure:
                    self._tally.failed_early(failure.message)
                    continue
                self._replace(key, keys.primary_key(key), _always(new))

    def _replace(
        self, key: Datum, row_key: OrderKey, replacement: Replacement, *, generated: bool = False
    ) -> None:
        table = self._table
        with table.lock:
            table.writes.record()
            old = table.rows.get(row_key)
            try:
                new = replacement(old)
                if self._hook is not None:
                    new = self._hooked(self._hook, old, new)
                _check_replacement(row_key, old, new, table.primary_key)
                if table.is_system or not _same(old, new):
                    if new is not None:
                        check_storable(new)
                    change, user = Change(key, old, new), self._environment.user
                    new = table.write(row_key, change, generated=generated, user=user)
            except QueryFailure as failure:
                if table.is_system and failure.kind is FailureKind.PERMISSION:
                    raise  # the query's failure, not the row's
                self._tally.failed(old, failure.message)
            else:
                self._tally.wrote(old, new, changed=not _same(old, new))

    def _hooked(self, hook: WriteHook, old: Datum, new: Datum) -> Datum:
        key = next(
            (row.get(self._table.primary_key) for row in (new, old) if isinstance(row, dict)), None
        )
        context = {"primary_key": key, "timestamp": self._environment.now}
        try:
            changed = hook.function(context, old, new)
        except QueryFailure as failure:
            raise QueryFailure(failure.kind, f"Error in write hook: {failure.message}") from failure
        if new is None and changed is not None:
            raise op_failed("A write hook function must not turn a deletion into a replace/insert.")
        if new is not None and changed is None:
            raise op_failed("A write hook function must not turn a replace/insert into a deletion.")
        return changed


def _lacks_key(document: Datum, primary_key: str) -> bool:
    # Times and the like are objects, but get no key.
    if not isinstance(document, dict) or primary_key in document:
        return False
    return datum.REQL_TYPE not in document


def _always(new: Datum) -> Replacement:
    return lambda old: new


def _inserting(document: Datum, conflict: Conflict) -> Replacement:
    return lambda old: document if old is None else conflict(old, document)


# -- checks


def _same(old: Datum, new: Datum) -> bool:
    # Compares as data. Most parts of a changed row are the same objects as before, so this is fast.
    if old is new:
        return True
    if old is None or new is None:
        return False
    if type(old) is not dict or type(new) is not dict or datum.REQL_TYPE in old:
        return datum.equal(old, new)
    return old.keys() == new.keys() and all(_same(old[name], new[name]) for name in old)


def _field(document: Datum, primary_key: str) -> Datum:
    fields = datum.as_object(document)
    if primary_key not in fields:
        raise logic(
            f"Inserted object must have primary key `{primary_key}`:\n{datum.pretty(document)}"
        )
    return fields[primary_key]


def _check_same_key(new: Datum, row: Datum, key: Datum, primary_key: str) -> None:
    if not datum.equal(_field(new, primary_key), key):
        raise _key_changed(row, new, primary_key)


def _key_changed(old: Datum, new: Datum, primary_key: str) -> QueryFailure:
    return logic(
        f"Primary key `{primary_key}` cannot be changed"
        f" (`{datum.pretty(old)}` -> `{datum.pretty(new)}`)."
    )


def _check_replacement(row_key: OrderKey, old: Datum, new: Datum, primary_key: str) -> None:
    if new is None:
        return
    if not isinstance(new, dict):
        raise logic(
            f"Inserted value must be an OBJECT (got {datum.type_name(new)}):\n{datum.pretty(new)}"
        )
    key = _field(new, primary_key)
    if old is not None and not _same(old[primary_key], key):
        raise _key_changed(old, new, primary_key)
    if keys.primary_key(key) != row_key:
        raise logic(
            f"Primary key `{primary_key}` cannot be changed"
            f" ({datum.pretty(old)} -> {datum.pretty(new)})"
        )
