"""Who broke the protocol: we (`LocalProtocolError`) or the peer (`RemoteProtocolError`).

After either of them the connection is over: nobody can know which bytes belong to what any more.
"""

from __future__ import annotations

from rethinkdb.errors import ReqlDriverError

__all__ = ["LocalProtocolError", "RemoteProtocolError"]


class LocalProtocolError(Exception):
    """This side used the core wrongly, for example by sending a frame before the handshake.

    Seen by authors of loop adapters and servers, never by users of the driver.
    """


class RemoteProtocolError(ReqlDriverError):
    """The peer sent bytes the protocol does not allow: a bad length, bad JSON, an unknown token.

    It ends the connection. It is a `ReqlDriverError`, so programs need no new `except`: they meet
    it when the handshake fails, or as the `__cause__` of "Connection is closed." afterwards.
    """
