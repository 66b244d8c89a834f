"""Whether a term gives the same result each time."""

from __future__ import annotations

import enum


class Determinism(enum.IntFlag):
    """Why a term might not give the same result each time, joined (`|`) with its parts' reasons."""

    ALWAYS = 0
    CONSTANT_NOW = 1
    """The same throughout one query only (`r.now()`)."""
    SINGLE_SERVER = 2
    """The same on one machine only (floating point of geography)."""
    NEVER = 4

    def holds(self, *, on_one_server: bool = False, within_one_query: bool = False) -> bool:
        """Whether results can be relied on, in the given narrower sense."""
        allowed = Determinism.ALWAYS
        if on_one_server:
            allowed |= Determinism.SINGLE_SERVER
        if within_one_query:
            allowed |= Determinism.CONSTANT_NOW
        return not self & ~allowed
