"""Old place of `rethinkdb.loops.transport.wire`: loop adapters import its names from here."""

from .transport.wire import Wire

__all__ = ["Wire"]
