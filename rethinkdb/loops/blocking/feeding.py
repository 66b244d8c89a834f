"""Resumed changefeeds for threads: a thread that waits for the feed reads from its connection.

Between two runs of the feed's query there is no connection to read from. Then the waiting thread
sleeps until a thread of the pool has run the query again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import starmap
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from ..transport.beds import Bed
from ..transport.place import PROCESS, check_process
from ..transport.sockets import remaining
from .connection import Connection
from .guards import Guards

if TYPE_CHECKING:
    from rethinkdb.pool.feeds import Feed
__all__ = ["FeedConnection"]

T = TypeVar("T")


class Feeder(Protocol):
    """The pool that runs a feed."""

    @property
    def _guards(self) -> Guards:
        """The locks of the pool and of its feeds."""
        ...

    def _serve_feed(self, feed: Feed) -> Any:
        """Do what the feed asks for."""

    def _outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that waits for other threads."""


class FeedConnection(Connection):
    """The connection of a feed's cursor. It is never opened; it uses the feed's connection."""

    __module__ = "rethinkdb.loops.blocking"  # as of any other connection

    _feed: Feed
    _feeding: Feeder

    def follow(self, feed: Feed, pool: Feeder) -> None:
        """Set the feed whose connections this one stands for, and its pool."""
        self._feed = feed
        self._feeding = pool
        self._feed_process = os.getpid()
        # Settled when the feed gets another connection or loses it: waiting threads must know.
        self._turns: set[Waiter[None]] = set()
        feed.on_change = self._changed

    def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        check_process(self._feed_process)
        deadline = None if timeout is None else monotonic() + timeout
        begun: list[Waiter[T]] = []
        try:
            with self._feed.guard:
                begun.extend(starmap(operation, (args,)))  # one step starts it and keeps its waiter
            self._feeding._serve_feed(self._feed)
            self._attend(begun[0], deadline)
            return self._outcome(begun[0])
        except BaseException:
            self._recover(begun)
            raise

    def _fetch(self, stream: Stream) -> list[Any]:
        """As that of other connections, on the connection that the feed uses now, if there is one.

        A row that comes alone takes half of what it takes by a waiter and `_wait`.
        """
        feed, cursor = self._feed, self._feed._cursor
        # Listeners, who get the rows otherwise, have put another stream in place of the feed.
        if stream is not feed or cursor is None or self._feeding._guards.any_held():
            return []
        connection: Connection = cursor.conn  # type: ignore[assignment]  # of the blocking pool
        channel = connection._channel
        return channel.fetch(cursor._stream, feed) if channel.process == PROCESS.id else []

    def _recover(self, begun: list[Waiter[T]]) -> None:
        """Abandon what was started, and let others go on. If that is interrupted, do it again."""
        try:
            with self._feed.guard:
                for waiter in begun:
                    waiter.abandon()
            self._feeding._serve_feed(self._feed)
        except BaseException:  # out of a signal handler
            self._recover(begun)
            raise

    def _attend(self, waiter: Waiter[Any], deadline: float | None = None) -> None:
        """Wait until a waiter is settled, and read from the feed's connection meanwhile."""
        while not waiter.done():
            self._wait(waiter, deadline)

    def _wait(self, waiter: Waiter[Any], deadline: float | None) -> None:
        """Wait until the waiter is settled, or the feed changes its connection.

        Raises:
            ReqlTimeoutError: the deadline has passed.
        """
        turn: Waiter[None] = Waiter()
        try:
            with self._feed.guard:
                # A signal handler may interrupt this and release the lock. So what other threads do
                # meanwhile is looked at last, and rows that they brought are handed over.
                self._turns.add(turn)
                waiter.add_done_callback(lambda _: turn.set_result(None))
                self._feed.serve()
                cursor = self._feed.cursor
                if cursor is None:
                    self._feed.go_on()
            if cursor is not None:
                cursor.conn._call(lambda: turn, timeout=remaining(deadline))
                return
            # Whoever began the next run may have been interrupted before this.
            self._feeding._serve_feed(self._feed)
            # Not a `threading.Event`, which breaks if a signal handler interrupts it.
            bed = Bed()
            with self._feed.guard:
                turn.add_done_callback(bed.wake)
            if not self._feeding._outside(bed.sleep, remaining(deadline)):
                raise ReqlTimeoutError
        finally:
            with self._feed.guard:
                self._turns.discard(turn)

    def _changed(self) -> None:
        for turn in tuple(self._turns):
            turn.set_result(None)

    def _discard(self, stream: Stream) -> None:
        self._feed.drop()
