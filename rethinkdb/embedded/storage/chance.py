"""The random values and the clock of a server. A test may control both."""

from __future__ import annotations

import math
import random
import time
from datetime import datetime, timedelta
from typing import Any

from rethinkdb.embedded.storage import keys


class Chance:
    """Random numbers and identifiers.

    Args:
        seed: makes them repeatable for the same queries in the same order. None: not repeatable.

    Attributes:
        random: the generator of the numbers.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.random = random.Random(seed)
        self._repeats = seed is not None

    def seed(self, seed: int | str) -> None:
        """Restarts from a seed. From now on the values are repeatable."""
        self.random.seed(seed)
        self._repeats = True

    def new_uuid(self) -> str:
        """A random UUID (version 4) as text."""
        bits = self.random.randbytes(16) if self._repeats else None
        return keys.new_uuid(bits)


class Clock:
    """The clock of `r.now()`: that of the machine, or one that stands still.

    Args:
        now: the time at which the clock stands still: a datetime with a time zone, or seconds
            since 1970. None: use the machine's clock.

    Example::

        with Server(now=datetime(2030, 1, 1, tzinfo=timezone.utc)) as server:
            server.clock.advance(timedelta(days=30))
    """

    def __init__(self, now: datetime | float | None = None) -> None:
        self._fixed = None if now is None else _seconds_of(now)
        self._ahead = 0.0

    def time(self) -> float:
        """The time in seconds since 1970."""
        return (time.time() if self._fixed is None else self._fixed) + self._ahead

    def set(self, now: datetime | float | None) -> None:
        """Stops the clock at a time. None: use the machine's clock again."""
        self._fixed = None if now is None else _seconds_of(now)
        self._ahead = 0.0

    def advance(self, by: timedelta | float) -> None:
        """Moves the clock forward by a timedelta or by seconds; back if `by` is negative.

        Raises:
            ValueError: `by` is infinite or not a number.
            TypeError: `by` is neither a timedelta nor a number, such as a text.
        """
        seconds = (
            by.total_seconds()
            if isinstance(by, timedelta)
            else _number_of(by, "a timedelta, or seconds")
        )
        if not math.isfinite(seconds):
            raise ValueError(f"A clock cannot be moved by {by!r}.")
        self._ahead += seconds


def _seconds_of(now: datetime | float) -> float:
    if not isinstance(now, datetime):
        return _number_of(now, "a datetime with a time zone, or seconds since 1970")
    if now.tzinfo is None:
        raise ValueError(f"{now!r} has no time zone: which moment is it? Give it a `tzinfo`.")
    return now.timestamp()


def _number_of(value: Any, wanted: str) -> float:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"A clock takes {wanted}, not {value!r}.")
    return float(value)
