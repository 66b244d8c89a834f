"""Old place of `rethinkdb.loops.transport.tls`: loop adapters import its names from here."""

from .transport.tls import Link, TLSLink, open_link

__all__ = ["Link", "TLSLink", "open_link"]
