"""The pool for scripts and programs with threads: methods return values."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.net.connection import BaseConnection
from rethinkdb.pool import Member
from rethinkdb.pool.feeds import Begin, Feed

from .connection import Connection
from .deciding import ThreadedPool
from .feeding import FeedConnection
from .results import BlockingResults
from .starting import start_thread

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["ConnectionPool"]

T = TypeVar("T")


class ConnectionPool(BlockingResults, ThreadedPool):
    """A pool whose methods return values, for any number of threads.

    `with pool:` opens it, and closes it at the end.
    """

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    connection_type = Connection

    _anywhere = True

    # A connection that was unused for longer is checked before it is used. Nobody reads from it
    # while no thread waits for an answer, so a loss is not noticed in that time.
    _trusted_for = 0.02

    if TYPE_CHECKING:

        def connection(self) -> AbstractContextManager[Connection]: ...
        def acquire(self) -> Connection: ...

    def _lives(self, member: Member) -> bool:
        if member.load > 1 or monotonic() - member.idle_since < self._trusted_for:
            return True
        member.connection._look()
        self._notice_loss(member)
        return bool(member.connection.is_open())

    def _notice_loss(self, member: Member) -> None:
        if member.connection.is_open():
            return
        self._tell_loss(member)
        # Usually the other connections are lost for the same reason, and nobody reads from those.
        with self._lock:
            others = self._pool.resting()
        for other in others:
            other.connection._look()
            self._tell_loss(other)

    def _new_connection(self) -> BaseConnection:
        connection: Any = super()._new_connection()
        connection._guards = self._guards
        made: BaseConnection = connection
        return made

    def _feed_guard(self) -> Any:
        return self._guards.new()

    def _feed_stand_in(self) -> FeedConnection:
        args, kwargs = self._arguments
        return FeedConnection(*args, **kwargs)

    def _settle_in(self, connection: Any, feed: Feed) -> None:
        connection._pool = self
        connection.follow(feed, self)

    # An interrupt may come at any call. So an effect is removed only after it was carried out, and
    # may be carried out twice.

    def _follow_feed(self, feed: Feed) -> None:
        # The caller has the lock of a connection, and must not wait for that of another one.
        self._serve_feed(feed, Begin)

    def _serve_feed(self, feed: Feed, kind: type = object) -> None:
        """Do what a feed asks for, as long as it is of this kind."""
        effects = feed.effects
        while True:
            with feed.guard:
                effect = effects[0] if effects else None
            if effect is None or not isinstance(effect, kind):
                return
            self._serve_effect(feed, effect)
            with feed.guard:
                if effects and effects[0] is effect:
                    effects.popleft()

    def _begin_course(self, feed: Feed) -> None:
        self._spawn(self._keep_going, feed)

    def _keep_going(self, feed: Feed) -> None:
        if feed.claim():
            super()._keep_going(feed)

    def _use_connection(self, connection: Connection, operation: Any) -> None:
        connection._call(operation)

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        if not start_thread(work, *args):  # as the process is ending: do it here
            work(*args)
        return bool  # a thread cannot be ended early; the limit for connecting ends it
