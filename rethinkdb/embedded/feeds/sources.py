"""Feeds whose rows come from the writes of other threads."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import Backtrace, Interrupted, QueryFailure
from rethinkdb.embedded.feeds.feed import Aborted, Callback, Feed
from rethinkdb.embedded.language.faults import fault


class Source(Feed):
    """A feed that is fed by other threads.

    A thread that adds something must hold `_lock`, and call `_notify` after releasing it.
    """

    def __init__(self, place: Backtrace = ()) -> None:
        self.place = place
        """The backtrace for the error that the table is gone."""
        self._lock = threading.RLock()
        self._callback: Callback | None = None
        self._failure: QueryFailure | None = None
        self._closed = False

    @abstractmethod
    def _has_rows(self) -> bool:
        """Whether there are rows at hand. Called with the lock held."""

    @abstractmethod
    def _next_rows(self) -> list[Datum]:
        """The next rows. Called with the lock held, when there are some."""

    @abstractmethod
    def _unwatch(self) -> None:
        """Stops watching. Called once, without the lock."""

    @property
    def quick(self) -> bool:
        """Always, because the work for a change was done when it came."""
        return True

    def ready(self) -> bool:
        """With rows at hand, and when it has ended."""
        with self._lock:
            return self._has_news()

    def _has_news(self) -> bool:
        return self._closed or self._failure is not None or self._has_rows()

    def pull(self) -> list[Datum]:
        """See `Feed`."""
        with self._lock:
            if self._closed:
                raise Interrupted
            if self._failure is not None:
                raise self._failure
            return self._next_rows() if self._has_rows() else []

    def wake_once(self, callback: Callback) -> None:
        """See `Feed`."""
        with self._lock:
            waits = not self._has_news()
            self._callback = callback if waits else None
        if not waits:
            callback()

    def close(self) -> None:
        """See `Feed`. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._unwatch()
        self._notify()

    def _fail(self, failure: QueryFailure) -> None:
        """Ends the feed with an error."""
        with self._lock:
            self._failure = self._failure or failure
        self._notify()

    def _notify(self) -> None:
        # Without the lock, for speed. A callback that is set later checks `ready` itself.
        if self._callback is None:
            return
        with self._lock:
            callback = self._callback
            if callback is None or not self._has_news():
                return
            self._callback = None
        callback()

    # -- as a table's listener

    def table_dropped(self) -> None:
        """The table is gone, so the feed ends."""
        self._fail(Aborted(self.place))

    def _guarded(self, step: Callable[[Any], None], news: Any) -> None:
        """Handles a write. Errors end this feed, and never reach the query that wrote."""
        try:
            step(news)
        except Interrupted:
            return
        except QueryFailure as failure:
            self._fail(failure)
        except Exception as exc:
            self._fail(fault(exc))
