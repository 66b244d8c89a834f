"""`Telling`: what a gevent pool hears, and tells others, even if a signal handler interrupts it.

The errors of such handlers may end any call before it has begun. So what is told is noted, or is
told twice, until whoever is told has heard it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rethinkdb.net.waiter import Waiter

from ..transport.waiting_pool import WaitingPool

__all__ = ["Telling"]

Granted: TypeAlias = "Callable[[Waiter[Any]], object]"


class Telling(WaitingPool):
    """The part of a gevent pool that tells of the ends of streams, and of connections granted.

    Attributes:
        _wishes: what the handles of `run_with` wait for, and how to tell them.
    """

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._wishes: dict[Waiter[Any], Granted] = {}

    def _when(self, waiter: Waiter[Any], then: Callable[[], object]) -> None:
        left = [then]

        def job() -> None:
            then()
            left.clear()

        def settled(_: Waiter[Any]) -> None:
            if left:
                self._safely(job)

        # Twice: if a handler ends the first call before it has begun, the second one is made.
        waiter.add_done_callback(settled)
        waiter.add_done_callback(settled)

    def _wish(self, seconds: float | None, granted: Granted) -> Waiter[Any]:
        over: list[Waiter[Any]] = []

        def told(wish: Waiter[Any]) -> None:
            granted(wish)
            over.append(wish)
            self._wishes.pop(wish, None)

        wish = super()._wish(seconds, told)
        if not over:
            self._wishes[wish] = granted
        return wish

    def _wish_no_more(self, waiter: Waiter[Any]) -> None:
        super()._wish_no_more(waiter)
        self._wishes.pop(waiter, None)
