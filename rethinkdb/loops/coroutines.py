"""A face of `rethinkdb.loops.transport.coroutines`, for loop adapters that find its names here."""

from .transport.coroutines import CoroutineConnection

__all__ = ["CoroutineConnection"]
