"""A connection's public operations, written once for every loop.

The core does the work (`Session`: tokens, waiters, streams). A loop adapter subclasses
`BaseConnection` and supplies what only it can know:

    _init_loop      take this loop's own options of connect()
    connect         dial, TLS, handshake, within one deadline
    reconnect       close, then connect again
    _call           the seam: run an operation of the core, flush, wait natively, give the outcome
    _discard        close a stream whose cursor was forgotten, wherever that is noticed
    _local_address  this side of the transport

An operation of the core returns a `Waiter`; `_call` returns what callers of this loop hold: the
value, a coroutine, a Future, a Deferred. It takes the value from `_outcome`, which makes cursors of
streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rethinkdb.codec import Codec
from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError, ReqlTypeError
from rethinkdb.ql2 import QueryType
from rethinkdb.repl import Repl
from rethinkdb.typed.state import state as typed

from .cursor import BaseCursor
from .deadlines import Deadline
from .editing import EditedQuery
from .emitting import ConnectionEvents
from .exchange import arrays_as_sequences
from .handshake import refusal
from .options import Address, ConnectOptions, check_names, seconds_or_none
from .owning import SessionOwner
from .query import Query
from .stream import Stream
from .uncopyable import Uncopyable
from .waiter import Waiter

if TYPE_CHECKING:
    from typing_extensions import Self

    from rethinkdb.typed.making import RowMaker

__all__ = ["BaseConnection", "make_connection", "row_maker_of"]

T = TypeVar("T")


_NO_OPTIONS: Mapping[str, Any] = {}


class BaseConnection(SessionOwner, ConnectionEvents, Uncopyable):
    """A connection to a RethinkDB server. `r.connect()` makes one of the chosen loop's kind.

    Many queries and cursors may be in flight on it at once. `db` may be assigned, as `use()` does.

    Args:
        *args, **kwargs: the arguments of `connect()`, see `ConnectOptions.from_arguments`, and
            those that this loop adds.
    """

    #: The contract between core and adapter that a class was written for; see `rethinkdb.loops`.
    LOOP_API: ClassVar[int]

    WHY_NO_COPIES = (
        "it is a link between this process and a server. Connect again where another one is needed."
    )

    def _instead_of_value(self) -> str:
        """What to write where a program has put it into a query."""
        return "Give the connection to run(), and to run() only: query.run(conn)."

    #: Whether `connect()` tries several hosts, if they are given.
    TRIES_HOSTS: ClassVar[bool] = False

    #: Options of connect() that this loop adds.
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
        self.db = self.options.db
        self._codec = Codec(
            self.options.json_encoder, self.options.json_decoder, self.options.converters
        )
        self._decode_plainly = self._codec.decoder(_NO_OPTIONS)
        self._deadline = _deadline(self.options.deadline)
        self._fresh_session().close(noreply_wait=False)  # closed, until connected
        self._init_loop(**own)

    @classmethod
    def make(cls, *args: Any, **kwargs: Any) -> Any:
        """A new connection, connected: this loop's kind of result of it.

        Args:
            *args, **kwargs: the arguments of `connect()`.

        Raises:
            ReqlAuthError: unknown user or wrong password.
            ReqlTimeoutError: no connection within `timeout`.
            ReqlDriverError: an argument will not do, the server cannot be reached, or is none.
        """
        return cls(*args, **kwargs).connect()

    # For adapters to supply.

    if TYPE_CHECKING:

        def _init_loop(self, *args: Any, **options: Any) -> None:
            """Take the options of `LOOP_OPTIONS` that were given."""

        def connect(self) -> Any:
            """Open the transport, TLS and session, within one deadline of `connect_timeout`."""

        def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Any:
            """Close, then connect again to the same server, as the same user.

            Works on a closed connection too; the database set by `use` stays.

            Args:
                noreply_wait: as for `close`.
                timeout: seconds for connecting, default `connect_timeout`.

            Returns:
                this connection, as this loop gives results.
            """

        def _call(
            self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
        ) -> Any:
            """Run an operation of the core and wait for its outcome, natively.

            When the caller is cancelled or the time is up, abandon the waiter, then flush.
            """

        def _discard(self, stream: Stream) -> None:
            """Soon `stream.close()` and flush, where this loop may use the core.

            Called when a cursor is garbage: in any thread, in the midst of anything. It must not
            raise, wait, or use the core itself. If the loop has gone there is nothing to do.
            """

        def _local_address(self) -> tuple[str, int] | None:
            """Address and port of this side; None when closed."""

        def _check_loop(self) -> None:
            """Raise unless this is the connection's own loop, if callers await its results."""

    def _make_home(self) -> None:
        """From now on the connection lives in the loop that runs here, if it needs to know."""

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
        """Seconds that connecting may take."""
        return self.options.timeout

    @property
    def ssl(self) -> Any:
        """The `ssl` argument of `connect()`; None without TLS."""
        return self.options.tls and self.options.tls.argument

    # Operations.

    def run(self, term: Any, **options: Any) -> Any:
        """Run a query: `term.run(conn, **options)` comes here.

        Args:
            term: the query.
            **options: run options, such as `db`, `noreply`, `time_format`, `array_limit`. Four are
                this driver's own and not sent: `as_cursor`; `as_type`, the class of the objects
                that the rows become; `deadline`, the seconds that the first
                answer may take (None: no limit; default: the `deadline` of `connect()`); and
                `idempotent`, which matters to pools only: running the query twice is as good as
                running it once.

        Returns:
            the value, or a cursor for a sequence, as this loop gives results. With `as_cursor=True`
            an array is a cursor too, which has all its elements. None at once with
            `noreply=True`, when errors are lost too. With `profile=True`
            `{"value": result, "profile": [...]}`.

        Raises:
            ReqlError: the query failed; nothing else on the connection is affected.
            ReqlTimeoutError: no answer came within `deadline`. The query was stopped.
            ReqlDriverError: the connection is closed or was lost.

        Cancelling it stops the query on the server and leaves the connection usable.
        """
        if options and (place := self._place_for(options)) is not self:
            return place.run(term, **options)
        if (opening := self._ask_own_check()) is not None:
            return self._run_after(opening, term, options)
        query = self._query(term, options)
        return self._call(self._session.start, query, timeout=query.sending_limit)

    _start = run

    def _place_for(self, options: Mapping[str, Any]) -> Any:
        """What to run a query on: this, but for feeds that go on at other hosts.

        Raises:
            ReqlDriverError: the connection is closed.
        """
        if options.get("resume") is None or not self.options.hosts:
            return self
        return import_module("rethinkdb.loops.transport.own_pool").own_pool(self)

    def noreply_wait(self) -> Any:
        """Wait until the server has done all `noreply` queries sent so far on this connection."""
        return self._call(self._session.noreply_wait)

    def server(self) -> Any:
        """The server this is connected to: `{"id": uuid, "name": name, "proxy": bool}`.

        A proxy has no name.
        """
        return self._call(self._session.server)

    def close(self, noreply_wait: bool = True) -> Any:
        """Close the connection; cursors keep what has arrived, then fail. Twice is no error.

        Args:
            noreply_wait: first wait, without a time limit, until the server has done all `noreply`
                queries, which closing would interrupt. False never waits.
        """
        return self._call(self._session.close, noreply_wait)

    def use(self, db: str) -> None:
        """Set the database of `r.table(...)` for queries from now on. Nothing is sent."""
        self.db = db

    def repl(self) -> Self:
        """Make this the calling thread's default connection, for `query.run()` without one."""
        Repl.set(self)
        return self

    def is_open(self) -> bool:
        """Whether queries can be run, as far as is known on this side."""
        return self._session.is_open

    def check_open(self) -> Any:
        """Raise unless queries can be run.

        One of the program's own, of a subclass or assigned to a connection, is called before each
        query; where callers await, what it returns is awaited. So it may connect again first.

        Raises:
            ReqlDriverError: "Connection is closed."
        """
        if not self.is_open():
            raise ReqlDriverError("Connection is closed.")

    def client_port(self) -> int | None:
        """The port of this side's socket; None when closed."""
        local = self._local_address()
        return local and local[1]

    def client_address(self) -> str | None:
        """The address of this side's socket; None when closed."""
        local = self._local_address()
        return local and local[0]

    # For adapters to use.

    def _ask_own_check(self) -> Any:
        """Call a `check_open` of the program's own.

        Returns:
            What is to be awaited before the query can be run; None if nothing is.
        """
        check_open = self.check_open
        if getattr(check_open, "__func__", None) is _CHECK_OPEN:
            return None
        opening = check_open()
        return opening if hasattr(opening, "__await__") else None

    def _run_after(self, opening: Any, term: Any, options: dict[str, Any]) -> Any:
        """Await that, then run the query."""
        raise ReqlDriverError("check_open() returned something to await, but nothing is awaited.")

    def _go_to(self, place: Address) -> None:
        """From the next time on connect to this host; without effect on an open connection."""
        self.options = self.options.at(place)

    def _settle_at(self, place: Address) -> None:
        """Of the hosts that it may be opened to, connect to this one only, always."""
        self.options = replace(self.options.at(place), hosts=())

    def _outcome(self, waiter: Waiter[Any]) -> Any:
        """What a settled waiter means to a caller: its value, or its error raised.

        A stream becomes a cursor of this loop.
        """
        value = self._presented(waiter.peek())
        waiter.on_unclaimed = None  # last: an interrupt must not lose what nobody has got
        return value

    def _presented(self, value: Any) -> Any:
        """A value of the core's as callers get it."""
        if type(value) is Stream:
            return self.cursor_type(self, value)
        if type(value) is dict and type(value.get("value")) is Stream:  # with its profile
            return {**value, "value": self.cursor_type(self, value["value"])}
        return value

    def _connect_error(self, exc: BaseException) -> ReqlDriverError:
        """What callers are told when the transport cannot be opened: raise it `from exc`."""
        if isinstance(exc, TimeoutError):
            return ReqlTimeoutError(self.host, self.port)
        text = f"{str(exc) or type(exc).__name__}. {_advice(exc)}"
        return ReqlDriverError(refusal(self.host, self.port, text))

    def _query(self, term: Any, options: dict[str, Any]) -> Query:
        codec, decode, deadline = self._codec, self._decode_plainly, self._deadline
        as_cursor, edited, maker = False, False, None
        noreply = bool(options.get("noreply"))
        if options:
            if noreply:
                # Any true value means it here, but the server keeps silent for `true` only.
                options["noreply"] = True
            as_cursor = options.pop("as_cursor", False)
            if "resume" in options or "remember" in options:
                _refuse_to_resume(options)
            options.pop("idempotent", None)  # only pools run a query again
            if "deadline" in options:
                deadline = _deadline(options.pop("deadline"))
            codec = self._codec_for(options)
            decode = codec.decoder(options)
            if as_cursor:
                decode = arrays_as_sequences(decode)
        start_body = getattr(term, "start_body", None)
        if start_body is None:
            raise ReqlDriverError(
                f"run() of a connection takes a query, not {term!r}. Write"
                " query.run(conn), or r.expr(value).run(conn) for a value."
            )
        if typed.tables or "as_type" in options:
            maker = row_maker_of(term, options)
        body = start_body(options, self.db, codec.values)
        try:
            payload = codec.encode(body)
        except (UnicodeEncodeError, ReqlTypeError) as exc:
            term.explain(exc)
            raise
        if type(term) is EditedQuery:
            decode, term, edited = codec.decoder(options, term.edit), term.term, True
        if maker is not None:
            # Straight from the bytes, where nobody else has a say in what they mean.
            direct = not (codec.own_decoder or as_cursor or edited)
            decode = maker.decoder(decode, direct)
        return Query(QueryType.START, payload, decode, term, noreply, options, deadline, self.db)

    def _codec_for(self, options: Mapping[str, Any]) -> Codec:
        if "json_encoder" not in options and "json_decoder" not in options:
            return self._codec
        return Codec(
            options.get("json_encoder") or self.options.json_encoder,
            options.get("json_decoder") or self.options.json_decoder,
            self.options.converters,
        )


_CHECK_OPEN = BaseConnection.check_open


def _deadline(value: Any) -> Deadline | None:
    """What the option `deadline` allows; a pool gives one of which a part is spent."""
    if isinstance(value, Deadline):
        return value
    seconds = seconds_or_none("deadline", value)
    return None if seconds is None else Deadline.of(seconds)


def row_maker_of(term: Any, options: dict[str, Any]) -> RowMaker | None:
    """What makes the rows of a query, if these have a type; its options say then which it is.

    Of a feed they ask what each change is, too.
    """
    if type(term) is EditedQuery:
        if term.edit is None:
            return None  # its answer is for this driver
        term = term.term
    find = getattr(term, "_row_type", None)
    row_type, of_feed = find(options) if find else (options.get("as_type"), False)
    if row_type is None:
        return None
    from rethinkdb.typed.making import row_maker  # here, as most programs have no types

    if of_feed:
        options.setdefault("include_types", True)
    maker = row_maker(row_type, of_feed)
    options["as_type"] = maker.row_type
    return maker


# What the system and Twisted raise for a name that nobody knows. By name, since no socket is here.
_UNKNOWN_HOST = {"gaierror", "DNSLookupError"}


def _advice(exc: BaseException) -> str:
    """What to look at when the transport cannot be opened."""
    if {type(exc).__name__, type(exc.__cause__).__name__} & _UNKNOWN_HOST:
        return "Is the name of the host right?"
    return "Is the server running, and is this its port?"


def _refuse_to_resume(options: dict[str, Any]) -> None:
    """Take out the options of feeds that go on, if they are None."""
    if options.pop("resume", None) is not None:
        raise ReqlDriverError(
            "`resume` needs a pool, or a connection to several hosts, connect(hosts=[...]). One to"
            " a single host ends with its link, and its feeds with it. Write query.run(pool, ...)."
        )
    if options.pop("remember", None) is not None:
        raise ReqlDriverError('`remember` goes with `resume="diff"` only.')


def make_connection(connection_type: type[BaseConnection], *args: Any, **kwargs: Any) -> Any:
    """Connect with the given class; see `BaseConnection.make`."""
    return connection_type.make(*args, **kwargs)
