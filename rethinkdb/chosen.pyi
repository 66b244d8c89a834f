"""`r` for programs that use one loop: its `connect` gives that loop's connection.

    from rethinkdb.loops.asyncio import r

At run time these are `RethinkDB` objects whose loop type is chosen; see `rethinkdb.loops.chosen`.
"""

from tornado.concurrent import Future
from twisted.internet.defer import Deferred
from typing_extensions import Unpack

from rethinkdb import arguments
from rethinkdb.loops import asyncio, blocking, gevent, tornado, trio, twisted
from rethinkdb.loops.transport.opening import Opening
from rethinkdb.namespace import RethinkDB

class Blocking(RethinkDB):
    """`r` of `rethinkdb.loops.blocking`."""

    ConnectionPool: type[blocking.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.ConnectArguments],
    ) -> blocking.Connection: ...

class Asyncio(RethinkDB):
    """`r` of `rethinkdb.loops.asyncio`."""

    ConnectionPool: type[asyncio.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.IOLoopArguments],
    ) -> Opening[asyncio.Connection]: ...

class Tornado(RethinkDB):
    """`r` of `rethinkdb.loops.tornado`."""

    ConnectionPool: type[tornado.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.IOLoopArguments],
    ) -> Future[tornado.Connection]: ...

class Twisted(RethinkDB):
    """`r` of `rethinkdb.loops.twisted`."""

    ConnectionPool: type[twisted.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.ReactorArguments],
    ) -> Deferred[twisted.Connection]: ...

class Trio(RethinkDB):
    """`r` of `rethinkdb.loops.trio`."""

    ConnectionPool: type[trio.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.TrioArguments],
    ) -> Opening[trio.Connection]: ...

class Gevent(RethinkDB):
    """`r` of `rethinkdb.loops.gevent`."""

    ConnectionPool: type[gevent.ConnectionPool]

    def connect(  # type: ignore[override]  # the loop type is chosen
        self,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        **options: Unpack[arguments.IOLoopArguments],
    ) -> gevent.Connection: ...
