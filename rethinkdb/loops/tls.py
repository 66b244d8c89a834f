"""A face of `rethinkdb.loops.transport.tls`, for loop adapters that find its names here."""

from .transport.tls import Link, TLSLink, open_link

__all__ = ["Link", "TLSLink", "open_link"]
