"""Old place of `rethinkdb.loops.transport.sockets`: loop adapters import its names from here."""

from .transport.sockets import Reader, configure, dial, remaining, wait_ready

__all__ = ["Reader", "configure", "dial", "remaining", "wait_ready"]
