"""What the deadline of a query on a pool allows: waiting for a connection, and the first answer."""

from __future__ import annotations

from typing import NamedTuple

from rethinkdb.net.deadlines import Deadline

__all__ = ["Allowance"]


class Allowance(NamedTuple):
    """The seconds of one query. What waiting takes is off what its answer may take.

    Attributes:
        seconds: what its user allows.
        ends_at: when they are over.

    Example::

        allowance = Allowance.of(5.0, now=100.0)
        allowance.deadline(now=102.0)  # of 5 s, 3 s are left
    """

    seconds: float
    ends_at: float

    @classmethod
    def of(cls, seconds: float, now: float) -> Allowance:
        """One of which nothing is spent yet."""
        return cls(seconds, now + seconds)

    def left(self, now: float) -> float:
        """Seconds that are left; 0 when they are over."""
        return max(0.0, self.ends_at - now)

    def deadline(self, now: float) -> Deadline:
        """What is left for the answer, as a connection wants to be told."""
        return Deadline(self.left(now), self.seconds)
