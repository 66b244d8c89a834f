"""The class `RethinkDB`, which has all names of the driver as attributes, and `r`, an object of it.

The module `rethinkdb` has the attributes of `r`, too.
"""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from rethinkdb import ast, errors, query

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from tornado.concurrent import Future
    from twisted.internet.defer import Deferred
    from typing_extensions import Unpack

    from rethinkdb import arguments, net
    from rethinkdb.loops import asyncio, blocking, gevent, tornado, trio, twisted
    from rethinkdb.loops.transport.opening import Opening
    from rethinkdb.names import Names  # a stub: it lists what `_offer` adds below
else:
    Names = object

__all__ = ["ERRORS", "LAZY", "RethinkDB", "r"]

# The names of the error classes.
ERRORS = [name for name in errors.__all__ if name.startswith("R")]

# Names and the modules that have them. A module is imported when a program first uses one of its
# names, so that building queries loads neither sockets nor JSON.
LAZY = {
    "Connection": "rethinkdb.net",
    "Cursor": "rethinkdb.net",
    "DEFAULT_PORT": "rethinkdb.net",
    "DefaultConnection": "rethinkdb.net",
    "Handler": "rethinkdb.push",
    "QueryHandle": "rethinkdb.push",
    "RetryPolicy": "rethinkdb.pool",
    "convert": "rethinkdb.converters",
    "make_connection": "rethinkdb.net",
    "ReQLDecoder": "rethinkdb.codec",
    "ReQLEncoder": "rethinkdb.codec",
    "Repl": "rethinkdb.repl",
}

_SUBMODULES = frozenset(
    {"net", "_dump", "_export", "_import", "_index_rebuild", "_restore"},
)

# Names that exist while a loop type is chosen whose module has them.
_LOOP_EXTRAS = frozenset({"ConnectionPool", "open"})

# The default of `loop_type`; None means blocking.
_CHOSEN: Any = type("Chosen", (), {"__repr__": lambda self: "<chosen by set_loop_type>"})()


class RethinkDB(Names):
    """The driver: commands, constants, errors, and connecting.

    Each object has a loop type of its own, and differs from others in nothing else.
    `rethinkdb.connect` and `rethinkdb.set_loop_type` are those of the object `rethinkdb.r`.
    """

    def __init__(self) -> None:
        self._connection_type: type[net.BaseConnection] | None = None

    # --- connecting; the overloads give the type of the result when `loop_type` is given

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["blocking"] | None,
        **options: Unpack[arguments.ConnectArguments],
    ) -> blocking.Connection: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["asyncio"],
        **options: Unpack[arguments.IOLoopArguments],
    ) -> Opening[asyncio.Connection]: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["tornado"],
        **options: Unpack[arguments.IOLoopArguments],
    ) -> Future[tornado.Connection]: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["twisted"],
        **options: Unpack[arguments.ReactorArguments],
    ) -> Deferred[twisted.Connection]: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["trio"],
        **options: Unpack[arguments.TrioArguments],
    ) -> Opening[trio.Connection]: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        *,
        loop_type: Literal["gevent"],
        **options: Unpack[arguments.IOLoopArguments],
    ) -> gevent.Connection: ...

    @overload
    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        auth_key: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout: float | str | None = None,
        ssl: Any = None,
        url: str | None = None,
        *args: Any,
        loop_type: str | None = _CHOSEN,
        **options: Unpack[arguments.AnyArguments],
    ) -> Any: ...

    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        auth_key: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout: float | str | None = None,
        ssl: Any = None,
        url: str | None = None,
        *args: Any,
        loop_type: str | None = _CHOSEN,
        **options: Any,
    ) -> Any:
        """Connects to a server.

        `None`, `0` and `""` mean: use the default.

        Args:
            host: name or address of the server; or `host:port`, `[::1]:port`, or a URL. Default:
                `localhost`, or what the environment variable `RETHINKDB_URL` says, a URL or
                `host:port`. That counts if `port` and `url` are not given either.
            port: the server's port for drivers. Default: 28015.
            db: the database that `r.table(...)` means. Default: `test`, chosen by the server.
            auth_key: the old name of `password`.
            user: the user's name. Default: `admin`.
            password: the user's password. Default: the empty password.
            timeout: how many seconds connecting and logging in may take together. Default: 20.
            ssl: `{"ca_certs": path}`, an `ssl.SSLContext`, or True to trust the certificates that
                the system trusts. Default: no TLS.
            url: `rethinkdb://user:password@host:port/db`. It may be given together with the
                arguments above if they do not contradict it.
            loop_type: the loop type of this connection alone, one of those that `set_loop_type`
                takes. Default: the one chosen with `set_loop_type`.
            options: further options, and those of the loop type, such as trio's `nursery`:

                - `hosts`: several servers in place of `host`, such as
                  `["a", ("b", 28016), "c:28017"]`. They are tried in random order, within
                  `timeout`.
                - `deadline`: how many seconds the first answer to each query may take, unless the
                  query is run with a `deadline` of its own. Default: no limit.
                - `keepalive`: 20 asks the server for a sign of life when somebody waits and nothing
                  has come for 20 seconds. If nothing comes for 20 more, the link is lost. Default:
                  never.
                - `converters`: what to send in place of values that ReQL does not have, such as
                  `{Decimal: str}`; see `convert`.
                - `slow_query`: 1.0 logs a warning for each query whose first answer takes a second
                  or longer. Default: never.
                - `log_values`: True allows values of queries in logs. Default: False.
                - `json_encoder`, `json_decoder`: classes that write queries and read replies; see
                  `ReQLEncoder`.

        Returns:
            The open connection. With asyncio and trio a coroutine that returns it, with Tornado a
            Future and with Twisted a Deferred of it; cancelling one of these closes the socket.

        Raises:
            ReqlTimeoutError: connecting took longer than `timeout`.
            ReqlAuthError: the server does not know the user, or the password is wrong.
            ReqlDriverError: the server cannot be reached, or an argument is wrong.

        Example:
            conn = r.connect("localhost", 28015, db="blog")
        """
        connection_type = self.connection_type if loop_type is _CHOSEN else _load(loop_type)
        arguments = (host, port, db, auth_key, user, password, timeout, ssl, url, *args)
        return connection_type.make(*arguments, **options)

    def set_loop_type(self, library: str | None = None) -> None:
        """Chooses which event loop later connections of this object work with.

        Args:
            library: `asyncio`, `tornado`, `twisted`, `trio`, `gevent`, or a name that another
                package registered. None means blocking connections.

        Raises:
            ReqlLoopTypeError: the name is unknown (also a ValueError).
            ImportError: the library is not installed.

        Example:
            r.set_loop_type("tornado")
        """
        self.connection_type = _load(library)

    @property
    def connection_type(self) -> type[net.BaseConnection]:
        """The class of the connections that `connect` makes."""
        if self._connection_type is None:
            self._connection_type = _load(None)
        return self._connection_type

    @connection_type.setter
    def connection_type(self, connection_type: type[net.BaseConnection]) -> None:
        self._connection_type = connection_type

    # --- names that are looked up when a program uses them

    if TYPE_CHECKING:
        net: ClassVar[ModuleType]
        ConnectionPool: Any  # that of the loop type
        open: Any  # there while the loop type is trio

    def _find(self, name: str) -> Any:
        if name in LAZY:
            return getattr(import_module(LAZY[name]), name)
        if name in _SUBMODULES:
            return _submodule(name)
        if name in _LOOP_EXTRAS:
            extra = getattr(import_module(self.connection_type.__module__), name, None)
            if extra is not None:
                return extra
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(text, name=name, obj=self)

    if not TYPE_CHECKING:  # which know all names, and must refuse misspelt ones
        __getattr__ = _find

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *LAZY, "ConnectionPool", "net"})

    # --- modules

    ast: ClassVar[ModuleType] = ast
    errors: ClassVar[ModuleType] = errors
    query: ClassVar[ModuleType] = query


def _offer(module: ModuleType, names: Iterable[str]) -> None:
    """Makes names of a module attributes of `RethinkDB`, without listing them again."""
    for name in names:
        found = getattr(module, name)
        setattr(RethinkDB, name, staticmethod(found) if type(found) is FunctionType else found)


_offer(query, query.__all__)
_offer(errors, ERRORS)
_offer(ast, ["RqlQuery"])


def _load(name: str | None) -> type[net.BaseConnection]:
    from rethinkdb import loops

    return loops.load(name)


def _submodule(name: str) -> ModuleType:
    try:
        return import_module(f"rethinkdb.{name}")
    except ModuleNotFoundError as exc:
        raise AttributeError(f"rethinkdb has no module {name!r}: {exc}") from exc


r: RethinkDB = RethinkDB()
