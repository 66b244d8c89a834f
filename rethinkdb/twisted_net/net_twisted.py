"""Where programs for the official `rethinkdb` package find the Twisted driver.

It is `rethinkdb.loops.twisted`.
"""

from __future__ import annotations

from rethinkdb.loops.twisted import Connection, TwistedCursor

__all__ = ["Connection", "TwistedCursor"]
