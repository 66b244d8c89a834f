"""Cursors for gevent."""

from __future__ import annotations

from rethinkdb.net.cursor import CursorEmpty, IterableCursor, Row

__all__ = ["GeventCursor", "GeventCursorEmpty"]

GeventCursorEmpty = CursorEmpty


class GeventCursor(IterableCursor[Row]):
    """A cursor whose methods return values. `with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.gevent_net.net_gevent.GeventCursor"

    __module__ = "rethinkdb.loops.gevent"  # where programs find it
