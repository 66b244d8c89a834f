"""The locks of a pool and of connections, and signal handlers that interrupt their owner.

Python runs a signal handler in the main thread, perhaps while this thread has a lock. If the
handler then waits for another thread, and that one wants the lock, both wait for ever. So whatever
waits for other threads is called by `without`. It releases the locks that its thread has, as long
as the call lasts. What runs under these locks is made for that; see `rethinkdb.net.steps`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any, TypeVar

__all__ = ["Guards", "without", "without_guards"]

T = TypeVar("T")

_Lock = Any  # The type checkers know no methods of an RLock that conditions use.


class Guards:
    """The locks of one pool: of its decisions, and of each of its feeds.

    A thread that has one of them never waits for a connection's lock, as other threads take the two
    in the opposite order. A signal handler that uses a connection is no exception: see `without`.

    Attributes:
        decisions: the lock of the pool's decisions.
        feeds: weak references to the locks of the feeds. Most pools have no feeds.
    """

    def __init__(self) -> None:
        self.decisions: _Lock = threading.RLock()
        self.feeds: dict[int, weakref.ref[_Lock]] = {}

    def new(self) -> _Lock:
        """A lock for one more feed."""
        guard = threading.RLock()
        key = id(guard)
        self.feeds[key] = weakref.ref(guard, lambda _: self.feeds.pop(key, None))
        return guard

    def any_held(self) -> bool:
        """Whether this thread has one of them: it is in a signal handler or a finalizer."""
        for reference in list(self.feeds.values()):
            guard = reference()
            if guard is not None and guard._is_owned():
                return True
        return bool(self.decisions._is_owned())

    def held(self) -> list[_Lock]:
        """Those that this thread has. Outside of a signal handler or a finalizer there are none."""
        guards = [reference() for reference in list(self.feeds.values())]
        held = [guard for guard in guards if guard is not None and guard._is_owned()]
        # Other threads make decisions that nobody may see half made, not even their finalizers.
        if self.decisions._is_owned() and threading.current_thread() is threading.main_thread():
            held.append(self.decisions)
        return held


def without_guards(guards: Guards | None, function: Callable[..., T], *args: Any) -> T:
    """Call a function. Meanwhile this thread releases those locks of a pool that it has."""
    held = None if guards is None else guards.held()
    return without(held, function, *args) if held else function(*args)


def without(held: Iterable[_Lock], function: Callable[..., T], *args: Any) -> T:
    """Call a function. Meanwhile this thread releases these locks, which it has."""
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
