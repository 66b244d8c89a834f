"""Cursors of the blocking driver: methods return values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.net.cursor import CursorEmpty, IterableCursor, Row

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["DefaultCursor", "DefaultCursorEmpty"]

DefaultCursorEmpty = CursorEmpty


class DefaultCursor(IterableCursor[Row]):
    """A cursor whose methods return values. `with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.net.DefaultCursor"

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    if TYPE_CHECKING:
        conn: Connection

    def _wait_next(self, wait: bool | float | None) -> Row:
        stream = self._stream
        if wait is True and stream.renewal is None and (taken := self.conn._fetch(stream)):
            item: Row = taken[0]
            return item
        return super()._wait_next(wait)
