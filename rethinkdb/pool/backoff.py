"""Pauses between attempts."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Pauses that double from attempt to attempt, with full jitter.

    Full jitter means that a pause is anything from nothing to its limit, evenly. So thousands of
    clients that were cut off in the same moment come back spread over the whole of it.

    Args:
        random: gives a number from 0 up to 1, such as `random.Random().random`.
        first: the limit of the first pause, in seconds.
        longest: the limit that doubling ends at.

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
        """The longest pause after so many failures in a row."""
        # More than 64 doublings reach any limit, and far more of them would overflow.
        return min(self.longest, self._first * 2.0 ** min(failures - 1, 64))

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return self.random() * self.limit(failures)
