"""Where programs for the official `rethinkdb` package find the Tornado driver.

It is `rethinkdb.loops.tornado`.
"""

from __future__ import annotations

from rethinkdb.loops.tornado import Connection, TornadoCursor

__all__ = ["Connection", "TornadoCursor"]
