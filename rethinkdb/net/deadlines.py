"""By when queries must be answered: the run option `deadline`.

Time is told, never taken. A query's seconds count from the first `tick` after it was sent, which
its adapter calls at once, as `clock_wanted` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

__all__ = ["Deadline", "Deadlines", "outlined", "shown"]

# Characters of a query in the text of an error.
_SHOWN = 100

# Answered queries are mostly forgotten when their turn comes, as that costs least. So many may be
# kept until then, and as many as there are pending ones.
_KEPT = 100


class Deadline(NamedTuple):
    """How long the first answer to a query may take.

    Attributes:
        left: seconds from now on.
        seconds: what its user allows. That is more if a part of it was spent before the query came
            to this connection.
    """

    left: float
    seconds: float

    @classmethod
    def of(cls, seconds: float) -> Deadline:
        """One of which nothing is spent yet."""
        return cls(seconds, seconds)


class Deadlines:
    """The time limits of one session's queries, by token.

    Each step may be made again, should a signal handler raise in the midst of it.

    Args:
        is_pending: whether a query still waits for its first answer.
    """

    def __init__(self, is_pending: Callable[[int], bool]) -> None:
        self._is_pending = is_pending
        self._new: deque[tuple[float, int]] = deque()
        self._heap: list[tuple[float, int]] = []

    @property
    def clock_wanted(self) -> bool:
        """Whether there are time limits whose seconds do not count yet."""
        return bool(self._new)

    def add(self, token: int, left: float) -> None:
        """A query was sent that must be answered within so many seconds."""
        self._new.append((left, token))

    def begin(self, now: float, most: int) -> None:
        """The seconds of new ones count from now on.

        Args:
            now: what time it is.
            most: how many queries may be pending.
        """
        while self._new:
            left, token = self._new[0]
            heappush(self._heap, (now + left, token))
            self._new.popleft()
        if len(self._heap) > 2 * most + _KEPT:
            heap = [entry for entry in self._heap if self._is_pending(entry[1])]
            heapify(heap)
            self._heap = heap

    def due(self, now: float) -> int | None:
        """A query whose time is up; the same again as long as it is pending."""
        self._forget_answered()
        if self._heap and self._heap[0][0] <= now:
            return self._heap[0][1]
        return None

    def next(self) -> float | None:
        """When the next query's time is up."""
        self._forget_answered()
        return self._heap[0][0] if self._heap else None

    def _forget_answered(self) -> None:
        while self._heap and not self._is_pending(self._heap[0][1]):
            heappop(self._heap)


def shown(term: Any) -> str:
    """The beginning of a query's text."""
    if term is None:
        return "the query"
    text, _ = term.render(enough=_SHOWN)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def outlined(term: Any, limit: int = _SHOWN) -> str:
    """The beginning of a query's text, without the values in it: for logs."""
    if term is None:
        return "the query"
    text, _ = term.render(enough=limit, values=False)
    return text if len(text) <= limit else f"{text[:limit]}..."
