"""`Line`: those who wait for a connection. First in, first out, each with a time limit."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from rethinkdb.net.waiter import Waiter

from .members import Member

__all__ = ["Ask", "Line"]


class Ask(Waiter[Member]):
    """A waiter for a connection, which is shared with others or lent exclusively.

    Attributes:
        asked_at: when the wait began.
        deadline: when the wait fails.
        exclusive: nobody else may use the connection.
        member: the member that the pool has decided to give. The waiter is settled a little later.
    """

    __slots__ = ("asked_at", "deadline", "exclusive", "member")

    def __init__(
        self,
        asked_at: float,
        deadline: float,
        exclusive: bool,
        on_abandon: Callable[[Waiter[Member]], object],
        on_unclaimed: Callable[[Member], object],
    ) -> None:
        super().__init__(on_abandon, on_unclaimed)
        self.asked_at = asked_at
        self.deadline = deadline
        self.exclusive = exclusive
        self.member: Member | None = None


class Line:
    """Asks in their order, which can also be found by their deadlines.

    Attributes:
        exclusive: how many asks are exclusive.
    """

    def __init__(self) -> None:
        # An OrderedDict, since a dict would search for its first key if that is removed each time.
        self._asks: OrderedDict[Ask, None] = OrderedDict()
        self.exclusive = 0
        # An ask that has left the line stays in this heap until it is at the top, or until the heap
        # is rebuilt.
        self._deadlines: list[tuple[float, int, Ask]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._asks)

    def __contains__(self, ask: Ask) -> bool:
        return ask in self._asks

    @property
    def shared(self) -> int:
        """How many asks are not exclusive."""
        return len(self._asks) - self.exclusive

    def append(self, ask: Ask) -> None:
        """Add an ask at the end."""
        self._asks[ask] = None
        self.exclusive += ask.exclusive
        self._number += 1
        if len(self._deadlines) > 2 * len(self._asks) + 64:
            self._deadlines = [entry for entry in self._deadlines if entry[2] in self._asks]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (ask.deadline, self._number, ask))

    def remove(self, ask: Ask) -> None:
        """Remove an ask that was served or waits no longer."""
        del self._asks[ask]
        self.exclusive -= ask.exclusive

    def at(self, position: int) -> Ask | None:
        """The ask at a position; None if the line is shorter. Slow for large positions."""
        return next(islice(self._asks, position, None), None)

    @property
    def first(self) -> Ask:
        """The ask that has waited longest. The line must not be empty."""
        return next(iter(self._asks))

    def leading_exclusive(self, most: int) -> int:
        """How many exclusive asks come before the first that is not; at most `most`."""
        if not self.exclusive:
            return 0
        count = 0
        for ask in islice(self._asks, most):
            if not ask.exclusive:
                break
            count += 1
        return count

    @property
    def next_deadline(self) -> float:
        """The earliest deadline; infinity if nobody waits."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][2] not in self._asks:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else math.inf

    def take_late(self, now: float) -> list[Ask]:
        """Remove and return all asks whose deadline has passed, the earliest deadline first."""
        late: list[Ask] = []
        while self.next_deadline <= now:
            ask = heapq.heappop(self._deadlines)[2]
            self.remove(ask)
            late.append(ask)
        return late

    def take_all(self) -> list[Ask]:
        """Remove and return all asks."""
        asks = list(self._asks)
        self._asks.clear()
        self._deadlines.clear()
        self.exclusive = 0
        return asks
