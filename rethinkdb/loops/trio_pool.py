"""Old place of `rethinkdb.loops.trio`: loop adapters import its names from here."""

from .trio import ConnectionPool

__all__ = ["ConnectionPool"]
