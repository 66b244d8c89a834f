"""What a pool wants done: its answers to whoever carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .members import Member

__all__ = ["Close", "Dial", "Discover", "Effect", "Event", "Wake"]


class Dial(NamedTuple):
    """Connect to `member.host.address`, and tell the outcome.

    Put the connection in `member.connection` at once: a `Close` may follow before it is open. Then
    tell `opened(member, now)` or `failed(member, error, now)`; and after `opened`, when the
    connection has ended by itself, `lost(member, cause, now)`.
    """

    member: Member


class Close(NamedTuple):
    """Close `member.connection`, and then tell `closed(member, now)`.

    `graceful` is the connection's `noreply_wait`: first wait until the server has done all
    `noreply` queries. A second Close of the same member, not graceful, ends that wait. If the
    connection is still being opened: give that up, as far as this loop can. The pool has forgotten
    it; what is told of it then does no harm.
    """

    member: Member
    graceful: bool


class Wake(NamedTuple):
    """Call `tick(now)` at this time. It replaces the Wake before; to come too early is no harm."""

    at: float


class Discover(NamedTuple):
    """Follow the cluster's `server_status`, and tell each change by `discovered`.

    When that ends, or could not be begun, tell `undiscovered`. See `discovery`.
    """


@dataclass(frozen=True, slots=True)
class Event:
    """Something that listeners may want to know: `pool.on(name, listener)`.

    Attributes:
        name: "opened": a connection was. "lost": one has ended by itself. "exhausted": queries
            wait, as no connection has room and none is being opened. "recovered": who asks now is
            served at once again. "down": a host could not be connected to; it is told once, until
            it is "up", which means that a connection to it was opened.
        host: `host:port` of the connection concerned; None if it is about the pool.
        cause: what ended the connection, or keeps the pool from opening one, where that is known.
        size, in_flight, waiting: as in `PoolStats`, at that time.
    """

    name: str
    host: str | None
    cause: BaseException | None
    size: int
    in_flight: int
    waiting: int


Effect = Dial | Close | Wake | Discover | Event
