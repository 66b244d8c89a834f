"""Which connections have become too old, or are not needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from .members import Member
from .options import PoolOptions

__all__ = ["Retirement"]

# Lifetimes are shorter than `max_lifetime` by up to this part of it.
_SPREAD = 0.1

# A connection that is too old and could not be replaced is looked at again after this long.
_AGAIN = 1.0


class Retirement:
    """The rules of `max_lifetime` and `max_idle`.

    Args:
        options: those of the pool.
        random: gives a number from 0 up to 1.
    """

    def __init__(self, options: PoolOptions, random: Callable[[], float]) -> None:
        self._lifetime = math.inf if options.max_lifetime is None else options.max_lifetime
        self._idle = math.inf if options.max_idle is None else options.max_idle
        self._random = random

    def expiry(self, opened_at: float) -> float:
        """When a connection is to be replaced."""
        return opened_at + self._lifetime * (1 - _SPREAD * self._random())

    def expired(self, members: Iterable[Member], now: float) -> list[Member]:
        """Those that are too old, the oldest first. A cursor or a changefeed keeps its own."""
        old = [member for member in members if now >= member.expires and not _pinned(member)]
        return sorted(old, key=lambda member: member.expires)

    def surplus(self, members: Iterable[Member], now: float, most: int) -> list[Member]:
        """Those that nobody has needed for long, at most so many, the least needed first."""
        idle = [member for member in members if member.unused and now >= self.idle_until(member)]
        return sorted(idle, key=self.idle_until)[: max(0, most)]

    def look_at(self, members: Iterable[Member], now: float, surplus: bool) -> float:
        """When to look at the members again.

        Args:
            members: those that take queries.
            now: the time.
            surplus: whether there are more than need be.
        """
        times = [math.inf]
        for member in members:
            if not _pinned(member):
                times.append(member.expires if member.expires > now else now + _AGAIN)
            if surplus:
                # Of one in use only a bound is known: it is not idle for so long before that.
                times.append(self.idle_until(member) if member.unused else now + self._idle)
        return min(times)

    def idle_until(self, member: Member) -> float:
        """When one will have been idle for long enough, if it is from now on."""
        return member.idle_since + self._idle


def _pinned(member: Member) -> bool:
    return bool(member.cursors or member.feeds)
