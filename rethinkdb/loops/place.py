"""A face of `rethinkdb.loops.transport.place`, for loop adapters that find its names here."""

from .transport.place import check_process, misplaced

__all__ = ["check_process", "misplaced"]
