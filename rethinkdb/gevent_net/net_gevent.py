"""Where programs for the official `rethinkdb` package find the gevent driver.

It is `rethinkdb.loops.gevent`.
"""

from __future__ import annotations

from rethinkdb.loops.gevent import Connection, GeventCursor, GeventCursorEmpty

__all__ = ["Connection", "GeventCursor", "GeventCursorEmpty"]
