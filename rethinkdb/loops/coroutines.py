"""Old place of `rethinkdb.loops.transport.coroutines`: loop adapters import its names from here."""

from .transport.coroutines import CoroutineConnection

__all__ = ["CoroutineConnection"]
