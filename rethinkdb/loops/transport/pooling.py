"""The part that the pools of all loops share. `rethinkdb.pool` decides; the pool does it.

An application makes one pool and keeps it while the process lives. The pool opens connections when
they are needed and replaces lost ones. Every wait has a time limit. A pool can be used in place of
a connection: `query.run(pool)` has the same options and results as `query.run(conn)`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.options import check_names
from rethinkdb.net.showing import offered, shown_in_any_state
from rethinkdb.pool import Event, Member, Pool, PoolOptions, PoolStats
from rethinkdb.pool.feeds import Feed
from rethinkdb.pool.options import POOL_OPTIONS

from .executing import Executor, logger, stream_in
from .place import PROCESS, misplaced
from .watching import POOLS

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PATIENCE", "BasePool", "logger", "pool_type", "stream_in"]

# Seconds that running queries have to finish when a pool is closed.
PATIENCE = 10.0

# Means that the argument `loop_type` was not given.
_OWN: Any = object()

EVENTS = ("opened", "lost", "down", "up", "exhausted", "recovered")


class BasePool(Executor):
    """A pool of connections. All queries share them.

    The constructor does not connect, and needs no running loop. The first query opens the pool, or
    a call of `open()` before it.

    Args:
        *args, **kwargs: the arguments of `r.connect()`, and these:
        min_size: the number of connections to keep open. Default: 1.
        max_size: the largest number of connections. Default: 8.
        per_connection: the number of queries that share one connection. When all connections have
            that many, another connection is opened. Default: 64.
        acquire_timeout: the longest wait for a connection, in seconds. Default: 10.
        max_waiting: the largest number of callers that may wait for a connection. Default: 1000.
        max_lifetime: seconds after which a connection is replaced. None: never. Default: 3600.
        max_idle: seconds after which an unused connection is closed; `min_size` connections stay.
            None: never. Default: 600.
        keepalive: as in `r.connect()`. Default: 20.
        deadline: seconds that a query may take until its first answer. The wait for a connection
            counts too. `run(pool, deadline=...)` overrides it for one query. None: no limit.
            Default: None.
        discover: follow the cluster: use servers that join it, and leave servers that are gone; see
            "Running against a cluster". Default: False.
        retry: whether and when a failed query is run again: a `RetryPolicy`, True for the default
            policy, None for never. A query is only run again if the server certainly did not do it,
            if it only reads, or if it is run with `idempotent=True`. Default: True.
        name: a name for the pool, shown in log lines, errors and `stats()`.
        loop_type: the loop to make a pool for, as in `r.set_loop_type`. Default: the loop type that
            was set there.

    Raises:
        ReqlDriverError: an argument is invalid.
    """

    _home: Any

    #: The class of the pool's connections.
    connection_type: ClassVar[type[BaseConnection]]

    def _instead_of_value(self) -> str:
        """The advice in the error raised when a program puts a pool into a query."""
        return "Give the pool to run(), and to run() only: query.run(pool)."

    def __new__(cls, *args: Any, loop_type: Any = _OWN, **kwargs: Any) -> Self:
        if loop_type is not _OWN:
            chosen = pool_type(loop_type)
            if not issubclass(cls, chosen):
                # Another class, so Python calls no `__init__` here.
                return cast("Self", chosen(*args, **kwargs))
        return super().__new__(cls)

    def __init__(self, *args: Any, loop_type: Any = _OWN, **kwargs: Any) -> None:
        self.options = PoolOptions.taken_from(kwargs)
        check_names(kwargs, self.connection_type.LOOP_OPTIONS, "ConnectionPool()", POOL_OPTIONS)
        self._arguments = args, {**kwargs, "keepalive": self.options.keepalive}
        # This connection is never opened. Making it checks the arguments now, not at the first
        # query.
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
        """Turn a coroutine, or a value, into what users of this loop get."""
        return work

    def _here(self) -> Any:
        """The event loop that runs here; None for pools that belong to no loop."""
        return None

    # What its users call.

    def run(self, term: Any, **options: Any) -> Any:
        """Run a query on one of the connections. `term.run(pool, **options)` calls this.

        Args:
            term: the query.
            **options: the same as for a connection. `deadline` limits the wait for a connection and
                all attempts together. `idempotent=True` says that running the query twice has the
                same effect as once. The pool may then run it again whatever it does.

        Returns:
            The same as on a connection.

        Raises:
            PoolTimeoutError: no connection was free in time. It is a `ReqlTimeoutError`.
            PoolFullError: `max_waiting` callers already wait for a connection.
            PoolClosedError: the pool is closed.
            ReqlError: as on a connection.

        If the query was run several times, the error has the attributes `tries` and `hosts`, and
        its message says so.

        Cancelling it stops the query on the server, or ends its wait for a connection. It is not
        run again.

        Example:
            r.table("heroes").get(1).run(pool, deadline=5)
        """
        return self._given(self._run(term, options))

    _start = run

    def open(self) -> Any:
        """Open `min_size` connections, and wait until they are open.

        Calling it is optional, as the first query opens the pool. It shows early whether the server
        can be reached.

        Returns:
            The pool; on loops where callers wait for results, an awaitable, a Future or a Deferred
            of it.

        Raises:
            ReqlDriverError: no connection could be opened; the errors are those of `run`. The pool
                keeps trying.

        Cancelling it ends the wait only. The pool goes on connecting.

        Example:
            pool = r.ConnectionPool("localhost")
            pool.open()
        """
        return self._given(self._open())

    def close(self, timeout: float = PATIENCE) -> Any:
        """Close the pool: refuse new queries, wait for the running ones, close all connections.

        Args:
            timeout: the longest wait, in seconds, for queries, cursors and borrowed connections.
                After that they are ended. Changefeeds do not make it wait: they are ended when
                nothing else runs.

        Returns:
            None; on loops where callers wait for results, an awaitable, a Future or a Deferred.

        Raises:
            ReqlDriverError: `timeout` is no number. The pool stays open.

        Cancelling it ends everything that still runs at once.

        Example:
            pool.close(timeout=2)
        """
        return self._given(self._close(timeout))

    def connection(self) -> Any:
        """Borrow a connection for a block. Nobody else uses it meanwhile.

        Use it for `noreply_wait`, `use` and other things that concern a whole connection.

        Returns:
            A context manager whose value is the connection: for `with` where methods return values,
            otherwise for `async with`. At the end of the block the connection goes back to the
            pool. If something that the block started still runs on it, the connection is closed.

        Raises:
            ReqlDriverError: the errors are those of `run`.

        Cancelling the block also gives the connection back.

        Example:
            with pool.connection() as conn:
                r.table("log").insert(line).run(conn, noreply=True)
                conn.noreply_wait()
        """
        return self._loan()

    def acquire(self) -> Any:
        """Borrow a connection. Nobody else uses it until you pass it to `release`.

        Returns:
            The connection; on loops where callers wait for results, an awaitable, a Future or a
            Deferred of it.

        Raises:
            ReqlDriverError: the errors are those of `run`.

        Cancelling it ends the wait; no connection is borrowed.

        Example:
            conn = pool.acquire()
        """
        return self._given(self._borrow())

    def release(self, connection: Any) -> Any:
        """Give back a connection that was borrowed with `acquire`.

        Args:
            connection: the connection. If something still runs on it, it is closed.

        Returns:
            None; on loops where callers wait for results, an awaitable, a Future or a Deferred.

        Raises:
            ReqlDriverError: the connection is not borrowed from this pool.

        Example:
            pool.release(conn)
        """
        return self._given(self._take_back(connection))

    # What its users look at.

    def stats(self) -> PoolStats:
        """Numbers of connections, queries, waits and errors: in total and for each host.

        Example:
            print(pool.stats().in_flight)
        """
        self._check_process()
        return self._pool.stats()

    def on(self, event: str, listener: Callable[[Event], object]) -> Self:
        """Call a function when something happens to the pool.

        Args:
            event: `opened`: a connection was opened. `lost`: a connection was lost. `exhausted`:
                queries wait, as no connection has room. `recovered`: no query waits any more.
                `down`: connecting to a host failed. `up`: connecting to it succeeds again.
            listener: called with a `rethinkdb.pool.Event`. It interrupts the pool's work, so it
                should be quick. If it raises an error, the error is logged.

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

    @shown_in_any_state
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
        """Start without connections: in a new pool, and in the child after fork()."""
        self._process = PROCESS.id
        self._home = None
        self._runner = None
        self._pool = Pool(self.options, self._addresses)
        self._lent: dict[BaseConnection, Member] = {}
        # For each connection that is being opened: what ends that early.
        self._dialling: dict[Member, Callable[[], object]] = {}
        self._courses: dict[Feed, Callable[[], object]] = {}
        self.closed = False

    def _check_process(self) -> None:
        """In a forked child, start without connections: those it had belong to the parent."""
        if self._process != PROCESS.id:
            self._begin_anew()

    def _check_place(self) -> None:
        """Raise an error in another loop than the one that used the pool first."""
        if self._process != PROCESS.id:
            self._check_process()
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
    """The pool class of a loop: `ConnectionPool` in the module of its connection class.

    Raises:
        ReqlDriverError: there is no such loop type (`ReqlLoopTypeError`), or it has no pools.
    """
    from .. import load

    home = load(loop_type).__module__
    found: type[BasePool] | None = getattr(import_module(home), "ConnectionPool", None)
    if found is None:
        raise ReqlDriverError(f"The loop type `{loop_type}` has no pools: {home} offers none.")
    return found
