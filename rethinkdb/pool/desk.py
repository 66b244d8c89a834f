"""Where those who wait for a pool are kept, and told the outcome."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from rethinkdb.net.waiter import Waiter

from .line import Ask, Line
from .members import Member
from .statistics import Tally

__all__ = ["Desk"]


class Desk:
    """Asks in line, those who wait for the pool to open, and outcomes on their way to a waiter.

    An outcome is settled after the decision, when all is consistent: callbacks of waiters may do
    anything, also ask again or give up what others were just given.

    Attributes:
        line: those who wait for a connection.
        openers: those who wait until `min_size` connections are open.
    """

    def __init__(self, tally: Tally) -> None:
        self.line = Line()
        self.openers = Line()
        self._tally = tally
        self._outcomes: deque[tuple[Waiter[Any], Any]] = deque()
        self._settling = False

    @property
    def urgent(self) -> bool:
        """Whether anybody waits."""
        return bool(len(self.line) or len(self.openers))

    @property
    def next_deadline(self) -> float:
        """When somebody's time is up first."""
        return min(self.line.next_deadline, self.openers.next_deadline)

    def wanted(self, per_connection: int) -> int:
        """How many more connections would serve all in the line at once."""
        return self.line.exclusive + math.ceil(self.line.shared / per_connection)

    def leave(self, ask: Ask) -> bool:
        """Somebody waits no longer. Whether that was so."""
        for line in (self.line, self.openers):
            if ask in line:
                line.remove(ask)
                return True
        return False

    def serve(self, ask: Ask, member: Member, now: float) -> None:
        """Somebody in the line gets a member."""
        self.line.remove(ask)
        self._tally.served(now - ask.asked_at)
        self.assign(ask, member)

    def assign(self, ask: Ask, member: Member) -> None:
        """It gets a member."""
        ask.member = member
        self._outcomes.append((ask, member))

    def open_for_all(self) -> None:
        """The pool is open."""
        if len(self.openers):
            self._outcomes.extend((opener, None) for opener in self.openers.take_all())

    def refuse_late(self, now: float, error: Callable[[float], BaseException]) -> None:
        """Those whose time is up have waited in vain.

        Args:
            now: the time.
            error: makes what one is told who has waited for so many seconds.
        """
        for ask in (*self.line.take_late(now), *self.openers.take_late(now)):
            self._tally.timed_out += 1
            self._outcomes.append((ask, error(now - ask.asked_at)))

    def refuse_all(self, error: Callable[[], BaseException]) -> None:
        """Nobody can be served; `error` makes what one of them is told."""
        for ask in (*self.line.take_all(), *self.openers.take_all()):
            self._outcomes.append((ask, error()))

    def release(self, waiters: list[Waiter[None]]) -> None:
        """What these wait for has happened."""
        self._outcomes.extend((waiter, None) for waiter in waiters)
        waiters.clear()

    def settle(self) -> None:
        """Settle waiters; called again by what that calls, the first call does it all."""
        if self._settling:
            return
        self._settling = True
        try:
            while self._outcomes:
                waiter, outcome = self._outcomes.popleft()
                if isinstance(outcome, BaseException):
                    waiter.set_exception(outcome)
                else:
                    waiter.set_result(outcome)
        finally:
            self._settling = False
            if self._outcomes:  # an interrupt, such as Ctrl-C: the others must not wait on
                self.settle()
