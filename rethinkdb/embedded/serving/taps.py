"""Taps in a connection, between bytes and queries. `chaos` uses them to cause failures.

A tap gets each query before the server reads it, and each reply before it is sent. It passes the
message on, replaces it, or drops it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol


class Pending(NamedTuple):
    """A query that was running when the tap came.

    Attributes:
        token: its token.
        term: the root term, in wire form.
        is_feed: whether it is a changefeed.
        asked: whether the client waits for a reply.
    """

    token: int
    term: Any
    is_feed: bool
    asked: bool


class Outlet(Protocol):
    """A connection as its tap sees it. All methods may be called in any thread."""

    def to_server(self, token: int, payload: bytes) -> None:
        """Passes a query to the server."""

    def to_client(self, token: int, payload: bytes) -> None:
        """Passes a reply to the client."""

    def reset(self) -> None:
        """Closes the connection with a reset."""

    def release(self) -> None:
        """Lets a client continue that was held by `Tap.holds`."""

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        """Runs a job after some seconds."""


class Tap(Protocol):
    """Sees all queries and replies of a connection."""

    @property
    def holds(self) -> bool:
        """Whether nothing is read from a new client until `Outlet.release`."""

    def query(self, token: int, payload: bytes) -> None:
        """The client has sent a query."""

    def reply(self, token: int, payload: bytes) -> None:
        """The server has a reply."""

    def closed(self) -> None:
        """The connection has ended."""


class Tapper(Protocol):
    """Makes taps."""

    def tap(self, outlet: Outlet, pending: Iterable[Pending]) -> Tap | None:
        """The tap of a new connection. None: the connection is to be closed."""
