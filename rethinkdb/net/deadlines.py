"""The run option `deadline`: how long queries may wait for their first answer.

There is no clock here: the time is an argument. A query's seconds count from the first `tick` after
it was sent. Its adapter calls that at once, as `clock_wanted` is set.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

__all__ = ["Deadline", "Deadlines", "outlined", "shown"]

# Characters of a query that an error message shows.
_SHOWN = 100

# The deadline of an answered query is removed when no earlier one is pending, which is cheapest. So
# many of them may be kept, plus as many as there are pending queries.
_KEPT = 100

# In place of a deque that nothing was added to. One takes 760 bytes, and few sessions need it.
_NONE: deque[tuple[float, int]] = deque(maxlen=0)


class Deadline(NamedTuple):
    """How long the first answer to a query may take.

    Attributes:
        left: seconds that are left.
        seconds: seconds that the user allows. They are more than `left` if some time has passed
            before the query came to this connection, as in a pool.
    """

    left: float
    seconds: float

    @classmethod
    def of(cls, seconds: float) -> Deadline:
        """A deadline that begins now."""
        return cls(seconds, seconds)


class Deadlines:
    """The deadlines of one session's queries, by token.

    Each method can be called again if a signal handler's error has ended a call.

    Args:
        is_pending: tells whether the query with a token still waits for its first answer.

    Attributes:
        new: deadlines whose seconds do not count yet. While there are some, the clock is wanted.
        next: when `due()` is to be asked again; None: when there are new ones.
    """

    def __init__(self, is_pending: Callable[[int], bool]) -> None:
        self._is_pending = is_pending
        self.new = _NONE
        self.next: float | None = None
        self._heap: list[tuple[float, int]] = []
        self._enough = _KEPT

    def add(self, token: int, left: float) -> None:
        """Add a query that was sent and must be answered within `left` seconds."""
        if self.new is _NONE:
            self._make_room()
        self.new.append((left, token))

    def _make_room(self) -> None:
        made: deque[tuple[float, int]] = deque()
        if self.new is _NONE:  # otherwise a signal handler has done it
            self.new = made

    def due(self, now: float, asked: Container[int], sending: Container[int] = ()) -> int | None:
        """The token of a pending query whose time is up; None if there is none.

        New deadlines count from now on. After None, `next` is when to ask again.

        Args:
            now: the time.
            asked, sending: tokens, among them those of all pending queries. They save a call for
                each of the others, which are the most.
        """
        while self.new:
            new = self.new[0]
            left, token = new
            heappush(self._heap, (now + left, token))
            if self.new and self.new[0] is new:  # a signal handler may have done it, too
                self.new.popleft()
        if len(self._heap) > self._enough:
            self._forget_answered()
        while self._heap:
            entry = self._heap[0]
            at, token = entry
            if token in asked or token in sending:
                if at > now:
                    self.next = at
                    return None
                if self._is_pending(token):
                    return token
            if self._heap and self._heap[0] is entry:  # a signal handler may have removed it
                heappop(self._heap)
        self.next = None
        return None

    def _forget_answered(self) -> None:
        before = list(self._heap)
        pending = [entry for entry in before if self._is_pending(entry[1])]
        heapify(pending)
        if self._heap == before:  # otherwise a signal handler has added some: the next time
            self._heap = pending
            self._enough = 2 * len(pending) + _KEPT


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
