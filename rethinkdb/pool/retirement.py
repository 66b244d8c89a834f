"""Which connections are too old or not needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from .members import Member
from .options import PoolOptions

__all__ = ["Retirement"]

# A lifetime is shorter than `max_lifetime` by up to this part of it.
_SPREAD = 0.1

# If a connection is too old but could not be replaced, it is checked again after this many seconds.
_AGAIN = 1.0


class Retirement:
    """The rules of `max_lifetime` and `max_idle`.

    Args:
        options: the options of the pool.
        random: returns a random number from 0 up to, but not including, 1.
    """

    def __init__(self, options: PoolOptions, random: Callable[[], float]) -> None:
        self._lifetime = math.inf if options.max_lifetime is None else options.max_lifetime
        self._idle = math.inf if options.max_idle is None else options.max_idle
        self._random = random

    def expiry(self, opened_at: float) -> float:
        """When a connection is to be replaced."""
        return opened_at + self._lifetime * (1 - _SPREAD * self._random())

    def expired(self, members: Iterable[Member], now: float) -> list[Member]:
        """The members that are too old, the oldest first. Not those with open cursors or feeds."""
        old = [member for member in members if now >= member.expires and not _pinned(member)]
        return sorted(old, key=lambda member: member.expires)

    def surplus(self, members: Iterable[Member], now: float, most: int) -> list[Member]:
        """At most `most` members that were idle for `max_idle`, the longest idle first."""
        idle = [member for member in members if member.unused and now >= self.idle_until(member)]
        return sorted(idle, key=self.idle_until)[: max(0, most)]

    def look_at(self, members: Iterable[Member], now: float, surplus: bool) -> float:
        """When to check the members again.

        Args:
            members: the members that take queries.
            now: the time.
            surplus: whether there are more than `min_size`.
        """
        times = [math.inf]
        for member in members:
            if not _pinned(member):
                times.append(member.expires if member.expires > now else now + _AGAIN)
            if surplus:
                # A member in use cannot have been idle for `max_idle` before this time.
                times.append(self.idle_until(member) if member.unused else now + self._idle)
        return min(times)

    def idle_until(self, member: Member) -> float:
        """When a member will have been idle for `max_idle`, if nobody uses it before."""
        return member.idle_since + self._idle


def _pinned(member: Member) -> bool:
    return bool(member.cursors or member.feeds)
