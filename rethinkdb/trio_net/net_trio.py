"""Where programs for the official `rethinkdb` package find the trio driver.

It is `rethinkdb.loops.trio`.
"""

from __future__ import annotations

from rethinkdb.loops.trio import Connection, ConnectionPool, TrioCursor

__all__ = ["Connection", "ConnectionPool", "TrioCursor"]
