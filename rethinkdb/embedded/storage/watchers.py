"""Who watches a table, and who of them is to be told of a change.

Most changefeeds are about few rows: one key, or a field with one value. Those are found by the
value, so that a write costs the same however many there are. All others are told of every change.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.storage.keys import OrderKey


class Change(NamedTuple):
    """One committed write of a document; None is absent."""

    key: Datum
    old: Datum
    new: Datum


class Notice(Change):
    """A change as those who watch are told of it: what several of them need is worked out once."""

    @functools.cached_property
    def row_key(self) -> OrderKey:
        """The order key of the primary key."""
        return datum.order_key(self.key)

    @functools.cached_property
    def row(self) -> dict[str, Datum]:
        """What a changefeed of the whole table tells of it, if it includes no types."""
        return {"old_val": self.old, "new_val": self.new}

    @functools.cached_property
    def differs(self) -> bool:
        """Whether the document is another one than before."""
        return not datum.equal(self.old, self.new)


class TableListener(Protocol):
    """Whoever watches a table. Called under the store's lock, in commit order: be quick."""

    def __call__(self, change: Notice) -> None:
        """One document was written."""

    def table_dropped(self) -> None:
        """The table is gone or cannot be reached; nothing else will come."""


class Where(NamedTuple):
    """Rows that have one of some values in a field: all that a listener wants to hear of.

    The field None stands for the primary key. In others only strings, numbers and booleans count.
    """

    field: str | None
    values: frozenset[OrderKey]


class Watchers:
    """The listeners of one table. Its methods are called under the store's lock."""

    def __init__(self) -> None:
        # Dictionaries without values: sets in the order in which the listeners came.
        self._of_all: dict[TableListener, None] = {}
        self._of_some: dict[str | None, dict[OrderKey, dict[TableListener, None]]] = {}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._of_all or self._of_some)

    def add(self, listener: TableListener, where: Where | None) -> None:
        """Another one, for all changes or for those of some rows."""
        if where is None:
            self._of_all[listener] = None
            return
        by_value = self._of_some.setdefault(where.field, {})
        for value in where.values:
            by_value.setdefault(value, {})[listener] = None

    def remove(self, listener: TableListener, where: Where | None) -> None:
        """Undoes `add`; a second time has no effect."""
        if where is None:
            self._of_all.pop(listener, None)
            return
        by_value = self._of_some.get(where.field, {})
        for value in where.values:
            listeners = by_value.get(value, {})
            listeners.pop(listener, None)
            if not listeners:
                by_value.pop(value, None)
        if not by_value:
            self._of_some.pop(where.field, None)

    def tell(self, change: Change) -> None:
        """Tells those whom a change is about."""
        notice = Notice(*change)
        for listener in (*self._of_all, *self._concerned(notice)):
            listener(notice)

    def _concerned(self, change: Notice) -> Iterable[TableListener]:
        found: dict[TableListener, None] = {}
        for field, by_value in self._of_some.items():
            if field is None:
                found.update(by_value.get(change.row_key, {}))
                continue
            for row in (change.old, change.new):
                value = None if row is None else row.get(field)
                if isinstance(value, (str, int, float)):
                    found.update(by_value.get(datum.order_key(value), {}))
        return found

    def end(self) -> None:
        """Tells all that the table is gone, and forgets them."""
        listeners = dict(self._of_all)
        for by_value in self._of_some.values():
            for some in by_value.values():
                listeners.update(some)
        self._of_all, self._of_some = {}, {}
        for listener in listeners:
            listener.table_dropped()
