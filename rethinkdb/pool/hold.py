"""`Hold`: one query's place on a connection, safe if a signal handler interrupts at any moment."""

from __future__ import annotations

from typing import Any

__all__ = ["Hold"]


class Hold:
    """One query's place on a connection: from before it is taken until it has been given back.

    It is made before a connection is taken. So after an interrupt at any point, it is known what to
    give back, and giving back twice does no harm. The defaults are class attributes, since most of
    them never change.

    Attributes:
        member: the member that was taken. It stays set after it was given back.
        held: whether the place is still taken.
        failed: the query has no answer yet, or an error.
        over: the query has ended and needs nothing any more.
        ask: the waiter that it waits for: of `Pool.ask`, `open` or `close`.
        alone: nobody else may use the connection meanwhile.
        busy: it waits, or it has returned a cursor that is not watched yet. Then another thread
            must finish the work.
        stream: the open cursor or changefeed that the query has returned.
        pinned: `Pool.pinned` was called for that stream, and `unpinned` not yet.
    """

    member: Any = None  # a Member
    held = False
    failed = True
    over = False
    ask: Any = None
    alone = False
    busy = False
    stream: Any = None
    pinned = False
