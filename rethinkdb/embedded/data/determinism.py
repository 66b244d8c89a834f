"""Whether a term gives the same result each time."""

from __future__ import annotations

import enum


class Determinism(enum.IntFlag):
    """The reasons why a term may give different results. Reasons of its parts are added by `|`."""

    ALWAYS = 0
    CONSTANT_NOW = 1
    """The result is the same only within one query (`r.now()`)."""
    SINGLE_SERVER = 2
    """The result is the same only on one machine (floating-point numbers of geography)."""
    NEVER = 4

    def holds(self, *, on_one_server: bool = False, within_one_query: bool = False) -> bool:
        """Whether the result is always the same: at all, on one server, or within one query."""
        allowed = Determinism.ALWAYS
        if on_one_server:
            allowed |= Determinism.SINGLE_SERVER
        if within_one_query:
            allowed |= Determinism.CONSTANT_NOW
        return not self & ~allowed
