"""`Fetching`: the direct way from the socket to a caller that iterates over a cursor.

A changefeed often sends one change in a message. A waiter, its place in the stream's line and its
callbacks would then be made for each change. If no other thread uses the connection, nobody but the
caller can take the item: so it reads until the stream has one, and takes it. For a change that
arrives alone, this takes three quarters of the instructions.
"""

from __future__ import annotations

from operator import methodcaller
from threading import get_ident
from typing import Any

from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.stream import Stream

from .line import Line
from .waiting import Waiting

__all__ = ["Fetching"]

_POP, _POPLEFT = methodcaller("pop"), methodcaller("popleft")


class Fetching(Waiting):
    """The part of a `Channel` that fetches the items of a stream."""

    def fetch(self, stream: Stream, front: Stream) -> list[Any]:
        """Wait for the next item of a stream, if no other thread uses the connection.

        It gives the item that a waiter of `front.next()` would give.

        Args:
            stream: the stream.
            front: what callers read: a resumed feed whose run the stream is, or the stream itself.

        Returns:
            The item, in a list. It is empty if somebody else waits, if the wait is over without an
            item, or if there is more to do than to read: then use `front.next()`.
        """
        me, turns, line = get_ident(), self._turns, self._line
        taken: list[Any] = []
        if line is None or turns.leader is not None or turns.sleepers or self._lock._is_owned():
            return taken
        try:
            with self._lock:
                if turns.leader is None and self._is_due(stream, front, line):
                    turns.leader = me
            while turns.leader == me:
                # The check is for signal handlers, which may have read it meanwhile.
                here = stream.buffer or stream.held or stream.finished
                if not (here or line.wait(me, self._tick_at and self._left(None), False)):
                    self._time_passed(None)
                with self._lock:
                    others = front._requests  # other threads that ask for items: behind them
                    if not others:
                        line.receive()
                    if stream.buffer or stream.held or stream.finished or others:
                        self._take(stream, taken)
                        turns.resign()
                        if line.over:
                            self._tidy_up(line)
                if self._discarded:
                    self._close_discarded()
            return taken
        except BaseException:
            self._recover(me, False, False, [_Untaken(front, taken)])
            raise

    def _is_due(self, stream: Stream, front: Stream, line: Line) -> bool:
        """Whether the stream's next item will come, and there is nothing to do but to read."""
        here = stream.buffer or stream.held or stream.finished or front._requests
        # With `low_water` above 0, the next batch was not asked for.
        asked = not (here or stream.low_water or front.low_water)
        busy = self._interrupted or self._discarded or line.output or line.over
        return asked and not (busy or self.session.clock_wanted)

    def _take(self, stream: Stream, taken: list[Any]) -> None:
        """Take an item in one step, if there is one. See `rethinkdb.net.steps`."""
        if not stream.buffer:
            return
        try:
            taken.extend(map(_POPLEFT, (stream.buffer,)))
        except IndexError as exc:  # a signal handler or another thread has taken it first
            if raised_by_handler(exc):
                raise
            return
        if stream.low_water:
            stream.read_ahead()
            self._flush()


class _Untaken:
    """An item that its caller does not get, as a signal handler has raised an error."""

    def __init__(self, front: Stream, taken: list[Any]) -> None:
        self._front = front
        self._taken = taken

    def abandon(self) -> None:
        """Put it back, in one step; this may be called again."""
        if self._taken:
            self._front.buffer.extendleft(map(_POP, (self._taken,)))
        self._front.serve()
