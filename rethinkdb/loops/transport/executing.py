"""What the pools of all loops do when `rethinkdb.pool` has decided: they dial, close, and tell."""

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
from rethinkdb.ql2 import TermType

from .discovering import Discovering
from .feeding import Feeding
from .renewing import Renewal
from .watching import Watched, logger

__all__ = ["PLAIN", "Executor", "logger", "stream_in"]

# Run options that do nothing to the data; the last one would be warned of a second time.
_OURS = frozenset({"as_cursor", "deadline", "idempotent", "noreply", "timeout"})

#: Types of results that are no cursor; of dictionaries, those of a profile may have one.
PLAIN = frozenset({NoneType, bool, int, float, str, list, dict})


class Executor(Discovering, Feeding, Watched):
    """The part of a pool that tells `rethinkdb.pool` what happens, and does what it decides."""

    options: PoolOptions

    _renewal_type: ClassVar[type[Renewal]]

    _sample: BaseConnection
    _listeners: dict[str, list[Callable[[Event], object]]]
    _lent: dict[BaseConnection, Member]

    # What ends those dials early that are under way.
    _dialling: dict[Member, Callable[[], object]]

    if TYPE_CHECKING:  # for the loops' pools to supply

        def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
            """Begin some work of the pool's own, for which nobody waits.

            Returns:
                What ends it early, where this loop can do that.
            """

        def _set_timer(self, seconds: float | None) -> None:
            """Call `_tick` in so many seconds, or never, and not at the time set before."""

        def _carry_out(self) -> None:
            """Do what was decided. It may be called in the midst of itself."""

        def _dial(self, member: Member) -> Any: ...
        def _close_member(self, member: Member, graceful: bool) -> Any: ...

    # Carrying out.

    def _do(self, effect: Effect) -> None:
        """Carry out one decision."""
        if isinstance(effect, Dial):
            member = effect.member
            member.connection = self._new_connection()
            member.connection._settle_at(member.host.address)
            member.connection._pool = self  # it runs the callbacks; see `rethinkdb.push`
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

    def _tell(self, event: Event) -> None:
        self._report(event)
        for listener in tuple(self._listeners[event.name]):
            try:
                listener(event)
            except Exception:
                logger.exception("a listener to %r of a pool failed: %r", event.name, listener)

    def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Tell the pool what happened, and when; then do what it decides."""
        tell(*args, monotonic(), **options)
        self._carry_out()

    def _tick(self) -> None:
        self._told(self._pool.tick)

    def _watch(self, member: Member) -> None:
        """Notice when the connection of a member ends by itself."""
        session = member.connection._session
        self._when(session.closed, lambda: self._lost(member, session.cause))

    def _lost(self, member: Member, cause: BaseException | None) -> None:
        self._told(self._pool.lost, member, cause)

    def _when(self, waiter: Waiter[Any], then: Callable[[], object]) -> None:
        """Call `then` when a waiter is settled."""
        waiter.add_done_callback(lambda _: then())

    def _notice_loss(self, member: Member) -> None:
        """After an error: when a link is lost, a query may hear of it before `_watch` does.

        Otherwise whoever tries again at once would get the same connection.
        """
        self._tell_loss(member)

    def _tell_loss(self, member: Member) -> None:
        session = member.connection._session
        if not session.is_open:
            self._told(self._pool.lost, member, session.cause)

    # Queries.

    def _allowance(self, options: dict[str, Any]) -> Allowance | None:
        """What a query's deadline allows, waiting for a connection included; None if it has none.

        Raises:
            ReqlDriverError: `deadline` is no number of seconds.
        """
        seconds = self.options.deadline
        if "deadline" in options:
            seconds = seconds_or_none("deadline", options["deadline"])
        return None if seconds is None else Allowance.of(seconds, monotonic())

    def _course(self, term: Any, options: dict[str, Any], allowance: Allowance | None) -> Retrying:
        """Who decides whether a query that has failed is run again."""
        codec, db = self._sample._codec, self._sample.db
        plain = {name: value for name, value in options.items() if name not in _OURS}

        def doing() -> Doing:
            try:
                _, *sent = term.start_body(plain, db, codec.values)
                return doing_of([TermType.MAKE_ARRAY, sent])
            except Exception:  # what cannot be built was not sent
                return Doing.ACTS

        idempotent = bool(options.get("idempotent"))
        ends_at = math.inf if allowance is None else allowance.ends_at
        course = self._pool.retrying(doing, idempotent, ends_at)
        course.about = term.term if type(term) is EditedQuery else term, plain
        return course

    def _pause(self, course: Retrying, error: ReqlError, member: Member | None) -> float:
        """A query has failed: seconds until it is run again.

        Args:
            course: the query's.
            error: what it ended in. It is raised if the query is not run again.
            member: where; None if it came to no connection.
        """
        if self.closed:
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
        """A query has brought a cursor: its connection stays until that has ended.

        Args:
            renewable: it may begin anew, as long as it has given nothing out.
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
        """Take a connection back.

        Returns:
            Whether it has to be closed: the pool does not know it any more.
        """
        member = self._lent.pop(connection, None)
        if member is None:
            raise ReqlDriverError("This connection was not acquired from this pool, or is back.")
        self._notice_loss(member)
        connection.db = self._sample.db
        at_work = connection._session.tokens_in_use - member.cursors - member.feeds
        clean = connection.is_open() and not at_work
        self._told(self._pool.returned, member, clean=clean)
        return member.state is State.GONE and connection.is_open()


def stream_in(value: Any) -> Stream | None:
    """The stream that a query has brought: itself, or behind a cursor; perhaps with a profile."""
    if type(value) is dict:
        value = value.get("value")
    if type(value) in PLAIN:  # nearly always
        return None
    if isinstance(value, BaseCursor):
        return value._stream
    return value if isinstance(value, Stream) else None
