"""What a pool wants done. The pool of each loop carries these effects out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .members import Member

__all__ = ["Close", "Dial", "Discover", "Effect", "Event", "Wake"]


class Dial(NamedTuple):
    """Connect to `member.host.address`.

    Set `member.connection` at once, since a `Close` may follow before the connection is open. Then
    call `opened(member, now)` or `failed(member, error, now)`. If an open connection is lost, call
    `lost(member, cause, now)`.
    """

    member: Member


class Close(NamedTuple):
    """Close `member.connection`, and then call `closed(member, now)`.

    With `graceful`, first wait until the server has done all `noreply` queries (`noreply_wait`). A
    second Close of the same member, not graceful, ends that wait.

    If the connection is still being opened, stop that as far as the loop can. The pool has
    forgotten this member, and ignores calls about it.
    """

    member: Member
    graceful: bool


class Wake(NamedTuple):
    """Call `tick(now)` at this time. It replaces the previous Wake. An early call is harmless."""

    at: float


class Discover(NamedTuple):
    """Follow the cluster's table `server_status`, and call `discovered` for each change.

    When the changefeed ends or cannot be opened, call `undiscovered`. See `discovery`.
    """


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a pool. Listeners get it: `pool.on(name, listener)`.

    Attributes:
        name: the kind of event.

            - "opened": a connection was opened.
            - "lost": a connection was lost.
            - "exhausted": queries wait, since no connection has room and none is being opened.
            - "recovered": after "exhausted", queries get a connection at once again.
            - "down": the pool could not connect to a host. Comes once, until the host is "up".
            - "up": after "down", a connection to the host was opened.
        host: the connection's host, as `host:port`; None if the event is about the whole pool.
        cause: the error that ended the connection or keeps the pool from opening one; None if not
            known.
        size, in_flight, waiting: the numbers at that time, as in `PoolStats`.
    """

    name: str
    host: str | None
    cause: BaseException | None
    size: int
    in_flight: int
    waiting: int


Effect = Dial | Close | Wake | Discover | Event
