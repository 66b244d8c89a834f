"""The wire core: bytes in, bytes out; no socket, no thread, no clock, no loop.

==============  ==================================================================================
`connection`    `BaseConnection`: the public operations of a connection, for all loops
`cursor`        `BaseCursor`: the public operations of a cursor, for all loops
`query_making`  makes a `Query` of a term and its run options
`options`       checks the arguments of `connect()`; `address` reads URLs and `host:port`
`session`       tokens, waiters, streams, STOP, close; each operation returns a `Waiter`
`reception`     gives each reply to the waiter or stream it is for; ends them if the link is lost
`stream`        the batches of one query
`waiter`        the future result of one operation
`client`        `ClientProtocol`: turns bytes into events and back; `server` is the other side
`handshake`     logging in, for both sides; `scram` has the computations
`frames`        reads and writes frames: token, length, body
==============  ==================================================================================

A loop adapter (`rethinkdb.loops`) connects it with a socket.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

# This check comes before the imports, as another package may have overwritten some modules.
if not hasattr(sys.modules["rethinkdb"], "_DISTRIBUTION"):
    from rethinkdb import installation

    installation.refuse(__path__[0].removesuffix("net"))

from rethinkdb import errors

# Programs for the official package import the errors and `Repl` from here.
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

#: The names for programs: `isinstance(conn, r.Connection)` is true on every loop.
Connection = BaseConnection
Cursor = BaseCursor

# Programs for the official package import the blocking classes from here. They are loaded on first
# use, as the core imports no loop.
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
