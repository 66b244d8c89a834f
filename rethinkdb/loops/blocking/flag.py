"""`Flag`: an event for threads, as `threading.Event`, that signal handlers cannot break."""

from __future__ import annotations

from queue import SimpleQueue

__all__ = ["Flag"]


class Flag:
    """It stays set, so that any number of threads may wait for it, before and after.

    If a handler raises an error in the middle of `threading.Event.wait()`, the event's lock may
    stay locked, and `set()` then waits for ever. Here each step is one call of functions written in
    C (see `rethinkdb.net.steps`). A `Bed` is for one thread, and for one sleep.
    """

    def __init__(self) -> None:
        self._set: SimpleQueue[None] = SimpleQueue()  # empty: not set

    def set(self) -> None:
        """Set it."""
        self._set.put(None)

    def is_set(self) -> bool:
        """Whether it is set."""
        return not self._set.empty()

    def wait(self) -> None:
        """Wait until it is set."""
        queue = self._set
        # Take an item and put it back for other waiting threads, in one step.
        list(map(queue.put, map(queue.get, (True,))))
