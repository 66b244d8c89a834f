"""What the pools of all loops have in common. They carry out what `rethinkdb.pool` decides.

A pool is what applications hold: one object for the life of the process. It opens connections when
they are needed, replaces those that are lost, and makes nobody wait without a bound. A pool stands
where a connection stands: `query.run(pool)` takes the options and gives the results of
`query.run(conn)`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.options import seconds_or_none
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Close, Dial, Effect, Event, Member, Pool, PoolOptions, PoolStats, Wake
from rethinkdb.pool.members import State

from .calling_back import CallingBack
from .place import misplaced

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PATIENCE", "BasePool", "logger", "pool_type", "stream_in"]

logger = logging.getLogger("rethinkdb.pool")

# Seconds that what is under way has when a pool is closed.
PATIENCE = 10.0

# `loop_type` of a pool that does not name one.
_OWN: Any = object()

EVENTS = ("opened", "lost", "exhausted", "recovered")


class BasePool(CallingBack):
    """Connections to one server, shared by all queries.

    The constructor connects to nothing, and needs no running loop. The first query opens the pool,
    unless `open()` did so before.

    Args:
        *args, **kwargs: the arguments of `r.connect()`, and these:
        min_size: how many connections are kept open. Default: 1.
        max_size: how many there may be. Default: 8.
        per_connection: how many queries one connection carries at a time. When all carry as many,
            a further connection is opened. Default: 64.
        acquire_timeout: seconds to wait for a connection. Default: 10.
        max_waiting: how many may wait for one. Default: 1000.
        max_lifetime: seconds after which a connection is replaced. None: never. Default: 3600.
        max_idle: seconds after which a connection that nobody used is closed, down to `min_size`.
            None: never. Default: 600.
        keepalive: as of `r.connect()`. Default: 20.
        deadline: how many seconds a query may take until its first answer, waiting for a connection
            included; `run(pool, deadline=...)` says it for one query. None: no limit. Default.
        name: what log lines, errors and `stats()` call the pool.
        loop_type: a pool for that loop, as of `r.set_loop_type`. Default: the one chosen there.

    Raises:
        ReqlDriverError: an argument will not do.
    """

    _home: Any

    #: The class of its connections.
    connection_type: ClassVar[type[BaseConnection]]

    def _instead_of_value(self) -> str:
        """What to write where a program has put it into a query."""
        return "Give the pool to run(), and to run() only: query.run(pool)."

    def __new__(cls, *args: Any, loop_type: Any = _OWN, **kwargs: Any) -> Any:
        if loop_type is not _OWN:
            chosen = pool_type(loop_type)
            if not issubclass(cls, chosen):
                return chosen(*args, **kwargs)  # none of this class, so `__init__` is not called
        return super().__new__(cls)

    def __init__(self, *args: Any, loop_type: Any = _OWN, **kwargs: Any) -> None:
        self.options = PoolOptions.taken_from(kwargs)
        self._arguments = args, {**kwargs, "keepalive": self.options.keepalive}
        # Never opened. It checks the arguments now, not at the first query.
        self._sample = self._new_connection()
        self._address = self._sample.host, self._sample.port
        self._listeners: dict[str, list[Callable[[Event], object]]] = {name: [] for name in EVENTS}
        self._begin_anew()

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

    def _here(self) -> Any:
        """The event loop that runs here; None where any will do."""
        return None

    # What its users look at.

    def stats(self) -> PoolStats:
        """How the pool stands: connections, queries, waits and errors, in all and by host.

        Example:
            print(pool.stats().in_flight)
        """
        return self._pool.stats()

    def on(self, event: str, listener: Callable[[Event], object]) -> Self:
        """Call a function when something happens to the pool.

        Args:
            event: `opened`: a connection was opened. `lost`: one has ended by itself. `exhausted`:
                queries wait, as no connection has room. `recovered`: nobody has to wait any more.
            listener: gets a `rethinkdb.pool.Event`. It is called in the midst of the pool's work,
                so it should be quick. What it raises is logged.

        Returns:
            The pool.

        Raises:
            ReqlDriverError: there is no such event.

        Example:
            pool.on("lost", lambda event: print(event.host, event.cause))
        """
        if event not in self._listeners:
            raise ReqlDriverError(
                f"A pool has no event {event!r}. Its events are: {', '.join(EVENTS)}."
            )
        self._listeners[event].append(listener)
        return self

    def __repr__(self) -> str:
        host, port = self._address
        name = "" if self.options.name is None else f" {self.options.name!r}"
        stats = self.stats()
        state = "closed" if self.closed else f"{stats.size} open, {stats.in_flight} in flight"
        return f"<{type(self).__name__}{name} {host}:{port} {state}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            "A pool cannot be copied or pickled, as it holds open connections. Make another one."
        )

    # Its life.

    def _begin_anew(self) -> None:
        """Begin with no connections: at first, and after fork() in the child."""
        self._process = os.getpid()
        self._home = None
        self._runner = None
        self._pool = Pool(self.options, [self._address])
        self._lent: dict[BaseConnection, Member] = {}
        # What ends those dials early that are under way.
        self._dialling: dict[Member, Callable[[], object]] = {}
        self.closed = False

    def _check_place(self) -> None:
        """Refuse to work in another loop than the one that used the pool first.

        After fork() the child begins anew: the connections are its parent's, so it leaves them.
        """
        if self._process != os.getpid():
            self._begin_anew()
        here = self._here()
        if here is self._home:
            return
        if self._home is not None:
            raise misplaced(f"another event loop, {self._home!r}", "Make a pool in each.", "pool")
        self._home = here

    def _new_connection(self) -> BaseConnection:
        args, kwargs = self._arguments
        return self.connection_type(*args, **kwargs)

    # Carrying out.

    def _do(self, effect: Effect) -> None:
        """Carry out one decision."""
        if isinstance(effect, Dial):
            member = effect.member
            member.connection = self._new_connection()
            vars(member.connection)["_pool"] = self  # it runs the callbacks; see `rethinkdb.push`
            give_up = self._spawn(self._dial, member)
            if member.state is State.DIALLING:
                self._dialling[member] = give_up
        elif isinstance(effect, Close):
            give_up = self._dialling.pop(effect.member, bool)
            give_up()
            self._spawn(self._close_member, effect.member, effect.graceful)
        elif isinstance(effect, Wake):
            self._set_timer(max(0.0, effect.at - monotonic()))
        else:
            self._tell(effect)

    def _tell(self, event: Event) -> None:
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

        def lost(_: Waiter[None]) -> None:
            self._told(self._pool.lost, member, session.cause)

        session.closed.add_done_callback(lost)

    def _notice_loss(self, member: Member) -> None:
        """After an error: when a link is lost, a query may hear of it before `_watch` does.

        Otherwise whoever tries again at once would get the same connection.
        """
        session = member.connection._session
        if not session.is_open:
            self._told(self._pool.lost, member, session.cause)

    # Queries.

    def _seconds(self, options: dict[str, Any]) -> float | None:
        """What a query's deadline allows, waiting for a connection included."""
        return seconds_or_none("deadline", options.pop("deadline", self.options.deadline))

    def _hold(self, member: Member, stream: Stream | None) -> None:
        """A query has brought a cursor: its connection stays until that has ended."""
        if stream is None or stream.finished:
            return
        feed = stream.is_feed
        self._pool.pinned(member, feed)

        def let_go(_: Waiter[None]) -> None:
            self._told(self._pool.unpinned, member, feed=feed)

        stream.ended.add_done_callback(let_go)

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


def pool_type(loop_type: str | None) -> type[BasePool]:
    """The class of a loop's pools: `ConnectionPool`, where its connections' class is found.

    Raises:
        ReqlDriverError: there is no such loop type (`ReqlLoopTypeError`), or it has no pools.
    """
    from .. import load

    home = load(loop_type).__module__
    found: type[BasePool] | None = getattr(import_module(home), "ConnectionPool", None)
    if found is None:
        raise ReqlDriverError(f"The loop type `{loop_type}` has no pools: {home} offers none.")
    return found


def stream_in(value: Any) -> Stream | None:
    """The stream that a query has brought: itself, or behind a cursor; perhaps with a profile."""
    if type(value) is dict:
        value = value.get("value")
    if isinstance(value, BaseCursor):
        return value._stream
    return value if isinstance(value, Stream) else None
