"""`Outflow`: back-pressure for noreply queries.

An ordinary query waits for its answer, so its bytes are sent before its caller goes on. A noreply
query has no answer. If nothing made it wait, a loop of such queries would fill the memory, and no
other task of the event loop would run.

The bytes of a query are always queued at once and in order. So a caller who stops waiting has sent
the whole query, and no query is sent by half.
"""

from __future__ import annotations

from typing import Any

from .waiter import Waiter

__all__ = ["MAX_UNSENT", "Outflow"]

#: How many bytes may wait to be sent before noreply queries wait, where callers await results.
MAX_UNSENT = 65536


class Outflow:
    """Knows how many bytes wait to be sent, and which callers wait until there are fewer.

    Noreply queries wait while more bytes than `limit` wait to be sent. They also wait after each
    `limit` bytes of such queries, until the adapter calls `held_back`: so other tasks get a turn,
    even if the transport takes everything at once.

    An adapter that does not call `held_back` makes no query wait.

    Args:
        output: the session's bytes to send, which the transport has not got yet.

    Attributes:
        limit: how many bytes may wait to be sent. With 0, each query waits until it is sent.
        held: bytes that the transport has got and not sent yet; None if the adapter does not tell.
        waiting: the waiters of the callers that wait, oldest first.
    """

    __slots__ = ("_in_turn", "_output", "held", "limit", "waiting")

    def __init__(self, output: bytearray) -> None:
        self._output = output
        self._in_turn = 0  # bytes of noreply queries since the last `held_back`
        self.limit = MAX_UNSENT
        self.held: int | None = None
        self.waiting: dict[Waiter[Any], None] = {}

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent, here or in the transport."""
        return len(self._output) + (self.held or 0)

    def must_wait(self, size: int) -> bool:
        """Whether a noreply query of this many bytes, which was just queued, must wait."""
        if self.held is None:
            return False
        self._in_turn += size
        return self._in_turn > self.limit or self.unsent > self.limit

    def held_back(self, count: int) -> None:
        """Take the number of bytes that the transport still has. Waiting callers may go on.

        An adapter calls this

        - with 0, when it is connected;
        - when its transport holds more bytes than `limit`, and when it no longer does;
        - after it has sent bytes, if there are `waiting` callers.
        """
        self.held = count
        if count <= self.limit:
            self._in_turn = 0
            self._serve()

    def forget(self, waiter: Waiter[Any]) -> None:
        """A caller no longer waits."""
        self.waiting.pop(waiter, None)

    def _serve(self) -> None:
        # Callbacks and signal handlers may start queries, and may call `held_back`. A waiter is
        # removed last, so that an interrupt forgets none.
        for waiter in tuple(self.waiting):
            if self._in_turn > self.limit or self.unsent > self.limit:
                return
            waiter.set_result(None)
            self.forget(waiter)
