"""Virtual time: a heap of what is to happen."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

__all__ = ["Timeline"]


class Timeline:
    """What is to happen, in its order.

    Attributes:
        now: the time, in seconds since the beginning.
        happened: how much has.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.happened = 0
        self._coming: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._number = count()

    def at(self, time: float, call: Callable[..., object], *args: Any) -> None:
        """Call a function at a time; what is past happens now."""
        heapq.heappush(self._coming, (max(time, self.now), next(self._number), call, args))

    def after(self, seconds: float, call: Callable[..., object], *args: Any) -> None:
        """Call a function after a while."""
        heapq.heappush(self._coming, (self.now + seconds, next(self._number), call, args))

    def run(self, until: float) -> None:
        """Let everything happen up to a time."""
        coming, pop = self._coming, heapq.heappop
        while coming and coming[0][0] <= until:
            self.now, _, call, args = pop(coming)
            self.happened += 1
            call(*args)
        self.now = until
