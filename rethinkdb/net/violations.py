"""Errors for a broken protocol: `LocalProtocolError` (this side) or `RemoteProtocolError` (peer).

Both end the connection, as nobody knows which bytes belong to what any more.
"""

from __future__ import annotations

from rethinkdb.errors import ReqlDriverError

__all__ = ["LocalProtocolError", "RemoteProtocolError"]


class LocalProtocolError(Exception):
    """This side used the core wrongly, for example by sending a frame before the handshake.

    Authors of loop adapters and servers may see it, users of the driver never.
    """


class RemoteProtocolError(ReqlDriverError):
    """The peer sent bytes the protocol does not allow: a bad length, bad JSON, an unknown token.

    It ends the connection. Programs get it if the handshake fails; later, it is the `__cause__` of
    "Connection is closed.". It is a `ReqlDriverError`, so programs need no new `except`.
    """
