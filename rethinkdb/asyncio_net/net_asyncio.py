"""Where programs for the official `rethinkdb` package find the asyncio driver.

It is `rethinkdb.loops.asyncio`.
"""

from __future__ import annotations

from rethinkdb.loops.asyncio import AsyncioCursor, Connection

__all__ = ["AsyncioCursor", "Connection"]
