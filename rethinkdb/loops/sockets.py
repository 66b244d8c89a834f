"""A face of `rethinkdb.loops.transport.sockets`, for loop adapters that find its names here."""

from .transport.sockets import Reader, configure, dial, remaining, wait_ready

__all__ = ["Reader", "configure", "dial", "remaining", "wait_ready"]
