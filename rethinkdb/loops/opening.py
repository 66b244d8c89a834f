"""Old place of `rethinkdb.loops.transport.opening`: loop adapters import its names from here."""

from .transport.opening import Opening

__all__ = ["Opening"]
