"""Changefeeds as a query sees them: sources of rows that never block a thread.

A `Feed` tells whether it is `ready`, gives its rows when it is pulled, and makes one call when
there are new ones. This module has the base class, and the feeds that `filter`, `limit`, `union`
and similar terms after `changes` make. Feeds that watch tables are in `subscriptions`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rethinkdb.embedded import blocking
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure
from rethinkdb.ql2 import ResponseNote

if TYPE_CHECKING:
    from rethinkdb.embedded.data.streams import Stream, Transform

Callback: TypeAlias = Callable[[], None]

ENDLESS = (
    "Cannot call a terminal (`reduce`, `count`, etc.) on an infinite stream (such as a changefeed)."
)


class Aborted(QueryFailure):
    """The table is gone. The backtrace shows the last term that transforms the feed row by row.

    Attributes:
        settled: whether later terms do not count, because one before them takes a part of the feed.
    """

    def __init__(self, backtrace: Backtrace, *, settled: bool = False) -> None:
        super().__init__(FailureKind.OP_FAILED, "Changefeed aborted (unavailable).", backtrace)
        self.settled = settled


class Feed(ABC):
    """An endless source of rows."""

    @property
    @abstractmethod
    def notes(self) -> list[ResponseNote]:
        """The notes for the replies: the kind of the feed."""

    @property
    def interval(self) -> float:
        """How many seconds changes are collected before they are sent (`squash`)."""
        return 0.0

    @property
    def finished(self) -> bool:
        """Whether the feed has ended. Only a limit ends a feed."""
        return False

    @property
    def blocks(self) -> bool:
        """Whether `pull` may block its thread until more changes come."""
        return False

    @property
    def quick(self) -> bool:
        """Whether `pull` is fast, because it runs no function of the query."""
        return False

    @abstractmethod
    def ready(self) -> bool:
        """Whether `pull` has rows or an error."""

    @abstractmethod
    def pull(self) -> list[Datum]:
        """The rows for the next change, possibly none. Call it only while `ready`.

        Raises the error that ended the feed.
        """

    @abstractmethod
    def wake_once(self, callback: Callback) -> None:
        """Calls back once when `ready` is true, maybe at once. Replaces an earlier callback."""

    @abstractmethod
    def close(self) -> None:
        """Ends the feed: it watches nothing any more, and `pull` raises `Interrupted`."""

    def through(self, transform: Transform, backtrace: Backtrace) -> Feed:
        """The feed with a row-wise transformation applied."""
        return TransformedFeed(self, transform, backtrace)

    def sliced(self, left: int, right: int | None) -> Feed:
        """The rows from position `left` up to, but not including, `right`."""
        return SlicedFeed(self, left, right)

    def iterated(self, rows: Iterator[Datum]) -> Feed:
        """A feed of rows that a term makes by pulling this feed itself."""
        return IteratedFeed(self, rows)

    def __iter__(self) -> Iterator[Datum]:
        """The rows, for a term that pulls them itself. Blocks the thread until a row comes."""
        while not self.finished:
            news = threading.Event()
            self.wake_once(news.set)
            with blocking.elsewhere():
                news.wait()
            while not self.finished and self.ready():
                yield from self.pull()


class TransformedFeed(Feed):
    """A feed after a row-wise transformation."""

    _takes_a_part = False

    def __init__(self, source: Feed, transform: Transform, backtrace: Backtrace) -> None:
        self._source = source
        self._transform = transform
        self._backtrace = backtrace

    @property
    def notes(self) -> list[ResponseNote]:
        """The source's."""
        return self._source.notes

    @property
    def interval(self) -> float:
        """The source's."""
        return self._source.interval

    @property
    def finished(self) -> bool:
        """Once the source is."""
        return self._source.finished

    @property
    def blocks(self) -> bool:
        """If the source does."""
        return self._source.blocks

    def ready(self) -> bool:
        """Once the source is. `pull` may then still give no rows."""
        return self._source.ready()

    def pull(self) -> list[Datum]:
        """The source's next rows, transformed."""
        try:
            rows = self._source.pull()
        except Aborted as failure:
            settled = failure.settled or self._takes_a_part
            place = failure.backtrace or () if settled else self._backtrace
            raise Aborted(place, settled=settled) from failure
        try:
            return list(self._transform(iter(rows)))
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = self._backtrace
            raise

    def wake_once(self, callback: Callback) -> None:
        """Like the source."""
        self._source.wake_once(callback)

    def close(self) -> None:
        """Closes the source."""
        self._source.close()


class SlicedFeed(TransformedFeed):
    """`limit`, `skip` or `slice` after `changes`: a feed that may end."""

    _takes_a_part = True

    def __init__(self, source: Feed, left: int, right: int | None) -> None:
        super().__init__(source, self._pick, ())
        self._left = left
        self._right = right
        self._place = 0

    @property
    def notes(self) -> list[ResponseNote]:
        """The source's kind, without the note about states."""
        return super().notes[:1]

    @property
    def finished(self) -> bool:
        """Once the last row has been given."""
        at_end = self._right is not None and self._place >= self._right
        return at_end or self._source.finished

    def _pick(self, rows: Iterator[Datum]) -> Iterator[Datum]:
        for row in rows:
            if self._right is not None and self._place >= self._right:
                return
            self._place += 1
            if self._place > self._left:
                yield row

    def ready(self) -> bool:
        """Also at its end, so that the end is reported."""
        return self.finished or self._source.ready()

    def wake_once(self, callback: Callback) -> None:
        """Calls at once at its end."""
        if self.finished:
            callback()
        else:
            self._source.wake_once(callback)


class IteratedFeed(TransformedFeed):
    """A feed that a term makes by pulling another feed itself."""

    def __init__(self, source: Feed, rows: Iterator[Datum]) -> None:
        super().__init__(source, iter, ())
        self._rows = rows
        self._at_end = False

    @property
    def blocks(self) -> bool:
        """Always: one change may not be enough for a row."""
        return True

    @property
    def finished(self) -> bool:
        """Once the rows have come to an end."""
        return self._at_end

    def pull(self) -> list[Datum]:
        """The next row."""
        for row in self._rows:
            return [row]
        self._at_end = True
        return []


class RowsFeed(Feed):
    """The rows of a stream that is no feed, in a union with feeds."""

    def __init__(self, rows: Iterable[Datum]) -> None:
        self._rows = iter(rows)
        self._finished = False

    @property
    def notes(self) -> list[ResponseNote]:
        """None: it is no feed."""
        return []

    @property
    def finished(self) -> bool:
        """Once the rows have come to an end."""
        return self._finished

    def ready(self) -> bool:
        """Always."""
        return True

    def pull(self) -> list[Datum]:
        """The next row."""
        for row in self._rows:
            return [row]
        self._finished = True
        return []

    def wake_once(self, callback: Callback) -> None:
        """Calls at once."""
        callback()

    def close(self) -> None:
        """Drops the rows."""
        self._finished = True


def joined(streams: Sequence[Stream]) -> Feed | None:
    """The feed of a union of streams. None if none of them is a feed."""
    if all(stream.feed is None for stream in streams):
        return None
    return UnionFeed([stream.feed or RowsFeed(stream) for stream in streams])


class UnionFeed(Feed):
    """Several feeds as one. It reports the state "ready" once all its parts have.

    Args:
        feeds: the parts.
        states: how many of the parts report states.
    """

    def __init__(self, feeds: Sequence[Feed], states: int = 0) -> None:
        self._feeds = list(feeds)
        self._awaited = states
        self._initializing_sent = False

    @property
    def notes(self) -> list[ResponseNote]:
        """The kind of the parts, UNIONED_FEED if they are of several kinds."""
        kinds = {note for feed in self._feeds for note in feed.notes[:1]}
        return list(kinds) if len(kinds) == 1 else [ResponseNote.UNIONED_FEED]

    @property
    def interval(self) -> float:
        """The longest of the parts'."""
        return max(feed.interval for feed in self._feeds)

    @property
    def finished(self) -> bool:
        """Once all parts are."""
        return all(feed.finished for feed in self._feeds)

    @property
    def blocks(self) -> bool:
        """Whether `pull` may wait: it may if that of any part may."""
        return any(feed.blocks for feed in self._feeds)

    @property
    def quick(self) -> bool:
        """Whether `pull` is fast: it is if that of every part is."""
        return all(feed.quick for feed in self._feeds)

    def ready(self) -> bool:
        """Whether `pull` has rows or an error: it has as soon as any part has."""
        return self.finished or any(feed.ready() for feed in self._running())

    def _running(self) -> list[Feed]:
        return [feed for feed in self._feeds if not feed.finished]

    def pull(self) -> list[Datum]:
        """The next rows of a part that has some; the parts take turns."""
        for feed in self._running():
            if feed.ready():
                self._feeds.remove(feed)
                self._feeds.append(feed)
                return [row for row in feed.pull() if self._passes(row)]
        return []

    def _passes(self, row: Datum) -> bool:
        state = row.get("state") if self._awaited and isinstance(row, dict) else None
        if state == "initializing":
            sent, self._initializing_sent = self._initializing_sent, True
            return not sent
        if state == "ready":
            self._awaited -= 1
            return self._awaited == 0
        return True

    def wake_once(self, callback: Callback) -> None:
        """Calls back when any part is ready."""
        once = Once(callback)
        for feed in self._running():
            feed.wake_once(once)
        if self.finished:
            once()

    def close(self) -> None:
        """Closes all parts."""
        for feed in self._feeds:
            feed.close()


class Once:
    """A callback that several feeds may call. Only the first call is passed on."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self._called = threading.Lock()

    def __call__(self) -> None:
        if self._called.acquire(blocking=False):
            self._callback()
