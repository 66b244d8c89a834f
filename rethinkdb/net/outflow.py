"""Back-pressure: who sends more than the transport takes waits until it has taken that.

An ordinary query waits for its answer, and so for its own bytes to go out. A `noreply` query has no
answer. Without a wait for room, a loop of them would fill the memory as fast as it runs.

A query's bytes are queued in any case, at once and in order. So whoever gives up waiting for room
has sent the query nonetheless, and none is ever sent by half.
"""

from __future__ import annotations

from collections import deque

from .waiter import Waiter

__all__ = ["MAX_UNSENT", "Outflow"]

#: Bytes that may wait to be sent before senders have to. One query more than that may wait for each
#: sender.
MAX_UNSENT = 65536


class Outflow:
    """How many bytes wait to be sent, and who waits for that to be less.

    Attributes:
        queued: bytes of queries that the transport was not given yet.
        held: bytes that the transport was given and still has; None if it never told. It is then
            taken to send at once what it is given.
        waiting: who waits for room, in order.
    """

    __slots__ = ("held", "queued", "waiting")

    def __init__(self) -> None:
        self.queued = 0
        self.held: int | None = None
        self.waiting: deque[Waiter[None]] = deque()

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent, wherever they are."""
        return self.queued + (self.held or 0)

    def room(self) -> Waiter[None]:
        """Wait until no more than `MAX_UNSENT` bytes wait to be sent; settled if that is so."""
        if self.unsent <= MAX_UNSENT:
            return Waiter.succeeded(None)
        waiter: Waiter[None] = Waiter(self._forget)
        self.waiting.append(waiter)
        return waiter

    def handed_over(self) -> None:
        """The transport is given all that was queued."""
        self.queued = 0
        if self.held is None:
            self._serve()

    def held_back(self, count: int) -> None:
        """So many of the bytes that the transport was given it still has."""
        self.held = count
        self._serve()

    def _forget(self, waiter: Waiter[None]) -> None:
        self.waiting = deque(other for other in self.waiting if other is not waiter)

    def _serve(self) -> None:
        # Callbacks may send more. A waiter is taken off last, so that an interrupt forgets nobody.
        while self.waiting and self.unsent <= MAX_UNSENT:
            waiter = self.waiting[0]
            waiter.set_result(None)
            if self.waiting and self.waiting[0] is waiter:
                self.waiting.popleft()
