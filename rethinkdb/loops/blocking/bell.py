"""`Bell`: an event for threads, as `threading.Event`, that signal handlers cannot break."""

from __future__ import annotations

from queue import SimpleQueue

__all__ = ["Bell"]


class Bell:
    """An event that a signal handler cannot break.

    If a handler raises an error in the middle of `threading.Event.wait()`, the event's lock may
    stay locked, and `set()` then waits for ever. Here each step is one call of functions written in
    C (see `rethinkdb.net.steps`).
    """

    def __init__(self) -> None:
        self._strokes: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Set the event."""
        self._strokes.put(None)

    def is_set(self) -> bool:
        """Whether the event is set."""
        return not self._strokes.empty()

    def wait(self) -> None:
        """Wait until the event is set."""
        strokes = self._strokes
        # Take an item and put it back for other waiting threads, in one step.
        list(map(strokes.put, map(strokes.get, (True,))))
