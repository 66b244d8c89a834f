"""The public operations of a connection, written once for all loops.

The core (`Session`) handles tokens, waiters and streams. A loop adapter subclasses `BaseConnection`
and implements what depends on the loop:

    _init_loop      accept the options of connect() that only this loop has
    connect         open the socket, TLS and handshake, within one deadline
    reconnect       close, then connect again
    _call           run an operation of the core, flush, wait for it, return its result
    _discard        close a stream whose cursor was garbage-collected, from any thread
    _local_address  the local address of the socket

Each operation of the core returns a `Waiter`. `_call` turns that into what users of the loop get: a
value, a coroutine, a Future or a Deferred. `_call` reads the value with `_outcome`, which turns a
stream into a cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.repl import Repl

from .address import checked_text
from .cursor import BaseCursor
from .emitting import ConnectionEvents
from .handshake import refusal
from .options import Address, ConnectOptions, check_names
from .owning import SessionOwner
from .query_making import QueryMaking
from .stream import Stream
from .uncopyable import Uncopyable
from .waiter import Waiter

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BaseConnection", "make_connection"]

T = TypeVar("T")


class BaseConnection(QueryMaking, SessionOwner, ConnectionEvents, Uncopyable):
    """A connection to a RethinkDB server. `r.connect()` makes one for the chosen loop.

    Many queries and cursors can be in flight on one connection. Assigning to `db` does the same as
    `use()`.

    Args:
        *args, **kwargs: the arguments of `connect()`, see `ConnectOptions.from_arguments`, and
            the options that only this loop has.
    """

    #: Version of the interface between core and adapter that this class implements; see
    #: `rethinkdb.loops`.
    LOOP_API: ClassVar[int]

    WHY_NO_COPIES = (
        "it is a link between this process and a server. Connect again where another one is needed."
    )

    def _instead_of_value(self) -> str:
        """The advice in the error raised when a program puts a connection into a query."""
        return "Give the connection to run(), and to run() only: query.run(conn)."

    #: Whether `connect()` accepts several hosts and tries them in turn.
    TRIES_HOSTS: ClassVar[bool] = False

    #: Options of `connect()` that only this loop has.
    LOOP_OPTIONS: ClassVar[tuple[str, ...]] = ()

    #: The class of this loop's cursors.
    cursor_type: ClassVar[type[BaseCursor]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_names(kwargs, self.LOOP_OPTIONS)
        own = {name: kwargs.pop(name) for name in self.LOOP_OPTIONS if name in kwargs}
        self.options = ConnectOptions.from_arguments(*args, **kwargs)
        if self.options.hosts and not self.TRIES_HOSTS:
            raise ReqlDriverError(
                "`hosts`: a connection of this loop type goes to one host only. Name one of them."
            )
        self._prepare_queries()
        self._fresh_session().close(noreply_wait=False)  # closed, until connected
        self._init_loop(**own)

    @classmethod
    def make(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a connection and connect it. This is what `r.connect()` calls.

        Args:
            *args, **kwargs: the arguments of `connect()`.

        Returns:
            The connection; on loops where callers wait for results, an awaitable, a Future or a
            Deferred of it.

        Raises:
            ReqlAuthError: the user is unknown or the password is wrong.
            ReqlTimeoutError: connecting took longer than `timeout`.
            ReqlDriverError: an argument is invalid, the server cannot be reached, or what answers
                is not a RethinkDB server.
        """
        return cls(*args, **kwargs).connect()

    # For adapters to supply.

    if TYPE_CHECKING:

        def _init_loop(self, *args: Any, **options: Any) -> None:
            """Accept the options named in `LOOP_OPTIONS`, as far as they were given."""

        def connect(self) -> Any:
            """Open socket, TLS and session. `connect_timeout` limits all of it together."""

        def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Any:
            """Close, then connect again to the same server as the same user.

            A closed connection can be reconnected too. The database set with `use()` is kept.

            Args:
                noreply_wait: wait for `noreply` queries before closing, as in `close`.
                timeout: seconds for connecting; default `connect_timeout`.

            Returns:
                This connection; on loops where callers wait for results, an awaitable, a Future or
                a Deferred of it.

            Raises:
                ReqlError: the same errors as `connect()`.
                ReqlDriverError: `close()` was called meanwhile. The connection stays closed.
            """

        def _call(
            self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
        ) -> Any:
            """Run an operation of the core and wait for its result the way this loop waits.

            If the caller is cancelled, or after `timeout` seconds: abandon the waiter, then flush.
            """

        def _discard(self, stream: Stream) -> None:
            """Arrange that `stream.close()` and a flush run soon, where the core may be used.

            The garbage collector calls this for a cursor that nobody holds: in any thread, between
            any two instructions. So it must not raise, wait, or use the core itself. If the loop is
            closed, do nothing.
            """

        def _local_address(self) -> tuple[str, int] | None:
            """The local address and port of the socket; None when closed."""

        def _check_loop(self) -> None:
            """Raise an error if the caller runs in another loop than this connection's.

            Only loops whose callers await results check that.
            """

    def _make_home(self) -> None:
        """Bind the connection to the loop that is running now. Loops that need it override this."""

    # Attributes that programs read.

    @property
    def host(self) -> str:
        """The server's name or address."""
        return self.options.host

    @property
    def port(self) -> int:
        """The server's port."""
        return self.options.port

    @property
    def connect_timeout(self) -> float:
        """The longest time that connecting may take, in seconds."""
        return self.options.timeout

    @property
    def ssl(self) -> Any:
        """The `ssl` argument of `connect()`; None if the connection does not use TLS."""
        return self.options.tls and self.options.tls.argument

    # Operations.

    def run(self, term: Any, **options: Any) -> Any:
        """Run a query. `term.run(conn, **options)` calls this.

        Args:
            term: the query.
            **options: run options, such as `db`, `noreply`, `time_format`, `array_limit`. The
                driver itself handles these, and does not send them:

                - `as_cursor`: return a cursor for an array too.
                - `as_type`: the class whose objects the rows become.
                - `deadline`: seconds that the first answer may take. None: no limit. Default: the
                  `deadline` of `connect()`.
                - `idempotent`: running the query twice has the same effect as once. Only pools use
                  it: they may then try again.
                - `resume`, `remember`: for changefeeds that go on after a lost connection. They
                  need a pool, or a connection to several hosts.

        Returns:
            Streams return a cursor, arrays a list, other values are returned directly; on loops
            where callers wait for results, as an awaitable, a Future or a Deferred. `profile=True`
            returns `{"value": result, "profile": [...]}`. `noreply=True` returns None. It does not
            wait for the server, and errors of the query are not reported. It waits only while the
            network is slower than the program: so a loop of such queries does not fill the memory.

        Raises:
            ReqlError: the query failed. Other queries on the connection are not affected.
            ReqlTimeoutError: no answer came within `deadline`. The query was stopped.
            ReqlDriverError: the connection is closed or was lost.

        Cancelling it stops the query on the server. The connection stays usable. A `noreply` query
        is sent and executed even if it is cancelled.
        """
        if options and (place := self._place_for(options)) is not self:
            return place.run(term, **options)
        if (opening := self._ask_own_check()) is not None:
            return self._run_after(opening, term, options)
        return self._call(self._session.start, self._query(term, options))

    _start = run

    def _place_for(self, options: Mapping[str, Any]) -> Any:
        """Where to run a query: on this connection, or on its pool for `resume=` with `hosts=`.

        Raises:
            ReqlDriverError: the connection is closed.
        """
        if options.get("resume") is None or not self.options.hosts:
            return self
        return import_module("rethinkdb.loops.transport.own_pool").own_pool(self)

    def noreply_wait(self) -> Any:
        """Wait until the server has finished all `noreply` queries sent on this connection.

        Returns:
            None, once they are finished; on loops where callers wait for results, an awaitable, a
            Future or a Deferred.

        Raises:
            ReqlTimeoutError: it took longer than the `deadline` of `connect()`. The queries go on,
                and it can be called again.
            ReqlDriverError: the connection is closed or was lost.
        """
        return self._call(self._session.noreply_wait, self._deadline)

    def server(self) -> Any:
        """Ask the server who it is.

        Returns:
            `{"id": uuid, "name": name, "proxy": bool}`. A proxy has no `name`. On loops where
            callers wait for results, an awaitable, a Future or a Deferred of it.

        Raises:
            ReqlTimeoutError: no answer came within the `deadline` of `connect()`.
            ReqlDriverError: the connection is closed or was lost.
        """
        return self._call(self._session.server, self._deadline)

    def close(self, noreply_wait: bool = True) -> Any:
        """Close the connection. Closing it twice is no error.

        Cursors still deliver the items that have arrived, then raise `ReqlDriverError`. So do
        queries that have no answer when the connection closes.

        Args:
            noreply_wait: True first waits, without a time limit, until the server has finished all
                `noreply` queries: closing would interrupt them. False closes without waiting.
        """
        return self._call(self._session.close, noreply_wait)

    def use(self, db: str) -> None:
        """Set the database that `r.table(...)` uses in later queries. Nothing is sent.

        Raises:
            ReqlDriverError: `db` is no string.
        """
        self.db = checked_text("`db`", db)

    def repl(self) -> Self:
        """Make this the calling thread's default connection: `query.run()` then needs no argument.

        Returns:
            This connection.
        """
        Repl.set(self)
        return self

    def is_open(self) -> bool:
        """Whether queries can be run, as far as this side knows. Nothing is sent."""
        return self._session.is_open

    def check_open(self) -> Any:
        """Raise an error if the connection is closed.

        A program can replace this method, in a subclass or on one connection. The replacement is
        called before each query, so it can reconnect first. On loops whose callers await, what it
        returns is awaited.

        Raises:
            ReqlDriverError: "Connection is closed."
        """
        if not self.is_open():
            raise ReqlDriverError("Connection is closed.")

    def client_port(self) -> int | None:
        """The local port of the socket; None when closed."""
        local = self._local_address()
        return local and local[1]

    def client_address(self) -> str | None:
        """The local address of the socket; None when closed."""
        local = self._local_address()
        return local and local[0]

    # For adapters to use.

    def _ask_own_check(self) -> Any:
        """Call `check_open` if the program replaced it.

        Returns:
            What must be awaited before the query can run; None if there is nothing to await.
        """
        check_open = self.check_open
        if getattr(check_open, "__func__", None) is _CHECK_OPEN:
            return None
        opening = check_open()
        return opening if hasattr(opening, "__await__") else None

    def _run_after(self, opening: Any, term: Any, options: dict[str, Any]) -> Any:
        """Await `opening`, then run the query. Loops whose callers await override this."""
        raise ReqlDriverError("check_open() returned something to await, but nothing is awaited.")

    def _go_to(self, place: Address) -> None:
        """Use this host when connecting the next time. An open connection stays where it is."""
        self.options = self.options.at(place)

    def _settle_at(self, place: Address) -> None:
        """Use only this one of the hosts from now on."""
        self.options = replace(self.options.at(place), hosts=())

    def _outcome(self, waiter: Waiter[Any]) -> Any:
        """The value of a settled waiter, as callers get it; raises the waiter's error.

        A stream becomes a cursor of this loop.
        """
        value = waiter.peek()
        if type(value) is Stream or (type(value) is dict and "value" in value):
            value = self._presented(value)
        # Last: if an interrupt comes before this line, the core still cleans up the value.
        waiter.on_unclaimed = None
        return value

    def _presented(self, value: Any) -> Any:
        """A value of the core, as callers get it: a cursor in place of a stream."""
        if type(value) is Stream:
            return self.cursor_type(self, value)
        if type(value) is dict and type(value.get("value")) is Stream:  # with its profile
            return {**value, "value": self.cursor_type(self, value["value"])}
        return value

    def _connect_error(self, exc: BaseException) -> ReqlDriverError:
        """The error for a socket that could not be opened. The caller raises it `from exc`."""
        if isinstance(exc, TimeoutError):
            return ReqlTimeoutError(self.host, self.port)
        text = f"{str(exc) or type(exc).__name__}. {_advice(exc)}"
        return ReqlDriverError(refusal(self.host, self.port, text))


_CHECK_OPEN = BaseConnection.check_open


# The errors of the system and of Twisted for an unknown host name. They are compared by name, as
# this layer imports neither `socket` nor Twisted.
_UNKNOWN_HOST = {"gaierror", "DNSLookupError"}


def _advice(exc: BaseException) -> str:
    """A hint for the user when the socket cannot be opened."""
    if {type(exc).__name__, type(exc.__cause__).__name__} & _UNKNOWN_HOST:
        return "Is the name of the host right?"
    return "Is the server running, and is this its port?"


def make_connection(connection_type: type[BaseConnection], *args: Any, **kwargs: Any) -> Any:
    """Connect with the given class; see `BaseConnection.make`."""
    return connection_type.make(*args, **kwargs)
