"""Those who wait for a connection: first in, first out, and not for ever."""

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
    """Somebody waits for a connection: to share it, or to have it alone.

    Attributes:
        asked_at: when.
        deadline: when it is too late.
        exclusive: alone.
        member: what it was given, from the decision on; the waiter is settled a little later.
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
    """Asks in their order, and by their deadlines.

    Attributes:
        exclusive: how many of them want a connection alone.
    """

    def __init__(self) -> None:
        # Of an OrderedDict, the first can be taken away time and again without a search for it.
        self._asks: OrderedDict[Ask, None] = OrderedDict()
        self.exclusive = 0
        # Asks that have left the line leave the heap later: at the top, or when it is rebuilt.
        self._deadlines: list[tuple[float, int, Ask]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._asks)

    def __contains__(self, ask: Ask) -> bool:
        return ask in self._asks

    @property
    def shared(self) -> int:
        """How many of them share a connection."""
        return len(self._asks) - self.exclusive

    def append(self, ask: Ask) -> None:
        """It is the last one now."""
        self._asks[ask] = None
        self.exclusive += ask.exclusive
        self._number += 1
        if len(self._deadlines) > 2 * len(self._asks) + 64:
            self._deadlines = [entry for entry in self._deadlines if entry[2] in self._asks]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (ask.deadline, self._number, ask))

    def remove(self, ask: Ask) -> None:
        """It has been served, or waits no longer."""
        del self._asks[ask]
        self.exclusive -= ask.exclusive

    def at(self, position: int) -> Ask | None:
        """The ask at a position, which should be a small one; None if the line is not so long."""
        return next(islice(self._asks, position, None), None)

    @property
    def first(self) -> Ask:
        """Who waits longest; somebody must wait."""
        return next(iter(self._asks))

    def leading_exclusive(self, most: int) -> int:
        """How many at the head want a connection alone, counted up to `most`."""
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
        """When somebody's time is up first; never, if nobody waits."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][2] not in self._asks:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else math.inf

    def take_late(self, now: float) -> list[Ask]:
        """Those whose time is up, who leave the line; who asked first is first."""
        late: list[Ask] = []
        while self.next_deadline <= now:
            ask = heapq.heappop(self._deadlines)[2]
            self.remove(ask)
            late.append(ask)
        return late

    def take_all(self) -> list[Ask]:
        """Everybody, who leaves the line."""
        asks = list(self._asks)
        self._asks.clear()
        self._deadlines.clear()
        self.exclusive = 0
        return asks
