"""Whether there is any table with a type in this process. While there is none, nobody looks for it.

Programs without one pay one look here for each query, and none for each term.
"""

from __future__ import annotations

__all__ = ["state"]


class State:
    """What the process knows of typed tables.

    Attributes:
        tables: whether `r.table(..., of=...)` was ever called.
    """

    __slots__ = ("tables",)

    def __init__(self) -> None:
        self.tables = False


state = State()
