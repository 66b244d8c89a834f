"""Keeps those who wait for a pool, and gives them the outcome."""

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
    """Asks that wait for a connection or for the pool to open, and outcomes to be settled.

    The pool decides first and settles the waiters afterwards, when its state is consistent. The
    reason: a waiter's callback may call the pool again.

    Attributes:
        line: asks that wait for a connection.
        openers: asks that wait until `min_size` connections are open.
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
        """The time at which the first of them has waited too long."""
        return min(self.line.next_deadline, self.openers.next_deadline)

    def wanted(self, per_connection: int) -> int:
        """How many more connections are needed to serve the whole line at once."""
        return self.line.exclusive + math.ceil(self.line.shared / per_connection)

    def leave(self, ask: Ask) -> bool:
        """Remove an ask that gives up waiting. Returns whether it was waiting."""
        for line in (self.line, self.openers):
            if ask in line:
                line.remove(ask)
                return True
        return False

    def serve(self, ask: Ask, member: Member, now: float) -> None:
        """Remove an ask from the line and give it a member."""
        self.line.remove(ask)
        self._tally.served(now - ask.asked_at)
        self.assign(ask, member)

    def assign(self, ask: Ask, member: Member) -> None:
        """Give an ask a member."""
        ask.member = member
        self._outcomes.append((ask, member))

    def open_for_all(self) -> None:
        """The pool is open: settle all that waited for that."""
        if len(self.openers):
            self._outcomes.extend((opener, None) for opener in self.openers.take_all())

    def refuse_late(self, now: float, error: Callable[[float], BaseException]) -> None:
        """Fail all asks that have waited too long.

        Args:
            now: the time.
            error: makes the error; called with the seconds that the ask has waited.
        """
        for ask in (*self.line.take_late(now), *self.openers.take_late(now)):
            self._tally.timed_out += 1
            self._outcomes.append((ask, error(now - ask.asked_at)))

    def refuse_all(self, error: Callable[[], BaseException]) -> None:
        """Fail all asks. `error` makes the error of each."""
        for ask in (*self.line.take_all(), *self.openers.take_all()):
            self._outcomes.append((ask, error()))

    def release(self, waiters: list[Waiter[None]]) -> None:
        """Settle these waiters: what they wait for has happened."""
        self._outcomes.extend((waiter, None) for waiter in waiters)
        waiters.clear()

    def settle(self) -> None:
        """Settle all waiters that have an outcome.

        A waiter's callback may get here again; then the outer call settles the rest.
        """
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
            if self._outcomes:  # interrupted, for example by Ctrl-C: settle the others all the same
                self.settle()
