"""`StartingOver`: a pool that goes on after a signal handler has raised an error within it.

Python runs the handlers of `signal.signal` in the greenlet that happens to be running, at almost
any call. If a handler raises an error in the middle of a decision of the pool, the decision ends
halfway, and nobody knows which half was done. So the pool forgets what it has decided before: it
closes all its connections, and those who wait ask again. The error goes its way.

What is told to the pool from outside of a decision is told until the pool has heard it: see
`telling` for the end of a stream; likewise the outcome of a dial, and that the time of a tick has
come.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TypeVar
from weakref import WeakSet

from gevent import GreenletExit

from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.net.reception import CLOSED, chained
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, Pool
from rethinkdb.pool.feeds import Feed
from rethinkdb.pool.members import State

from ..transport.watching import logger
from ..transport.wire import interrupts
from .telling import Telling

__all__ = ["StartingOver", "lost"]

T = TypeVar("T")


class StartingOver(Telling):
    """The part of a gevent pool that deals with the errors of signal handlers."""

    def _begin_anew(self) -> None:
        super()._begin_anew()
        # All members that have a connection: some may be in no state of a half-changed pool.
        self._equipped: WeakSet[Member] = WeakSet()

    def _equip(self, member: Member) -> None:
        super()._equip(member)
        self._equipped.add(member)

    def _safely(self, job: Callable[[], T]) -> T:
        pool = self._pool
        try:
            return job()
        except BaseException as error:
            # The pool is another one if the job has called this, too.
            if self._pool is pool and interrupts(error):
                self._start_over(error)
            raise

    def _start_over(self, error: BaseException | None) -> None:
        """Forget the present state. If a further handler interrupts that, do it again."""
        try:
            self._pool = Pool(self.options, self._addresses)
            self._lose_all(error)
            if self.closed:
                self._pool.close(monotonic(), 0.0)
            for wish, granted in list(self._wishes.items()):
                granted(Waiter.failed(lost(error)))
                self._wishes.pop(wish, None)
            for hold, ask_again in list(self._waits.items()):
                hold.ask = None  # it is one of the former pool
                ask_again(monotonic())
            self._carry_out()
        except BaseException as further:
            if interrupts(further):
                self._start_over(error)
            raise
        # Last, as what writes the log may let other greenlets run.
        logger.warning("a signal handler has interrupted a pool, which starts over: %r", error)

    def _doubted(self, error: BaseException | None) -> None:
        self._start_over(error)

    def _lose_all(self, error: BaseException | None) -> None:
        members = list(self._equipped)
        for member in members:  # first all of them: the end of a connection is told to the pool
            member.in_turn, member.state = False, State.GONE
        for give_up in list(self._dialling.values()):
            give_up()
        self._dialling.clear()
        for member in members:
            wire = member.connection._wire
            if wire is not None and not wire.over:
                wire.lose(_cause(error))

    # Feeds with `resume`. An effect is removed only after it was carried out, and may be carried
    # out twice: otherwise an interrupted one would be lost, and the feed would rest for ever.

    def _serve_feed(self, feed: Feed) -> None:
        effects = feed.effects
        while effects:
            effect = effects[0]
            self._serve_effect(feed, effect)
            if effects and effects[0] is effect:
                effects.popleft()

    def _keep_going(self, feed: Feed) -> None:
        if feed.claim():
            super()._keep_going(feed)

    def _feed_failed(self, feed: Feed, error: BaseException) -> None:
        if interrupts(error) and not isinstance(error, GreenletExit):
            feed.cut_off(lost(error))
        super()._feed_failed(feed, error)


def _cause(error: BaseException | None) -> Exception:
    """The cause of a lost connection, if `error` has interrupted its pool."""
    return chained(ConnectionAbortedError(f"Its pool was interrupted: {error!r}"), error)


def lost(error: BaseException | None) -> ReqlConnectionLostError:
    """The error for those who lose a connection as `error` has interrupted its pool."""
    return chained(ReqlConnectionLostError(CLOSED), _cause(error))
