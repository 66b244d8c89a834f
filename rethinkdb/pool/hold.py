"""What somebody holds of a pool whom a signal handler may interrupt at any moment."""

from __future__ import annotations

from typing import Any

__all__ = ["Hold"]


class Hold:
    """One query's place on a connection: from before it is taken until it has been given back.

    It is made before anything is taken. So whoever is interrupted anywhere knows what to give back,
    and may do so twice. Its attributes are of the class until they differ: most never do.

    Attributes:
        member: the connection that was taken; still told when it has gone back.
        held: whether the place is still taken.
        failed: the query has had no answer, or an error.
        over: it has ended, and wants nothing any more.
        ask: what it waits for: `Pool.ask`, `open` or `close`.
        alone: it is to have its connection alone.
        busy: it waits, or has brought a cursor that is not watched yet: others must see to that.
        stream: the open cursor or changefeed that the query has brought.
        pinned: the pool has been told of that, and not yet of its end.
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
