"""The deadline of a query on a pool. It covers waiting for a connection and the first answer."""

from __future__ import annotations

from typing import NamedTuple

from rethinkdb.net.deadlines import Deadline

__all__ = ["Allowance"]


class Allowance(NamedTuple):
    """The time that one query may take. Waiting for a connection leaves less for the answer.

    Attributes:
        seconds: the seconds that the user allows.
        ends_at: the time at which they are over.

    Example::

        allowance = Allowance.of(5.0, now=100.0)
        allowance.deadline(now=102.0)  # of 5 s, 3 s are left
    """

    seconds: float
    ends_at: float

    @classmethod
    def of(cls, seconds: float, now: float) -> Allowance:
        """An allowance that starts now."""
        return cls(seconds, now + seconds)

    def left(self, now: float) -> float:
        """Seconds that are left; 0 when the time is over."""
        return max(0.0, self.ends_at - now)

    def deadline(self, now: float) -> Deadline:
        """The time that is left for the answer, in the form that a connection takes."""
        return Deadline(self.left(now), self.seconds)
