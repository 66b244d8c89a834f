"""What threads wait for to happen."""

from __future__ import annotations

from queue import SimpleQueue

__all__ = ["Bell"]


class Bell:
    """An event that a signal handler cannot break.

    Where a handler raises in the midst of `threading.Event.wait()`, its lock may stay locked. Who
    sets it then waits for ever. Here each step is one call of functions written in C.
    """

    def __init__(self) -> None:
        self._strokes: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """It has happened."""
        self._strokes.put(None)

    def is_set(self) -> bool:
        """Whether it has happened."""
        return not self._strokes.empty()

    def wait(self) -> None:
        """Wait until it has happened."""
        strokes = self._strokes
        # What was taken goes back for others who wait, with no handler in between.
        list(map(strokes.put, map(strokes.get, (True,))))
