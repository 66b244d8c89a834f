"""Pauses between attempts."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Pauses whose limit doubles from attempt to attempt, with full jitter.

    Full jitter means: a pause is a random time between 0 and its limit. So if thousands of clients
    lose their connections in the same moment, they come back at different times.

    Args:
        random: returns a random number from 0 up to, but not including, 1:
            `random.Random().random`.
        first: the limit of the first pause, in seconds.
        longest: the largest limit, in seconds.

    Example::

        Backoff(Random().random).pause(failures=3)  # anything from 0 to 0.4 s
    """

    def __init__(
        self, random: Callable[[], float], first: float = 0.1, longest: float = 10.0
    ) -> None:
        self.random = random
        self._first = first
        self.longest = longest

    def limit(self, failures: int) -> float:
        """The limit of the pause after so many failures in a row."""
        # 64 doublings reach any limit, and many more would overflow.
        return min(self.longest, self._first * 2.0 ** min(failures - 1, 64))

    def pause(self, failures: int) -> float:
        """A random pause after so many failures in a row, in seconds."""
        return self.random() * self.limit(failures)
