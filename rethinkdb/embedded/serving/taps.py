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
        term: its root, in wire form.
        is_feed: it is a changefeed.
        asked: its client waits for a reply.
    """

    token: int
    term: Any
    is_feed: bool
    asked: bool


class Outlet(Protocol):
    """A connection as its tap sees it. All may be called from any thread."""

    def to_server(self, token: int, payload: bytes) -> None:
        """Hands on a query."""

    def to_client(self, token: int, payload: bytes) -> None:
        """Hands on a reply."""

    def reset(self) -> None:
        """Hangs up, without a farewell."""

    def release(self) -> None:
        """Ends what `Tap.holds` says."""

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        """Runs something after some time."""


class Tap(Protocol):
    """What stands in a connection."""

    @property
    def holds(self) -> bool:
        """Whether a new client is not read from, until `Outlet.release`."""

    def query(self, token: int, payload: bytes) -> None:
        """The client has sent a query."""

    def reply(self, token: int, payload: bytes) -> None:
        """The server has a reply."""

    def closed(self) -> None:
        """The connection is over."""


class Tapper(Protocol):
    """Makes taps."""

    def tap(self, outlet: Outlet, pending: Iterable[Pending]) -> Tap | None:
        """The tap of a connection; None: it is not wanted."""
