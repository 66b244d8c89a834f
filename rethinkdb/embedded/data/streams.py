"""Lazy sequences that know which table they read.

A `Stream` can be read once, row by row. If it reads a table, it also has an `Origin`. This says
which rows of which table it reads, in which order, and which row-wise transformations were applied.
`changes` needs this to open a changefeed on the stream.

Streams that are split into groups are in `grouped_streams`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from rethinkdb.embedded.data import shards
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.shards import Portions
from rethinkdb.embedded.failures import Backtrace, QueryFailure, logic

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import TableSlice
    from rethinkdb.embedded.feeds.feed import Feed

Transform: TypeAlias = Callable[[Iterator[Datum]], Iterator[Datum]]
"""Rows in, rows out, lazily. It keeps no state between rows, so it may run on a single one."""


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """A filter. Only rows with a certain value in a certain field can pass it.

    Attributes:
        transform: what it does.
        field, value: what a row must have, whatever else it wants of it.
    """

    transform: Transform
    field: str
    value: Datum

    def __call__(self, rows: Iterator[Datum]) -> Iterator[Datum]:
        """The rows that pass."""
        return self.transform(rows)


INFINITE = (
    "Cannot use an infinite stream with an aggregation function (`reduce`, `count`, etc.)"
    " or coerce it to an array."
)
_EAGER = "Cannot call `changes` on an eager stream."
_AFTER_LIMIT = (
    "Changefeeds are not supported on queries that have a transformation following a `limit` term."
    "  Transformations include terms such as `filter`, `map`, `pluck`, etc.  Consider moving the"
    " transformation before the `limit` term."
)


def obstacle_of(determinism: Determinism, backtrace: Backtrace | None) -> QueryFailure | None:
    """Why no changefeed can follow a function, as an error that points at it. None if one can."""
    if determinism.holds(on_one_server=True, within_one_query=True):
        return None
    return logic("Cannot call `changes` after a non-deterministic function.", backtrace)


@dataclass(frozen=True, slots=True)
class Origin:
    """The rows that a stream reads, and what was done to each of them.

    Attributes:
        slice: the rows of the table.
        transforms: what was done to them, first to last.
        limit: the n of `order_by(index=...).limit(n)`.
        obstacle: why no changefeed can follow this, None if one can. Without a backtrace it is
            about `changes`.
    """

    slice: TableSlice
    transforms: tuple[Transform, ...] = ()
    limit: int | None = None
    obstacle: QueryFailure | None = None

    def apply(self, row: Datum) -> list[Datum]:
        """The rows that the stream makes of one row of the table: none, one, or several."""
        rows: Iterator[Datum] = iter((row,))
        for transform in self.transforms:
            rows = transform(rows)
        return list(rows)

    def through(self, transform: Transform, obstacle: QueryFailure | None) -> Origin:
        """The same with one more transformation."""
        return replace(
            self,
            transforms=(*self.transforms, transform),
            obstacle=self.obstacle or obstacle,
        )


class Refusal(NamedTuple):
    """Why a stream cannot be pulled to its end, and the term at which the error points.

    That term is the last to have transformed the rows, unless a wrapper has pinned it.
    """

    message: str
    backtrace: Backtrace | None = None
    pinned: bool = False

    def moved_to(self, backtrace: Backtrace) -> Refusal:
        """The same after another transformation."""
        return self if self.pinned else Refusal(self.message, backtrace)

    def pinned_at(self, backtrace: Backtrace | None) -> Refusal:
        """The same, pointing at this term from now on."""
        return Refusal(self.message, self.backtrace or backtrace, pinned=True)


class Stream:
    """A sequence of data, to be pulled once: by iterating over it, or by `all_rows()`.

    Attributes:
        origins: what it reads, several for a union; empty where no changefeed can follow it.
        at_hand: it need not be read from a table.
        is_array: it is an array whose rows have not been computed yet.
        refusal: why it cannot be pulled to its end: `r.range()` and changefeeds have none.
        feed: the same rows as a changefeed gives them, which blocks nobody; None if it is none.
        backtrace: the term that gave it, for failures that show when it is pulled.
    """

    __slots__ = ("_rows", "at_hand", "backtrace", "feed", "is_array", "origins", "refusal")

    def __init__(
        self,
        rows: Iterable[Datum],
        *,
        origin: Origin | None = None,
        origins: tuple[Origin, ...] = (),
        is_array: bool = False,
        refusal: Refusal | None = None,
        feed: Feed | None = None,
        backtrace: Backtrace | None = None,
        at_hand: bool = False,
    ) -> None:
        self._rows = rows
        self.at_hand = at_hand or is_array
        self.origins = origins if origin is None else (origin,)
        self.is_array = is_array
        self.refusal = refusal
        self.feed = feed
        self.backtrace = backtrace

    @classmethod
    def of_array(cls, items: list[Datum]) -> Stream:
        """An array as a stream."""
        return cls(items, is_array=True)

    @property
    def exhausted(self) -> bool:
        """Whether it is known, without pulling anything, that there is no row."""
        return isinstance(self._rows, Sized) and len(self._rows) == 0

    @property
    def infinite(self) -> bool:
        """Whether it never ends. Then only lazy operations are allowed."""
        return self.refusal is not None

    def __iter__(self) -> Iterator[Datum]:
        """Pulls the rows as they are asked for."""
        return self._located(iter(self._rows))

    def _located(self, rows: Iterable[Datum]) -> Iterator[Datum]:
        try:
            yield from rows
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = self.backtrace
            raise

    def _pulled_at_once(self, rows: Iterable[Datum]) -> Iterator[Datum]:
        """The rows, for a term that pulls all of them. The error of a row points at that term."""
        try:
            yield from rows
        except QueryFailure as failure:
            if failure.backtrace is None and not failure.at_user:
                failure.backtrace = self.backtrace
            raise

    def all_rows(self) -> Iterator[Datum]:
        """Pulls the rows for a result that needs all of them. Raises if the stream never ends."""
        self.check_finite()
        return iter(self)

    def batches(self, portions: Portions, wanted: float = math.inf) -> Iterator[list[Datum]]:
        """The rows in portions, as a real server handles them, for a reader of this many."""
        rows = shards.wanted_of(self.located_source(), wanted)
        return shards.batches_of(rows, portions.at_most(wanted))

    def first_rows(self, count: int) -> Iterator[Datum]:
        """The rows for a reader that needs at most this many."""
        return self._located(iter(shards.wanted_of(self._rows, count)))

    def check_finite(self) -> None:
        """Raises if the stream never ends."""
        if self.refusal is None:
            return
        raise logic(self.refusal.message, self.refusal.backtrace or self.backtrace)

    def through(
        self,
        transform: Transform,
        backtrace: Backtrace,
        *,
        obstacle: QueryFailure | None = None,
        may_follow_limit: bool = False,
    ) -> Stream:
        """The stream with a row-wise transformation applied.

        Args:
            transform: what to do to the rows.
            backtrace: the term that does it.
            obstacle: why no changefeed can follow it.
            may_follow_limit: whether a changefeed on `limit` can follow it (on a filter it can).
        """
        after_limit = None if may_follow_limit else logic(_AFTER_LIMIT, backtrace)
        return Stream(
            () if self.exhausted else shards.transformed(self._rows, transform),
            origins=tuple(
                origin.through(transform, obstacle if origin.limit is None else after_limit)
                for origin in self.origins
            ),
            is_array=self.is_array,
            refusal=self.refusal and self.refusal.moved_to(backtrace),
            feed=self.feed and self.feed.through(transform, backtrace),
            backtrace=backtrace,
            at_hand=self.at_hand,
        )

    def wrapped(
        self,
        rows: Iterable[Datum],
        *,
        origins: tuple[Origin, ...] = (),
        feed: Feed | None = None,
    ) -> Stream:
        """A stream that pulls its rows from this one, but not row by row."""
        if self.feed is not None and feed is None:
            rows = iter(rows)
            feed = self.feed.iterated(rows)
        return Stream(
            rows,
            origins=origins,
            is_array=self.is_array,
            refusal=self.refusal and self.refusal.pinned_at(self.backtrace),
            feed=feed,
            backtrace=self.backtrace,
            at_hand=self.at_hand,
        )

    def sliced(self, left: int, right: int | None) -> Stream:
        """The rows from one position up to another, which is excluded. None: up to the end."""
        rows: Iterable[Datum] = ()
        if self.exhausted:
            pass
        elif right is None:
            rows = islice(iter(self), left, None)
        elif left < right:
            rows = islice(self.first_rows(right), left, right)
        feed = self.feed and self.feed.sliced(left, right)
        return self.wrapped(rows, origins=self._sliced_origins(left, right), feed=feed)

    def _sliced_origins(self, left: int, right: int | None) -> tuple[Origin, ...]:
        if left or not self.origins:
            return ()
        if len(self.origins) > 1:
            obstacle = logic("Cannot call `changes` on a slice of a union.", self.backtrace)
            return (replace(self.origins[0], obstacle=obstacle),)
        origin = self.origins[0]
        if origin.limit is not None:
            return ()
        return (replace(origin, limit=right),)

    def source(self) -> Iterable[Datum]:
        """The rows for another kind of stream. Failures do not point at this one."""
        return self._rows

    def located_source(self) -> Iterable[Datum]:
        """The same, but failures point at this stream."""
        return shards.transformed(self._rows, self._located)

    def obstructed(self, obstacle: QueryFailure) -> tuple[Origin, ...]:
        """The origins, marked so that no changefeed can follow them from here."""
        return tuple(
            replace(origin, obstacle=origin.obstacle or obstacle) for origin in self.origins
        )

    def followed_origins(self) -> tuple[Origin, ...]:
        """The origins that a changefeed on this stream follows. Raises if none can."""
        if not self.origins:
            raise logic(_EAGER, self.backtrace)
        for origin in self.origins:
            if origin.obstacle is not None:
                raise QueryFailure(
                    origin.obstacle.kind, origin.obstacle.message, origin.obstacle.backtrace
                )
        return self.origins

    def aggregate(self, start: Callable[[], Accumulator]) -> Datum:
        """The result of an aggregation over all rows."""
        self.check_finite()
        total = start()
        parts = shards.parts_of(self._rows)
        try:
            total.add(iter(parts[0]) if len(parts) > 1 else self._pulled_at_once(parts[0]))
            for rows in parts[1:]:
                part = start()
                if part.add(iter(rows)):
                    total.join(part)
        except QueryFailure as failure:
            # A real server aggregates where the rows are stored, far from the term.
            if failure.backtrace is None and len(parts) > 1 and not failure.at_user:
                failure.backtrace = ()
            raise
        return total.result()


class Accumulator(Protocol):
    """An aggregation that is fed rows, all at once or some at a time."""

    def add(self, rows: Iterator[Datum]) -> bool:
        """Adds rows. Returns False if it needed none of them."""

    def join(self, other: Any) -> None:
        """Adds the result of another accumulator over later rows."""

    def result(self) -> Datum:
        """The result."""
