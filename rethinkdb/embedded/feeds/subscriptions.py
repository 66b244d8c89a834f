"""Changefeeds on a range of rows of a table, and on one row. Feeds on first rows are in `tops`.

Each feed watches a table. The table reports every commit to it, in order, under the store's lock.
The feed begins to watch, and takes its initial values, under one hold of the lock. So no change is
lost or reported twice. A change to a row whose initial value has not been sent yet only replaces
that value. If such a row leaves the range, the client never sees it.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import FieldFilter
from rethinkdb.embedded.failures import Backtrace, Interrupted, QueryFailure
from rethinkdb.embedded.feeds.sources import Source
from rethinkdb.embedded.storage import keys, permissions
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.places import Places
from rethinkdb.embedded.storage.watchers import Notice, Where
from rethinkdb.ql2 import ResponseNote

if TYPE_CHECKING:
    from rethinkdb.embedded.data.streams import Origin
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.evaluation import Environment

Row = dict[str, Datum]


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """The options of `changes`.

    Attributes:
        squash: whether to merge unsent changes of the same row.
        interval: how many seconds changes are collected.
        initial, states, offsets, types: whether to include these.
        queue_size: how many changes are kept for a slow client before they are dropped.
    """

    squash: bool = False
    interval: float = 0.0
    initial: bool = False
    states: bool = False
    offsets: bool = False
    types: bool = False
    queue_size: int = 100_000

    def typed(self, row: Row, type: str) -> Row:
        """The row with its type, if types are included."""
        return {**row, "type": type} if self.types else row

    def state(self, state: str) -> Row:
        """The row for a state of the feed."""
        return self.typed({"state": state}, "state")

    def change(self, old: Datum, new: Datum) -> Row:
        """The row for a change. Null means: no row."""
        type_ = "add" if old is None else "remove" if new is None else "change"
        return self.typed({"old_val": old, "new_val": new}, type_)

    def initial_value(self, row: Datum) -> Row:
        """The row for an initial value."""
        return self.typed({"new_val": row}, "initial")


class Subscription(Source):
    """The base class of the feeds on tables."""

    kind: ResponseNote

    def __init__(
        self,
        table: Table,
        options: FeedOptions,
        environment: Environment,
        place: Backtrace = (),
    ) -> None:
        super().__init__(place)
        self.data = table.data
        self.options = options
        self._permit = functools.partial(permissions.require_read, environment, table)
        self._first: deque[Row] = deque()
        """Rows to send before all others: states and initial values."""
        self._end_watching: Callable[[], None] = lambda: None

    @property
    def notes(self) -> list[ResponseNote]:
        """The kind of the feed, and whether it includes states."""
        states = [ResponseNote.INCLUDES_STATES] if self.options.states else []
        return [self.kind, *states]

    @property
    def interval(self) -> float:
        """The interval of the options."""
        return self.options.interval

    def pull(self) -> list[Datum]:
        """See `Feed`. The user may have lost the permission to read the table meanwhile."""
        self._permit()
        return super().pull()

    def _watch(self, where: Where | None = None) -> None:
        self._end_watching = self.data.watch(self, where)

    def _unwatch(self) -> None:
        self._end_watching()

    def __call__(self, change: Notice) -> None:
        """A row of the table was written."""
        self._guarded(self._take, change)
        self._notify()

    @abstractmethod
    def _take(self, change: Notice) -> None:
        """Applies a change of the table."""


class ChangeQueue:
    """Changes that have not been sent yet: in order, or merged by row (`squash`)."""

    def __init__(self, options: FeedOptions) -> None:
        self._options = options
        self._rows: deque[tuple[Datum, Datum] | Notice] = deque()
        self._shares = not options.squash and not options.types
        self._by_key: dict[OrderKey, tuple[Datum, Datum]] = {}
        self._skipped = 0

    def __bool__(self) -> bool:
        """Whether there is something to send."""
        return bool(self._skipped or self._rows or self._by_key)

    def add_notice(self, change: Notice) -> None:
        """Adds a change of a document as a whole. Feeds that tell it alike share its row."""
        if self._shares and len(self._rows) < self._options.queue_size:
            self._rows.append(change)
        else:
            self.add(change.row_key, change.old, change.new)

    def add(self, key: OrderKey, old: Datum, new: Datum) -> None:
        """Adds a change. If the queue is full, all changes are dropped, and one row says so."""
        if self._options.squash:
            self._merge(key, old, new)
        else:
            self._rows.append((old, new))
        size = len(self._by_key) if self._options.squash else len(self._rows)
        if size > self._options.queue_size:
            self._skipped += size
            self._rows.clear()
            self._by_key.clear()

    def _merge(self, key: OrderKey, old: Datum, new: Datum) -> None:
        earlier = self._by_key.get(key)
        if earlier is None:
            self._by_key[key] = (old, new)
            return
        before = earlier[0]
        if datum.equal(before, new):
            del self._by_key[key]
        else:
            self._by_key[key] = (before, new)

    def pop(self) -> Row:
        """The next row to send."""
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            return skipped_row(skipped)
        if self._rows:
            change = self._rows.popleft()
            return change.row if isinstance(change, Notice) else self._options.change(*change)
        return self._options.change(*self._by_key.pop(next(iter(self._by_key))))


def skipped_row(count: int) -> Row:
    """The row which says that so many changes were dropped, because the client was too slow."""
    return {"error": f"Changefeed cache over array size limit, skipped {count} elements."}


class PointFeed(Subscription):
    """`table.get(key).changes()`."""

    kind = ResponseNote.ATOM_FEED

    def __init__(
        self,
        table: Table,
        key: Datum,
        options: FeedOptions,
        environment: Environment,
        place: Backtrace = (),
    ) -> None:
        super().__init__(table, options, environment, place)
        self._queue = ChangeQueue(options)
        where = Where(None, frozenset({keys.primary_key(key)}))
        with self.data.lock:
            self._watch(where)
            row = self.data.get(key)
        if options.initial and options.states:
            self._first.append(options.state("initializing"))
        if options.initial:
            self._first.append(options.initial_value(row))
        if options.states:
            self._first.append(options.state("ready"))

    def _take(self, change: Notice) -> None:
        with self._lock:
            self._queue.add_notice(change)

    def _has_rows(self) -> bool:
        return bool(self._first or self._queue)

    def _next_rows(self) -> list[Datum]:
        return [self._first.popleft() if self._first else self._queue.pop()]


class RangeFeed(Subscription):
    """`changes` on a table, or on rows of it by key or index, with row-wise transformations."""

    kind = ResponseNote.SEQUENCE_FEED

    def __init__(
        self,
        origin: Origin,
        options: FeedOptions,
        environment: Environment,
        place: Backtrace = (),
    ) -> None:
        super().__init__(origin.slice.table, options, environment, place)
        self._origin = origin
        self._places = Places(origin.slice)
        self._whole_table = self._places.everything and not origin.transforms
        self._queue = ChangeQueue(options)
        self._initial: dict[OrderKey, list[Datum]] = {}
        with self.data.lock:
            if options.initial:
                self._take_initial_values(environment.read(origin.slice))
            self._watch(_where(origin))
        self._ready_told = not options.states
        if options.initial and options.states:
            self._first.append(options.state("initializing"))

    def _take_initial_values(self, rows: Iterable[Datum]) -> None:
        for row in rows:
            self._initial.setdefault(datum.order_key(self.data.key_of(row)), []).append(row)

    def _take(self, change: Notice) -> None:
        if self._whole_table and not self._initial:
            # By far the most common feeds are those of a whole table: worth a path of their own.
            if change.differs:  # which is found out once for all of them
                with self._lock:
                    self._queue.add_notice(change)
            return
        old_copies, new_copies = self._places.count(change.old), self._places.count(change.new)
        if not old_copies and not new_copies:
            return
        key = change.row_key
        with self._lock:
            if key in self._initial:
                self._initial[key] = [change.new] * new_copies
                return
        old = transformed(self._origin, change.old) if old_copies else None
        new = transformed(self._origin, change.new) if new_copies else None
        changes = [(old, new)] * min(old_copies, new_copies)
        changes += [(old, None)] * (old_copies - new_copies)
        changes += [(None, new)] * (new_copies - old_copies)
        with self._lock:
            for before, after in changes:
                if not datum.equal(before, after):
                    self._queue.add(key, before, after)

    def _has_rows(self) -> bool:
        return bool(self._first or self._initial or not self._ready_told or self._queue)

    def _next_rows(self) -> list[Datum]:
        if self._first:
            return [self._first.popleft()]
        if self._initial:
            return self._next_initial_values()
        if not self._ready_told:
            self._ready_told = True
            return [self.options.state("ready")]
        return [self._queue.pop()]

    def _next_initial_values(self) -> list[Datum]:
        rows = self._initial.pop(next(iter(self._initial)))
        found = (value for row in rows for value in self._origin.apply(row))
        return [self.options.initial_value(value) for value in found if value is not None]


def _where(origin: Origin) -> Where | None:
    """The values of a key or field that all rows of a stream have. None if it has no such limit."""
    part = origin.slice
    if part.primary_keys:  # one without any key still hears of the end of its table
        wanted = frozenset(keys.bound(key, primary=True) for key in part.primary_keys)
        return Where(None, wanted)
    first = origin.transforms[0] if origin.transforms else None
    if isinstance(first, FieldFilter):
        return Where(first.field, frozenset({datum.order_key(first.value)}))
    return None


def transformed(origin: Origin, row: Datum) -> Datum:
    """A row after the transformations of a stream. Null if it is dropped, or if they fail."""
    try:
        return next(iter(origin.apply(row)), None)
    except (QueryFailure, Interrupted):
        return None
