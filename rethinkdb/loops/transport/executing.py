"""The part of a pool that carries out the decisions of `rethinkdb.pool`: connect, close, tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.errors import ReqlDriverError, ReqlError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.editing import EditedQuery
from rethinkdb.net.options import seconds_or_none
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import (
    Close,
    Dial,
    Discover,
    Doing,
    Effect,
    Event,
    GiveUp,
    Member,
    PoolOptions,
    Retrying,
    TryAgain,
    Wake,
    doing_of,
)
from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.members import State
from rethinkdb.ql2 import TermNumber

from .discovering import Discovering
from .feeding import Feeding
from .renewing import Renewal
from .watching import Watched, logger

__all__ = ["PLAIN", "Executor", "logger", "stream_in"]

# Run options that do not change what a query does. `timeout` is among them because building the
# query again would give its warning a second time.
_OURS = frozenset({"as_cursor", "deadline", "idempotent", "noreply", "timeout"})

#: Types of results that are no cursor. A dict with a profile may have a cursor in it.
PLAIN = frozenset({NoneType, bool, int, float, str, list, dict})


class Executor(Discovering, Feeding, Watched):
    """The part of a pool that tells `rethinkdb.pool` what happens, and does what it decides."""

    options: PoolOptions

    _renewal_type: ClassVar[type[Renewal]]

    _sample: BaseConnection
    _listeners: dict[str, list[Callable[[Event], object]]]
    _lent: dict[BaseConnection, Member]

    # For each connection that is being opened: what ends that early.
    _dialling: dict[Member, Callable[[], object]]

    if TYPE_CHECKING:  # for the loops' pools to supply

        def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
            """Run `work` in the background.

            Returns:
                A function that ends it early, if this loop can do so.
            """

        def _set_timer(self, seconds: float | None) -> None:
            """Call `_tick` after `seconds`; None: do not. It replaces the timer set before."""

        def _carry_out(self) -> None:
            """Do what was decided. It may be called while it is running."""

        def _dial(self, member: Member) -> Any: ...
        def _close_member(self, member: Member, graceful: bool) -> Any: ...

    # Carrying out.

    def _do(self, effect: Effect) -> None:
        """Carry out one decision."""
        if isinstance(effect, Dial):
            member = effect.member
            if member.connection is None:
                self._equip(member)
            give_up = self._spawn(self._dial, member)
            if member.state is State.DIALLING:
                self._dialling[member] = give_up
        elif isinstance(effect, Close):
            give_up = self._dialling.pop(effect.member, bool)
            give_up()
            self._spawn(self._close_member, effect.member, effect.graceful)
        elif isinstance(effect, Wake):
            self._set_timer(max(0.0, effect.at - monotonic()))
        elif isinstance(effect, Discover):
            self._follow_cluster()
        else:
            self._tell(effect)

    def _equip(self, member: Member) -> None:
        """Give a member its connection, which is not open yet."""
        connection = self._new_connection()
        connection._settle_at(member.host.address)
        connection._pool = self  # it runs the callbacks; see `rethinkdb.push`
        member.connection = connection

    def _tell(self, event: Event) -> None:
        self._report(event)
        for listener in tuple(self._listeners[event.name]):
            try:
                listener(event)
            except Exception as error:
                if raised_by_handler(error):
                    raise
                logger.exception("a listener to %r of a pool failed: %r", event.name, listener)

    def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Tell the pool's state machine what happened and when; then do what it decides."""
        tell(*args, monotonic(), **options)
        self._carry_out()

    def _tick(self) -> None:
        self._told(self._pool.tick)

    def _watch(self, member: Member) -> None:
        """Notice when a member's connection is lost."""
        session = member.connection._session
        self._when(session.closed, lambda: self._lost(member, session.cause))

    def _lost(self, member: Member, cause: BaseException | None) -> None:
        self._told(self._pool.lost, member, cause)

    def _when(self, waiter: Waiter[Any], then: Callable[[], object]) -> None:
        """Call `then` when a waiter is settled."""
        waiter.add_done_callback(lambda _: then())

    def _notice_loss(self, member: Member) -> None:
        """After an error: check whether the connection is lost, and tell the pool.

        A query may get the error before `_watch` notices the loss. Without this, a caller that
        tries again at once would get the same connection.
        """
        self._tell_loss(member)

    def _tell_loss(self, member: Member) -> None:
        session = member.connection._session
        if not session.is_open:
            self._told(self._pool.lost, member, session.cause)

    # Queries.

    def _allowance(self, options: dict[str, Any]) -> Allowance | None:
        """A query's deadline, which includes the wait for a connection; None if it has none.

        Raises:
            ReqlDriverError: `deadline` is no number of seconds.
        """
        seconds = self.options.deadline
        if "deadline" in options:
            seconds = seconds_or_none("deadline", options["deadline"])
        return None if seconds is None else Allowance.of(seconds, monotonic())

    def _course(self, term: Any, options: dict[str, Any], allowance: Allowance | None) -> Retrying:
        """Make the `Retrying` that decides whether a failed query is run again."""
        codec, db = self._sample._codec, self._sample.db
        plain = {name: value for name, value in options.items() if name not in _OURS}

        def doing() -> Doing:
            try:
                _, *sent = term.start_body(plain, db, codec.values)
                return doing_of([TermNumber.MAKE_ARRAY, sent])
            except Exception:  # it cannot be built, so it was not sent
                return Doing.ACTS

        idempotent = bool(options.get("idempotent"))
        ends_at = math.inf if allowance is None else allowance.ends_at
        course = self._pool.retrying(doing, idempotent, ends_at)
        course.about = term.term if type(term) is EditedQuery else term, plain
        return course

    def _is_final(self, error: ReqlError) -> bool:
        """Whether a query's error goes to its caller as it is, without a look at `_pause`."""
        return self.options.retry is None and not (self.closed and error.unsent)

    def _pause(self, course: Retrying, error: ReqlError, member: Member | None) -> float:
        """Ask whether a failed query is run again. Returns the seconds until then.

        Args:
            course: the query's `Retrying`.
            error: the query's error. It is raised if the query is not run again.
            member: the connection it ran on; None if it got none.
        """
        if self.closed:
            if error.unsent:  # the pool was closed after the query had got a connection
                raise self._pool.closed_error() from error
            raise error
        host = None if member is None else member.host.label
        said: list[TryAgain | GiveUp] = []

        def tell(now: float) -> None:
            said.append(course.failed(error, not error.unsent, host, self._pool.queries, now))

        self._told(tell)
        (verdict,) = said
        if isinstance(verdict, GiveUp):
            raise error
        pause = max(0.0, verdict.at - monotonic())
        self._report_retry(course, error, member, pause)
        return pause

    def _hold(self, member: Member, stream: Stream | None, renewable: bool = True) -> None:
        """If a query has returned a cursor: keep its connection in use until the cursor ends.

        Args:
            member: the connection.
            stream: the cursor's stream; None if the query has returned no cursor.
            renewable: whether the query may be run again before the first item was given out.
        """
        if stream is None or stream.finished:
            return
        if renewable:
            self._make_renewable(member, stream)
        feed = stream.is_feed
        self._pool.pinned(member, feed)
        self._when(stream.ended, lambda: self._told(self._pool.unpinned, member, feed=feed))

    def _make_renewable(self, member: Member, stream: Stream) -> None:
        if not stream.is_feed and self.options.retry is not None:
            stream.renewal = self._renewal_type(self, member, stream)

    # One connection, alone.

    def _lend(self, member: Member) -> BaseConnection:
        connection: BaseConnection = member.connection
        self._lent[connection] = member
        return connection

    def _returned(self, connection: BaseConnection) -> bool:
        """Take back a borrowed connection.

        Returns:
            Whether the caller must close it, as it is no longer in the pool.
        """
        member = self._lent.pop(connection, None)
        if member is None:
            raise ReqlDriverError("This connection was not acquired from this pool, or is back.")
        self._report_returned(member)
        self._notice_loss(member)
        connection.db = self._sample.db
        at_work = connection._session.tokens_in_use - member.cursors - member.feeds
        clean = connection.is_open() and not at_work
        self._told(self._pool.returned, member, clean=clean)
        return member.state is State.GONE and connection.is_open()


def stream_in(value: Any) -> Stream | None:
    """The stream in a query's result: the result may be a stream or cursor, or have a profile."""
    if type(value) is dict:
        value = value.get("value")
    if type(value) in PLAIN:  # checked first, as most results are plain values
        return None
    if isinstance(value, BaseCursor):
        return value._stream
    return value if isinstance(value, Stream) else None
