"""A face of `rethinkdb.loops.transport.opening`, for loop adapters that find its names here."""

from .transport.opening import Opening

__all__ = ["Opening"]
