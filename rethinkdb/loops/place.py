"""Old place of `rethinkdb.loops.transport.place`: loop adapters import its names from here."""

from .transport.place import check_process, misplaced

__all__ = ["check_process", "misplaced"]
