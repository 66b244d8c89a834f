"""A face of `rethinkdb.loops.trio`, for loop adapters that find its names here."""

from .trio import ConnectionPool

__all__ = ["ConnectionPool"]
