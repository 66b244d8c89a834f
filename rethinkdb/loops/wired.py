"""A face of `rethinkdb.loops.transport.wired`, for loop adapters that find its names here."""

from .transport.wired import AnyWire, WiredConnection

__all__ = ["AnyWire", "WiredConnection"]
