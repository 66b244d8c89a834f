"""`FeedGuards`: the locks of a pool's feeds, and signal handlers that use the pool meanwhile.

A thread that has a feed's lock never waits for a connection's lock, as other threads take the two
in the opposite order. But a signal handler may interrupt that thread and use a connection. So the
handler's call releases the feed's lock as long as it lasts.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from operator import methodcaller
from typing import Any, TypeVar

__all__ = ["FeedGuards"]

T = TypeVar("T")

_Lock = Any  # The type checkers know no methods of an RLock that conditions use.


class FeedGuards:
    """The locks of the feeds that a pool has.

    Attributes:
        references: weak ones to these locks. Most pools have no feeds: then a query need not call
            `held`.
    """

    def __init__(self) -> None:
        self.references: dict[int, weakref.ref[_Lock]] = {}

    def new(self) -> _Lock:
        """A lock for one more feed."""
        guard = threading.RLock()
        key = id(guard)
        self.references[key] = weakref.ref(guard, lambda _: self.references.pop(key, None))
        return guard

    def held(self) -> list[_Lock]:
        """Those that this thread has. Outside of a signal handler or a finalizer there are none."""
        guards = [reference() for reference in list(self.references.values())]
        return [guard for guard in guards if guard is not None and guard._is_owned()]

    def outside(self, held: list[_Lock], function: Callable[..., T], *args: Any) -> T:
        """Call a function. Meanwhile this thread releases the locks."""
        released: list[tuple[_Lock, Any]] = []
        try:
            for guard in held:
                # One step in C: an interrupt between two could lose what the release returns.
                released.extend(zip((guard,), map(_release, (guard,)), strict=True))
            return function(*args)
        finally:
            _take_back(released)


_release: Callable[[_Lock], Any] = methodcaller("_release_save")


def _take_back(released: list[tuple[_Lock, Any]]) -> None:
    try:
        for guard, state in released:
            if not guard._is_owned():
                guard._acquire_restore(state)
    except BaseException:  # out of one more handler
        _take_back(released)
        raise
