"""Changefeeds on the first rows of an order: `order_by(index=...).limit(n)`, `min`, `max`.

The feed keeps these rows in memory, and applies changes to them. It reads the table again only if
one of the rows has left, because the next row must then move up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import Backtrace
from rethinkdb.embedded.feeds.subscriptions import (
    FeedOptions,
    Row,
    Subscription,
    skipped_row,
    transformed,
)
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.places import Places
from rethinkdb.ql2 import ResponseNote

if TYPE_CHECKING:
    from rethinkdb.embedded.data.streams import Origin
    from rethinkdb.embedded.language.environment import Environment
    from rethinkdb.embedded.storage.watchers import Notice


class Item(NamedTuple):
    """A row in an order: its position, its key, and the row after transformations."""

    order: tuple[Any, ...]
    key: OrderKey
    row: Datum


class OffsetChange(NamedTuple):
    """A change of the first rows of an order, with the offsets before and after."""

    old: Datum
    new: Datum
    old_offset: int | None
    new_offset: int | None


class LimitFeed(Subscription):
    """`order_by(index=...).limit(n).changes()`, and `min` and `max` with an index, where n is 1."""

    kind = ResponseNote.ORDER_BY_LIMIT_FEED

    def __init__(
        self,
        origin: Origin,
        limit: int,
        options: FeedOptions,
        environment: Environment,
        place: Backtrace = (),
    ) -> None:
        super().__init__(origin.slice.table, options, environment, place)
        self._origin = origin
        self._limit = limit
        self._environment = environment
        self._descending = origin.slice.sorting == "desc"
        self._places = Places(origin.slice)
        self._changes: deque[OffsetChange] = deque()
        self._skipped = 0
        with self.data.lock:
            self._top = self._read_top()
            self._watch()
        if options.initial and options.states:
            self._first.append(options.state("initializing"))
        if options.initial:
            self._first.extend(map(self._initial_value, range(len(self._top))))
        if options.states:
            self._first.append(options.state("ready"))

    def _initial_value(self, offset: int) -> Row:
        value: Row = {"new_val": self._top[offset].row}
        if self.options.offsets:
            value["new_offset"] = offset
        return self.options.typed(value, "initial")

    def _read_top(self) -> list[Item]:
        top: list[Item] = []
        met: dict[OrderKey, int] = {}
        for row in self._environment.read(self._origin.slice):
            if len(top) >= self._limit:
                break
            items = self._items(row)
            # A multi index may contain a row several times, and the row is then read as often.
            place = met.get(datum.order_key(self.data.key_of(row)), 0)
            met[datum.order_key(self.data.key_of(row))] = place + 1
            top.extend(items[place : place + 1])
        return top

    def _items(self, row: Datum) -> list[Item]:
        """The positions of a row in the order, first one first. None if it is filtered out."""
        value = None if row is None else transformed(self._origin, row)
        if value is None:
            return []
        key = datum.order_key(self.data.key_of(row))
        places = sorted(self._places.of(row), reverse=self._descending)
        return [Item((place, key), key, value) for place in places]

    def _in_order(self, items: Iterable[Item]) -> list[Item]:
        return sorted(items, key=lambda item: item.order, reverse=self._descending)

    def _take(self, change: Notice) -> None:
        key = change.row_key
        before = self._top
        full = len(before) >= self._limit
        kept = [item for item in before if item.key != key]
        after = self._in_order([*kept, *self._items(change.new)])
        if full and before:
            # A row after the last one here may also come after rows that are not kept here.
            after = [item for item in after if not self._sorts_behind(item, before[-1])]
            if len(after) < self._limit:
                after = self._read_top()
        self._top = after[: self._limit]
        with self._lock:
            for found in self._differences(before, self._top):
                self._add(found)

    def _sorts_behind(self, item: Item, last: Item) -> bool:
        return item.order < last.order if self._descending else item.order > last.order

    def _differences(self, before: list[Item], after: list[Item]) -> list[OffsetChange]:
        old = {item.order: (place, item) for place, item in enumerate(before)}
        new = {item.order: (place, item) for place, item in enumerate(after)}
        gone = [pair for order, pair in old.items() if order not in new]
        come = [pair for order, pair in new.items() if order not in old]
        stayed = [(pair, new[order]) for order, pair in old.items() if order in new]
        changes = [(a, b) for a, b in stayed if not datum.equal(a[1].row, b[1].row)]
        for place, item in list(gone):
            same = next((pair for pair in come if pair[1].key == item.key), None)
            if same is not None:
                changes.append(((place, item), same))
                gone.remove((place, item))
                come.remove(same)
        return [
            *(_offset_change(left, arrived) for left, arrived in changes),
            *(_offset_change(left, arrived) for left, arrived in zip_longest(gone, come)),
        ]

    def _add(self, change: OffsetChange) -> None:
        if self.options.squash:
            for place, earlier in enumerate(self._changes):
                if datum.equal(earlier.new, change.old):
                    self._changes[place] = earlier._replace(
                        new=change.new, new_offset=change.new_offset
                    )
                    return
        self._changes.append(change)
        if len(self._changes) > self.options.queue_size:
            self._skipped += len(self._changes)
            self._changes.clear()

    def _says_something(self, change: OffsetChange) -> bool:
        same_place = not self.options.offsets or change.old_offset == change.new_offset
        return not (same_place and datum.equal(change.old, change.new))

    def _has_rows(self) -> bool:
        return bool(self._first or self._skipped or any(map(self._says_something, self._changes)))

    def _next_rows(self) -> list[Datum]:
        if self._first:
            return [self._first.popleft()]
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            return [skipped_row(skipped)]
        while self._changes:
            change = self._changes.popleft()
            if self._says_something(change):
                return [self._row(change)]
        return []

    def _row(self, change: OffsetChange) -> Row:
        row = self.options.change(change.old, change.new)
        if self.options.offsets:
            row = {**row, "old_offset": change.old_offset, "new_offset": change.new_offset}
        return row


def _offset_change(left: tuple[int, Item] | None, arrived: tuple[int, Item] | None) -> OffsetChange:
    return OffsetChange(
        old=None if left is None else left[1].row,
        new=None if arrived is None else arrived[1].row,
        old_offset=None if left is None else left[0],
        new_offset=None if arrived is None else arrived[0],
    )
