"""The wire core: bytes in, bytes out; no socket, no thread, no clock, no loop.

=============  ==================================================================================
`connection`   `BaseConnection`: the public operations of a connection, once for all loops
`cursor`       `BaseCursor`: those of a cursor
`options`      what `connect()` is told, checked; `address` has what is said as a URL or `host:port`
`session`      tokens, waiters, streams, STOP, close; every operation returns a `Waiter`
`reception`    who gets what the server sends, and what becomes of all when it ends
`stream`       the batches of one query
`waiter`       the outcome of one operation, not yet known
`client`       `ClientProtocol`: bytes to events and back; `server` has the other end
`handshake`    logging in, both sides; `scram` has the mathematics
`frames`       token, length, body
=============  ==================================================================================

A loop adapter (`rethinkdb.loops`) puts a transport under it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Before any other module of this package, as some of them may be overwritten.
if not hasattr(sys.modules["rethinkdb"], "_DISTRIBUTION"):
    from rethinkdb import installation

    installation.refuse(__path__[0].removesuffix("net"))

from rethinkdb import errors

# Programs for the official package find the errors, and `Repl`, here as well.
from rethinkdb.errors import *  # noqa: F403
from rethinkdb.repl import Repl

from .connection import BaseConnection, make_connection
from .cursor import AsyncIterableCursor, BaseCursor, CursorEmpty, IterableCursor
from .options import DEFAULT_PORT, ConnectOptions, TLSConfig
from .query import Query
from .server import ServerProtocol
from .session import Session
from .stream import Stream
from .violations import LocalProtocolError, RemoteProtocolError
from .waiter import Waiter

__all__ = [
    "DEFAULT_PORT",
    "AsyncIterableCursor",
    "BaseConnection",
    "BaseCursor",
    "ConnectOptions",
    "Connection",
    "Cursor",
    "CursorEmpty",
    "IterableCursor",
    "LocalProtocolError",
    "Query",
    "RemoteProtocolError",
    "Repl",
    "ServerProtocol",
    "Session",
    "Stream",
    "TLSConfig",
    "Waiter",
    "make_connection",
]
__all__ += errors.__all__

#: What programs know them by: `isinstance(conn, r.Connection)` holds on every loop.
Connection = BaseConnection
Cursor = BaseCursor

# Programs for the official package find the blocking classes here. They are looked up when asked
# for: the core itself knows no loop.
_BLOCKING = {
    "DefaultConnection": "Connection",
    "DefaultCursor": "DefaultCursor",
    "DefaultCursorEmpty": "DefaultCursorEmpty",
}

if TYPE_CHECKING:
    DefaultConnection: type[BaseConnection]


def __getattr__(name: str) -> Any:
    if name in _BLOCKING:
        return getattr(import_module("rethinkdb.loops.blocking"), _BLOCKING[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
