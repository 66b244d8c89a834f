"""Old place of `rethinkdb.loops.transport.wired`: loop adapters import its names from here."""

from .transport.wired import AnyWire, WiredConnection

__all__ = ["AnyWire", "WiredConnection"]
