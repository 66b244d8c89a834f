"""What a `Feed` wants done. The pool that runs the feed carries it out.

`Begin`, `Cease`, `Pull` and `Stop` come in `feed.effects`. `feed.step()` returns a `Run` or a
`Pause`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.editing import EditedQuery

__all__ = ["Begin", "Cease", "FeedEffect", "Pause", "Pull", "Run", "Stop"]


class Begin(NamedTuple):
    """Call `step()` in the background, and do what it returns, until it returns None."""


class Cease(NamedTuple):
    """Stop what `Begin` has started."""


class Pull(NamedTuple):
    """Call `feed.pull()` at a time when this cursor's connection may be used."""

    cursor: BaseCursor


class Stop(NamedTuple):
    """Close a cursor, at a time when its connection may be used.

    Call `feed.left()` when the server has answered, or cannot answer.
    """

    cursor: BaseCursor


FeedEffect = Begin | Cease | Pull | Stop


class Run(NamedTuple):
    """Run a query. Call `answered` with its result, or `failed` with its error."""

    term: EditedQuery
    options: dict[str, Any]


class Pause(NamedTuple):
    """Wait for this many seconds."""

    seconds: float
