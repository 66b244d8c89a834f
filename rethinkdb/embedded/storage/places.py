"""The positions of rows in a slice of a table: under which keys a row is, and how often."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.storage import keys
from rethinkdb.embedded.storage.keys import OrderKey

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import TableSlice


class Places:
    """Finds the positions of rows.

    Args:
        part: the slice.

    Attributes:
        everything: whether the slice is the whole table, each row once.
    """

    def __init__(self, part: TableSlice) -> None:
        self._data = part.table.data
        self._index = None if part.index == self._data.primary_key else part.index
        primary = self._index is None
        bound = functools.partial(keys.bound, primary=primary)
        self.everything = primary and part.keys is None and not part.bounded
        self._wanted: list[OrderKey] | None = None
        if part.keys is not None:
            self._wanted = [bound(key) for key in part.keys]
            return
        self._left, self._left_closed = bound(part.left), part.left_closed
        self._right, self._right_closed = bound(part.right), part.right_closed

    def count(self, row: Datum) -> int:
        """How often the slice contains a row. Zero for null."""
        if row is None:
            return 0
        return 1 if self.everything else len(self.of(row))

    def of(self, row: Datum) -> list[OrderKey]:
        """The keys of a row in the slice, each as often as the slice gives the row."""
        found = self._keys_of(row)
        wanted = self._wanted
        if wanted is not None:
            return [key for key in found for _ in range(wanted.count(key))]
        return [key for key in found if self._includes(key)]

    def _keys_of(self, row: Datum) -> list[OrderKey]:
        if self._index is None:
            return [datum.order_key(self._data.key_of(row))]
        index = self._data.indexes.get(self._index)
        return [] if index is None else index.keys(row)

    def _includes(self, key: OrderKey) -> bool:
        if key < self._left or key > self._right:
            return False
        if key == self._left and not self._left_closed:
            return False
        return key != self._right or self._right_closed
