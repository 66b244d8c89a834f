"""Whether this process has ever made a table with a type (`r.table(..., of=...)`).

A program without one pays for one check per query, and nothing per term.
"""

from __future__ import annotations

__all__ = ["state"]


class State:
    """Whether typed tables are used in this process.

    Attributes:
        tables: whether `r.table(..., of=...)` was ever called.
    """

    __slots__ = ("tables",)

    def __init__(self) -> None:
        self.tables = False


state = State()
