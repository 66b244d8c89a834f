"""Pools of the loops whose callers get values: blocking and gevent.

Any number of threads (or greenlets) use a pool at once. One lock guards its decisions. What was
decided is carried out without it: dialling and closing in threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, PoolStats, Retrying
from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.feeds import Feed, Pause, Run

from .feeding import opening_in_time
from .pooling import PATIENCE, BasePool, stream_in
from .renewing import WaitingRenewal

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["WaitingPool"]


class WaitingPool(BasePool):
    """A pool whose methods wait, and return values."""

    _renewal_type = WaitingRenewal

    _lock: Any

    if TYPE_CHECKING:  # for the loops' pools to supply

        def _new_lock(self) -> Any:
            """A lock that the thread which has it may take again."""

        def _new_event(self) -> Any:
            """Something with `set()` and `wait()`."""

        def _sleep(self, seconds: float) -> None:
            """Wait for so long."""

        def _lives(self, member: Member) -> bool:
            """Whether a connection was not lost unnoticed. If it was, the pool has been told."""

    # Queries.

    def run(self, term: Any, **options: Any) -> Any:
        self._check_place()
        allowance = self._allowance(options)
        if "resume" in options and options["resume"] is not None:
            return self._resumed(term, options, allowance)
        member = self._in_time(options, allowance)
        try:
            return self._attempt(member, term, options)
        except ReqlError as error:
            if self.options.retry is None:
                raise
            failure = error
        return self._again(failure, member, term, options, allowance)

    run.__doc__ = BasePool.run.__doc__

    _start = run

    def _attempt(self, member: Member, term: Any, options: dict[str, Any]) -> Any:
        failed = True
        try:
            result = member.connection.run(term, **options)
            stream = stream_in(result)
            if stream is not None:
                with self._lock:
                    self._hold(member, stream)
            failed = False
        finally:
            if failed:
                self._notice_loss(member)
            self._told(self._pool.give_back, member, failed=failed)
        return result

    def _again(
        self,
        error: ReqlError,
        member: Member,
        term: Any,
        options: dict[str, Any],
        allowance: Allowance | None,
        course: Retrying | None = None,
    ) -> Any:
        """A query has failed. Run it again as often as that may help and does no harm."""
        course = course or self._course(term, options, allowance)
        while True:
            self._sleep(self._pause(course, error, member))
            try:
                member = self._in_time(options, allowance)
            except ReqlError as refusal:
                course.ended(refusal)
                raise
            try:
                return self._attempt(member, term, options)
            except ReqlError as failure:
                error = failure

    def _later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """Call back in so many seconds. Returns what prevents it, where this loop can do that."""
        return self._spawn(self._sleep_then, seconds, callback)

    def _sleep_then(self, seconds: float, callback: Callable[[], object]) -> None:
        self._sleep(seconds)
        callback()

    def _resumed(self, term: Any, options: dict[str, Any], allowance: Allowance | None) -> Any:
        """The cursor of a feed that goes on, once it is open."""
        feed, connection = self._new_feed(term, options, allowance)
        with opening_in_time(feed, allowance):
            connection._call(feed.open, timeout=allowance and allowance.left(monotonic()))
        return connection.cursor_type(connection, feed)

    def _keep_going(self, feed: Feed) -> None:
        try:
            while (step := feed.step()) is not None:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                else:
                    self._take_step(feed, step)
        except BaseException as error:  # the loop ends
            self._feed_failed(feed, error)
            raise
        finally:
            self._courses.pop(feed, None)

    def _take_step(self, feed: Feed, step: Run) -> None:
        try:
            member = self._in_time(step.options, self._allowance(step.options))
            result = self._attempt(member, step.term, step.options)
        except Exception as error:
            self._feed_failed(feed, error)
        else:
            self._feed_answered(feed, result)

    def _in_time(self, options: dict[str, Any], allowance: Allowance | None) -> Member:
        """A connection for a query. What waiting for it takes is off the query's deadline."""
        if allowance is None:
            return self._taken(None)
        member = self._taken(allowance.left(monotonic()))
        options["deadline"] = allowance.deadline(monotonic())
        return member

    # One connection, alone.

    @contextmanager
    def _loan(self) -> Iterator[Any]:
        connection = self._borrow()
        try:
            yield connection
        finally:
            self._take_back(connection)

    def _borrow(self) -> Any:
        self._check_place()
        member = self._decided(self._pool.ask, exclusive=True).result()
        with self._lock:
            return self._lend(member)

    def _take_back(self, connection: Any) -> None:
        with self._lock:
            to_close = self._returned(connection)
        if to_close:
            connection.close(noreply_wait=False)

    # Its life.

    def _open(self) -> Self:
        self._check_place()
        self._decided(self._pool.open).result()
        return self

    def _close(self, timeout: float) -> None:
        self._check_place()
        self.closed = True
        try:
            self._decided(self._pool.close, timeout=timeout)
        finally:
            self._set_timer(None)
            self._report_closed()

    def __enter__(self) -> Self:
        return self._open()

    def __exit__(self, *exc_info: object) -> None:
        self._close(PATIENCE)

    def stats(self) -> PoolStats:
        with self._lock:
            return super().stats()

    stats.__doc__ = BasePool.stats.__doc__

    # Decisions, and waiting for them.

    def _begin_anew(self) -> None:
        self._lock = self._new_lock()
        super()._begin_anew()

    def _taken(self, timeout: float | None) -> Member:
        """A connection for a query, as soon as there is one."""
        with self._lock:
            member = self._pool.take()
        if member is not None:
            if self._lives(member):
                return member
            self._told(self._pool.put_back, member)
        ask: Waiter[Member] = self._decided(self._pool.ask, timeout=timeout)
        return ask.result()

    def _decided(self, tell: Callable[..., Waiter[Any]], **options: Any) -> Waiter[Any]:
        """Wait for a decision of the pool. Whoever stops waiting tells it so."""
        with self._lock:
            waiter = tell(monotonic(), **options)
        event = self._new_event()
        with self._lock:
            waiter.add_done_callback(lambda _: event.set())
        try:
            self._carry_out()
            if not waiter.done():
                event.wait()
        except BaseException:
            self._told(self._pool.cancel, waiter)
            raise
        return waiter

    def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None:
        with self._lock:
            tell(*args, monotonic(), **options)
        self._carry_out()

    # Carrying out, without the lock.

    def _carry_out(self) -> None:
        effects = self._pool.effects
        while effects:
            with self._lock:
                effect = effects.popleft() if effects else None
            if effect is not None:
                self._do(effect)

    def _dial(self, member: Member) -> None:
        pool = self._pool  # a greenlet goes on in a forked child, which has another one
        try:
            try:
                member.connection.connect()
            finally:
                self._dialling.pop(member, None)
        except BaseException as error:
            self._told(pool.failed, member, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._told(pool.opened, member)
            self._watch(member)

    def _close_member(self, member: Member, graceful: bool) -> None:
        try:
            member.connection.close(noreply_wait=graceful)
        finally:
            self._told(self._pool.closed, member)
