"""The part of a pool that tells its observer what happens; see `rethinkdb.net.observing`."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from rethinkdb.errors import ReqlError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.observing import Observer
from rethinkdb.net.session import Session
from rethinkdb.pool import Event, Member, Pool, PoolOptions, Retrying

__all__ = ["POOLS", "Watched"]

logger = logging.getLogger("rethinkdb.pool")

#: All pools of this process, for metrics.
POOLS: WeakSet[Any] = WeakSet()


class Watched:
    """The part of a pool that has an observer and a log."""

    options: PoolOptions

    _observer: Observer | None = None
    _told_opened = False
    _told_closed = False

    if TYPE_CHECKING:
        _pool: Pool
        _sample: BaseConnection

    def _observe(self, observer: Observer | None) -> None:
        """Set the pool's own observer. None: use that of the process, if there is one."""
        self._observer = observer
        for connection in self._connections():
            connection._observe_as_told()

    def _connections(self) -> list[BaseConnection]:
        """All connections of the pool, open or not."""
        found = (member.connection for member in self._pool.members)
        return [connection for connection in found if connection is not None]

    @property
    def _watcher(self) -> Observer | None:
        return self._observer or Session.observer

    def _report(self, event: Event) -> None:
        """Tell the observer of an event that listeners get, too."""
        watcher = self._watcher
        if watcher is None:
            return
        name = self.options.name
        if event.name == "opened" and not self._told_opened:
            self._told_opened = True
            watcher.pool_changed("pool_opened", name)
        elif event.name in _EVENTS:
            watcher.pool_changed(
                _EVENTS[event.name], name, event.host, event.cause, event.size, event.waiting
            )

    def _report_closed(self) -> None:
        if not self._told_closed and self._watcher is not None:
            self._told_closed = True
            self._watcher.pool_changed("pool_closed", self.options.name)

    def _report_served(self, member: Any, since: float, alone: bool = False) -> None:
        """Tell the observer of somebody who has waited for a connection and has it now.

        Args:
            member: the `Member` of the connection.
            since: when the wait began.
            alone: the connection is lent; otherwise one query is run on it.
        """
        now = monotonic()
        if alone:
            member.connection._session.lent_at = now
        if (watcher := self._watcher) is not None:
            watcher.pool_waited(self.options.name, member.host.label, now - since, alone)

    def _report_returned(self, member: Member) -> None:
        """Tell the observer of a lent connection that has come back."""
        session = member.connection._session
        since, session.lent_at = session.lent_at, None
        if since is not None and (watcher := self._watcher) is not None:
            watcher.pool_lent(self.options.name, member.host.label, monotonic() - since)

    def _report_retry(
        self, course: Retrying, error: ReqlError, member: Member | None, pause: float
    ) -> None:
        """Tell the log and the observer that a failed query is run again."""
        logger.info(
            "%s failed on %s (%s): run again in %.3g s, after %d attempts",
            "a query" if self.options.name is None else f"a query of pool {self.options.name!r}",
            "no connection" if member is None else member.host.label,
            type(error).__name__,
            pause,
            course.tries,
        )
        if self._watcher is not None:
            place = ("", 0) if member is None else member.host.address
            term, options = course.about
            self._watcher.query_again(
                place, self.options.name, term, options, self._sample.db, error, course.tries, pause
            )


# The pool's events that observers are told, and their names there.
_EVENTS = {
    "lost": "pool_lost",
    "exhausted": "pool_exhausted",
    "recovered": "pool_recovered",
    "down": "host_down",
    "up": "host_up",
}
