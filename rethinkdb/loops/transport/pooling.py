"""What the pools of all loops have in common. They carry out what `rethinkdb.pool` decides.

A pool is what applications hold: one object for the life of the process. It opens connections when
they are needed, replaces those that are lost, and makes nobody wait without a bound. A pool stands
where a connection stands: `query.run(pool)` takes the options and gives the results of
`query.run(conn)`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.options import check_names
from rethinkdb.net.showing import offered
from rethinkdb.pool import Event, Member, Pool, PoolOptions, PoolStats
from rethinkdb.pool.feeds import Feed
from rethinkdb.pool.options import POOL_OPTIONS

from .executing import Executor, logger, stream_in
from .place import PROCESS, misplaced
from .watching import POOLS

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PATIENCE", "BasePool", "logger", "pool_type", "stream_in"]

# Seconds that what is under way has when a pool is closed.
PATIENCE = 10.0

# `loop_type` of a pool that does not name one.
_OWN: Any = object()

EVENTS = ("opened", "lost", "down", "up", "exhausted", "recovered")


class BasePool(Executor):
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
        discover: use the servers that the cluster has, as they come and go; see "Running against a
            cluster". Default: False.
        retry: how often, and when, a query that failed is run again: a `RetryPolicy`, True for the
            usual one, None for never. Only what surely was not done is run again, what only reads,
            and what is run with `idempotent=True`. Default: True.
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
        check_names(kwargs, self.connection_type.LOOP_OPTIONS, "ConnectionPool()", POOL_OPTIONS)
        self._arguments = args, {**kwargs, "keepalive": self.options.keepalive}
        # Never opened. It checks the arguments now, not at the first query.
        self._sample = self._new_connection()
        self._addresses = self._sample.options.places
        self._listeners: dict[str, list[Callable[[Event], object]]] = {name: [] for name in EVENTS}
        self._begin_anew()
        POOLS.add(self)

    if TYPE_CHECKING:  # for the loops' pools to supply

        def _run(self, term: Any, options: dict[str, Any]) -> Any: ...
        def _open(self) -> Any: ...
        def _close(self, timeout: float) -> Any: ...
        def _loan(self) -> Any: ...
        def _borrow(self) -> Any: ...
        def _take_back(self, connection: Any) -> Any: ...

    def _given(self, work: Any) -> Any:
        """What callers hold in place of a coroutine, or of a value."""
        return work

    def _here(self) -> Any:
        """The event loop that runs here; None where any will do."""
        return None

    # What its users call.

    def run(self, term: Any, **options: Any) -> Any:
        """Run a query on one of the connections: `term.run(pool, **options)` comes here.

        Args:
            term: the query.
            **options: as for a connection. `deadline` covers waiting for a connection, and all
                attempts. `idempotent=True` says that running the query twice is as good as once, so
                that it may be run again whatever it does.

        Returns:
            What the same query gives on a connection, as this loop gives results.

        Raises:
            PoolTimeoutError: no connection could be had in time; it is a `ReqlTimeoutError`.
            PoolFullError: too many wait for a connection already.
            PoolClosedError: the pool is closed.
            ReqlError: as on a connection.

        When it was run several times, the error has `tries` and `hosts`, and tells of them.

        Cancelling it stops the query on the server, or takes it out of the queue, and no further
        attempt is made.

        Example:
            r.table("heroes").get(1).run(pool, deadline=5)
        """
        return self._given(self._run(term, options))

    _start = run

    def open(self) -> Any:
        """Open `min_size` connections, and wait until they are open.

        Nobody has to call it, as the first query opens the pool. It tells early whether the server
        can be reached.

        Returns:
            The pool, as this loop gives results.

        Raises:
            ReqlDriverError: as `run`, when no connection can be opened. The pool goes on trying.

        Cancelling it ends the wait, and nothing else.

        Example:
            pool = r.ConnectionPool("localhost")
            pool.open()
        """
        return self._given(self._open())

    def close(self, timeout: float = PATIENCE) -> Any:
        """Take no more work, wait for what is under way, close all connections.

        Args:
            timeout: how many seconds queries, cursors and borrowed connections have. Then they are
                ended. Changefeeds end as soon as nothing else is under way.

        Returns:
            None, as this loop gives results.

        Cancelling it ends what is under way at once.

        Example:
            pool.close(timeout=2)
        """
        return self._given(self._close(timeout))

    def connection(self) -> Any:
        """Have a connection alone: for `noreply_wait`, `use` and the like.

        Returns:
            For a `with` block, where methods of this loop return values; else for `async with`.
            The block gets the connection. It goes back in the end. If something that the block has
            begun is still under way on it, it is closed.

        Raises:
            ReqlDriverError: as `run`.

        Cancelling the block gives the connection back, too.

        Example:
            with pool.connection() as conn:
                r.table("log").insert(line).run(conn, noreply=True)
                conn.noreply_wait()
        """
        return self._loan()

    def acquire(self) -> Any:
        """A connection, to have it alone. Give it to `release` in the end.

        Returns:
            The connection, as this loop gives results.

        Raises:
            ReqlDriverError: as `run`.

        Cancelling it takes none.

        Example:
            conn = pool.acquire()
        """
        return self._given(self._borrow())

    def release(self, connection: Any) -> Any:
        """Take back a connection that `acquire` gave.

        Args:
            connection: that one. If something is still under way on it, it is closed.

        Returns:
            None, as this loop gives results.

        Raises:
            ReqlDriverError: it is not one that this pool has lent.

        Example:
            pool.release(conn)
        """
        return self._given(self._take_back(connection))

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
                `down`: a host could not be connected to. `up`: it can be again.
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
        name = "" if self.options.name is None else f" {self.options.name!r}"
        stats = self.stats()
        state = "closed" if self.closed else f"{stats.size} open, {stats.in_flight} in flight"
        hosts = ",".join(host.host for host in stats.hosts)
        return f"<{type(self).__name__}{name} {hosts} {state}>"

    def __dir__(self) -> list[str]:
        return offered(super().__dir__())

    def __reduce__(self) -> Any:
        raise TypeError(
            "A pool cannot be copied or pickled, as it holds open connections. Make another one."
        )

    # Its life.

    def _begin_anew(self) -> None:
        """Begin with no connections: at first, and after fork() in the child."""
        self._process = PROCESS.id
        self._home = None
        self._runner = None
        self._pool = Pool(self.options, self._addresses)
        self._lent: dict[BaseConnection, Member] = {}
        # What ends those dials early that are under way.
        self._dialling: dict[Member, Callable[[], object]] = {}
        self._courses: dict[Feed, Callable[[], object]] = {}
        self.closed = False

    def _check_place(self) -> None:
        """Refuse to work in another loop than the one that used the pool first.

        After fork() the child begins anew: the connections are its parent's, so it leaves them.
        """
        if self._process != PROCESS.id:
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
