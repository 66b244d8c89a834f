"""`RethinkDB`, the object whose attributes are the driver, and `r`, the default one of them.

The module `rethinkdb` is `r` under another name: its attributes are those of `r`.
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
    from rethinkdb.names import Names  # a stub only: what `_offer` does, for type checkers
else:
    Names = object

__all__ = ["ERRORS", "LAZY", "RethinkDB", "r"]

# The classes of errors.
ERRORS = [name for name in errors.__all__ if name.startswith("R")]

# Found when first asked for: building queries needs neither sockets nor JSON.
LAZY = {
    "Connection": "rethinkdb.net",
    "Cursor": "rethinkdb.net",
    "DEFAULT_PORT": "rethinkdb.net",
    "DefaultConnection": "rethinkdb.net",
    "Handler": "rethinkdb.push",
    "QueryHandle": "rethinkdb.push",
    "make_connection": "rethinkdb.net",
    "ReQLDecoder": "rethinkdb.codec",
    "ReQLEncoder": "rethinkdb.codec",
    "Repl": "rethinkdb.repl",
}

_SUBMODULES = frozenset(
    {"net", "_dump", "_export", "_import", "_index_rebuild", "_restore"},
)

# What a loop type adds to `r` while it is the chosen one: attributes of the adapter's module.
_LOOP_EXTRAS = frozenset({"ConnectionPool", "open"})

# `loop_type` of a connect() that does not choose one.
_CHOSEN: Any = type("Chosen", (), {"__repr__": lambda self: "<chosen by set_loop_type>"})()


class RethinkDB(Names):
    """The driver: commands, constants, errors, and connecting.

    Objects differ in the loop type they connect with, and in nothing else. `rethinkdb.r` is one,
    and what the module's own `connect` and `set_loop_type` act on.
    """

    def __init__(self) -> None:
        self._connection_type: type[net.BaseConnection] | None = None

    # --- connecting; its result has a type where the call says which loop it is for

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
        **options: Any,
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

        Arguments that are falsy count as not given.

        Args:
            host: name or address of the server. Default: `localhost`.
            port: its driver port. Default: 28015.
            db: the database of `r.table(...)`. Default: the server's, `test`.
            auth_key: old name of `password`.
            user: default `admin`.
            password: default none.
            timeout: seconds for connecting and logging in together. Default: 20.
            ssl: `{"ca_certs": path}`, an `ssl.SSLContext`, or True for the system's certificates.
            url: `rethinkdb://user:password@host:port/db`; what it says must not contradict the
                arguments above.
            loop_type: the loop of this one connection, as of `set_loop_type`. Default: the one
                chosen there.
            options: `json_encoder`, `json_decoder` (classes, see `ReQLEncoder`), and options of
                the loop type, such as trio's `nursery`.

        Returns:
            The connection; with asyncio and trio a coroutine, with Tornado a Future, with Twisted
            a Deferred of it. Cancelling that closes what was opened.

        Raises:
            ReqlTimeoutError: the time is up.
            ReqlAuthError: the server refused user or password.
            ReqlDriverError: the server cannot be reached, or an argument is wrong.

        Example:
            conn = r.connect("localhost", 28015, db="blog")
        """
        connection_type = self.connection_type if loop_type is _CHOSEN else _load(loop_type)
        arguments = (host, port, db, auth_key, user, password, timeout, ssl, url, *args)
        return connection_type.make(*arguments, **options)

    def set_loop_type(self, library: str | None = None) -> None:
        """Chooses the loop that later connections of this object live in.

        Args:
            library: `asyncio`, `tornado`, `twisted`, `trio`, `gevent`, a name that another package
                registered, or None for blocking connections.

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

    # --- what is loaded when asked for

    if TYPE_CHECKING:
        net: ClassVar[ModuleType]
        ConnectionPool: Any  # trio's, while that is the loop type; so is `open`
        open: Any

    def _find(self, name: str) -> Any:
        if name in LAZY:
            return getattr(import_module(LAZY[name]), name)
        if name in _SUBMODULES:
            return _submodule(name)
        if name in _LOOP_EXTRAS:
            extra = getattr(import_module(self.connection_type.__module__), name, None)
            if extra is not None:
                return extra
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    if not TYPE_CHECKING:  # they know all names, and shall refuse misspelt ones
        __getattr__ = _find

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *LAZY, "net"})

    # --- modules

    ast: ClassVar[ModuleType] = ast
    errors: ClassVar[ModuleType] = errors
    query: ClassVar[ModuleType] = query


def _offer(module: ModuleType, names: Iterable[str]) -> None:
    """Make names of a module attributes of `r`."""
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
