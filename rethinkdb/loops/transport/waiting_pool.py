"""The base of pools whose methods return values: blocking and gevent.

Any number of threads (or greenlets) can use a pool at once. One lock guards its decisions. They are
carried out without the lock; connecting and closing run in threads (or greenlets) of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.errors import ReqlError
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Dial, Member, Pool, PoolStats, Retrying, Wake
from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.checks import check_closing_time
from rethinkdb.pool.hold import Hold

from .executing import PLAIN
from .lending import LOANS
from .place import PROCESS
from .pooling import PATIENCE, BasePool, stream_in
from .renewing import WaitingRenewal
from .waiting_feeds import WaitingFeeds
from .wire import interruption, interrupts

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["WaitingPool"]

T = TypeVar("T")


class WaitingPool(WaitingFeeds):
    """A pool whose methods block and return values."""

    _renewal_type = WaitingRenewal

    _lock: Any

    #: Whether the pool may be used in any thread.
    _anywhere = False

    #: For how many seconds after its last query a connection is used again without `_lives`.
    _trusted_for = math.inf

    #: Has `put()`, which takes a `Hold`, a `Loan` or a function, and deals with it; see `_serve`.
    _inbox: Any

    #: For each hold that waits for a decision: what asks for this decision, perhaps once more.
    _waits: dict[Hold, Callable[[float], None]]

    if TYPE_CHECKING:  # for the loops' pools to supply

        def _new_lock(self) -> Any:
            """A lock that its owner can acquire again."""

        def _new_event(self) -> Any:
            """Something with `set()`, `is_set()` and `wait()`."""

        def _sleep(self, seconds: float) -> None:
            """Sleep for `seconds`."""

    def _safely(self, job: Callable[[], T]) -> T:
        """Call `job`, which decides something. A signal handler that interrupts it does no harm.

        What is in the inbox is done before it.

        Returns:
            The result of `job`.
        """
        return job()

    def _caller(self) -> Any:
        """What tells the running thread or greenlet from others."""
        return get_ident()

    def _await(self, event: Any) -> None:
        """Wait until an event is set."""
        event.wait()

    # Queries.

    def run(self, term: Any, **options: Any) -> Any:
        # This and `_attempt` have few calls, as each takes 0.2 µs. In total a pool adds some 5 µs
        # to the 58 µs of a query (CPython 3.11).
        if self._process != PROCESS.id or not self._anywhere:
            self._check_place()
        allowance = None
        if "deadline" in options or self.options.deadline is not None:
            allowance = self._allowance(options)
        if "resume" in options and options["resume"] is not None:
            return self._resumed(term, options, allowance)
        hold = Hold()
        try:
            return self._attempt(hold, term, options, allowance)
        except ReqlError as error:
            if hold.member is None or self._is_final(error):
                raise
            failure = error
        return self._again(failure, hold.member, term, options, allowance)

    run.__doc__ = BasePool.run.__doc__

    _start = run

    def _attempt(
        self, hold: Hold, term: Any, options: dict[str, Any], allowance: Allowance | None
    ) -> Any:
        # An interrupt may come at any call. The connection goes back all the same: `put` is the
        # first call in its `except` clause, and no signal handler can run before it.
        try:
            with self._lock:
                self._pool.take_for(hold)
            member = hold.member
            if not (
                hold.held
                and allowance is None
                and monotonic() - member.idle_since < self._trusted_for
            ):
                self._take(hold, options, allowance)
                member = hold.member
            if options:
                result = member.connection.run(term, **options)
                self._pin(hold, stream_in(result))  # with `profile` a dict may have a cursor
            else:
                result = member.connection.run(term)
                if type(result) not in PLAIN:
                    self._pin(hold, stream_in(result))
            hold.failed = False
        except Exception:
            if hold.held:
                self._notice_loss(hold.member)
            raise
        finally:
            try:
                with self._lock:
                    all_done = self._pool.let_go(hold, monotonic())
                if not all_done:
                    self._safely(partial(self._end, hold))
            except BaseException:
                self._inbox.put(hold)
                self._safely(bool)
                raise
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
        """After a query has failed: run it again, as long as that is safe and may help."""
        course = course or self._course(term, options, allowance)
        while True:
            self._sleep(self._pause(course, error, member))
            hold = Hold()
            try:
                return self._attempt(hold, term, options, allowance)
            except ReqlError as failure:
                if hold.member is None:  # it got no connection
                    course.ended(failure)
                    raise
                error, member = failure, hold.member

    def _take(self, hold: Hold, options: dict[str, Any], allowance: Allowance | None) -> None:
        """Get a connection for a query. The time spent waiting counts towards its deadline."""
        if hold.member is not None and not self._lives(hold.member):
            self._safely(partial(self._exchange, hold))
        if hold.member is None:
            since = monotonic()
            timeout = None if allowance is None else allowance.left(since)
            self._wait(hold, Pool.ask, timeout=timeout, begun=partial(setattr, hold, "ask"))
            self._report_served(hold.member, since)
        if allowance is not None:
            options["deadline"] = allowance.deadline(monotonic())

    def _exchange(self, hold: Hold) -> None:
        """Give back a connection that does not work. No query was run on it."""
        with self._lock:
            member, hold.member = hold.member, None
            if hold.held and member is not None:
                hold.held = False
                self._pool.put_back(member, monotonic())
        self._carry_out()

    def _pin(self, hold: Hold, stream: Stream | None) -> None:
        """If a query has returned a cursor: keep its connection in use until the cursor ends."""
        if stream is None or stream.finished:
            return
        self._make_renewable(hold.member, stream)
        with self._lock:
            hold.stream = stream
            self._pool.pin(hold, stream.is_feed)
            self._watch_stream(hold)

    def _watch_stream(self, hold: Hold) -> None:
        """Notice when a cursor ends. It can be called twice; the second call does nothing."""
        member, feed = hold.member, hold.stream.is_feed

        def ended(now: float) -> None:
            if hold.pinned:
                hold.pinned = False
                self._pool.unpinned(member, now, feed)

        self._when(hold.stream.ended, lambda: self._told(ended))
        hold.busy = False

    def _at_hand(self) -> Member | None:
        hold = Hold()
        try:
            with self._lock:
                self._pool.take_for(hold)
            return hold.member if hold.held and self._is_good(hold.member) else None
        except BaseException:
            self._inbox.put(hold)
            raise

    # Waiting for decisions.

    def _wait(self, hold: Hold, ask: Callable[..., Waiter[Any]], **options: Any) -> None:
        """Wait for a decision of the pool. If the wait is interrupted, tell the pool.

        Args:
            hold: the one that waits.
            ask: a method of `Pool` that returns a waiter.
            **options: its arguments.
        """
        event = self._new_event()
        errors: list[BaseException | None] = []

        def told(now: float) -> None:
            if hold.over or event.is_set():
                self._waits.pop(hold, None)
                return
            self._waits[hold] = told
            hold.ask = ask(self._pool, now, **options)
            hold.ask.add_done_callback(settled)

        def settled(waiter: Waiter[Any]) -> None:
            if waiter is not hold.ask:  # that of a pool that was interrupted, see `StartingOver`
                return
            hold.ask, hold.busy = None, False
            error = waiter.exception()
            if error is None:
                hold.member = waiter.result()
                hold.held = hold.member is not None
            errors.append(error)
            event.set()
            self._waits.pop(hold, None)

        try:
            hold.busy = True  # from now on, an interrupt must be told to the pool
            self._told(told)
            self._await(event)
        except BaseException:
            self._inbox.put(hold)
            self._safely(bool)
            raise
        if errors[-1] is not None:
            raise errors[-1]

    def _end(self, hold: Hold) -> None:
        """A hold has ended: release what it has. It can be called twice."""
        with self._lock:
            now, member = monotonic(), hold.member
            hold.over = True
            if hold.ask is not None:
                self._pool.cancel(hold.ask, now)
                hold.ask = None
                self._waits.pop(hold, None)
            elif hold.busy and hold.pinned:
                self._watch_stream(hold)
            hold.busy = False
            if hold.held:
                hold.held = False
                if hold.alone:
                    self._pool.returned(member, now, clean=False)
                else:
                    self._pool.give_back(member, now, hold.failed)
        self._carry_out()

    def _serve(self, job: Any) -> None:
        """Deal with something that was put into the inbox."""
        if type(job) is Hold:
            self._end(job)
        elif type(job) in LOANS:
            self._end_loan(job)
        else:
            job()

    # Its life.

    def _open(self) -> Self:
        self._check_place()
        self._wait(Hold(), Pool.open)
        return self

    def _close(self, timeout: float) -> None:
        self._check_place()
        check_closing_time(timeout)
        self.closed = True
        try:
            self._wait(Hold(), Pool.close, timeout=timeout)
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

    def _begin_anew(self) -> None:
        self._lock = self._new_lock()
        self._inbox = AtOnce(self)
        self._waits = {}
        super()._begin_anew()

    # Carrying out, without the lock.

    def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None:
        def job() -> None:
            with self._lock:
                tell(*args, monotonic(), **options)
            self._carry_out()

        self._safely(job)

    def _carry_out(self) -> None:
        effects = self._pool.effects
        while effects:
            with self._lock:
                effect = effects.popleft() if effects else None
                if isinstance(effect, Wake):  # under the lock, so that the newest timer wins
                    self._do(effect)
                    continue
                if isinstance(effect, Dial):  # likewise: another thread may be told to close it
                    self._equip(effect.member)
            if effect is not None:
                self._do(effect)

    def _dial(self, member: Member) -> None:
        pool = self._pool  # kept: in a forked child, `self._pool` is replaced
        try:
            try:
                member.connection.connect()
            finally:
                self._dialling.pop(member, None)
        except BaseException as error:
            if not interrupts(error):
                self._told(pool.failed, member, error)
                return
            # Not the error itself: all who wait would get it, as if no dial could succeed.
            self._told(pool.failed, member, interruption(error))
            raise
        else:
            self._told(pool.opened, member)
            self._watch(member)

    def _close_member(self, member: Member, graceful: bool) -> None:
        try:
            member.connection.close(noreply_wait=graceful)
        finally:
            self._told(self._pool.closed, member)


class AtOnce:
    """An inbox that deals with everything at once."""

    def __init__(self, pool: WaitingPool) -> None:
        self._pool = pool

    def put(self, job: Any) -> None:
        self._pool._safely(partial(self._pool._serve, job))
