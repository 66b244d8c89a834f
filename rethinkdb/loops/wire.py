"""A face of `rethinkdb.loops.transport.wire`, for loop adapters that find its names here."""

from .transport.wire import Wire

__all__ = ["Wire"]
