"""The way of a stream's rows to callbacks: in order, as fast as these take them.

Subclasses say what a row is given to. Rows are taken from the stream one by one, and the stream
asks the server for the next batch in time; a callback that is slow, asynchronous or paused holds
that back. So no more than two batches wait here.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Generator
from inspect import isawaitable
from typing import Any

from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorLostError, ReqlRowError
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .course import Cancellation, Steps, Wanted
from .runner import Runner

__all__ = ["Flow", "connection_error"]


class Flow(ABC):
    """Something that gives rows to callbacks until it ends.

    Args:
        runner: what calls them.

    Attributes:
        closed: it has ended: nothing more is given to anybody.
    """

    def __init__(self, runner: Runner) -> None:
        self.closed = False
        self._runner = runner
        self._stream: Stream | None = None
        self._paused: Waiter[None] | None = None
        self._ending = threading.Lock()

    @abstractmethod
    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        """Give a row to callbacks; what there is to await, if anything."""

    @abstractmethod
    def _crashed(self, error: Exception) -> None:
        """A callback raised an error."""

    @abstractmethod
    def _quit(self) -> None:
        """End at once, without a word."""

    def _rows(self, stream: Stream) -> Generator[Wanted, Any, Exception | None]:
        """Deliver all rows; returns what ended the stream, None after a clean end."""
        buffer = stream.buffer
        while (yield stream.has_next):
            if not buffer and stream.held and not self.closed:
                yield from self._passed_over(stream)
                continue
            if not buffer:
                return None if self.closed else stream.error
            while buffer and not self.closed:
                if self._paused is not None:
                    yield self._paused
                    continue
                row = buffer.popleft()
                if len(buffer) < stream.low_water:
                    self._runner.begin(stream.read_ahead)
                result = self._deliver(row, stream.is_feed)
                if result is not None:
                    yield from self._awaited(result)
            if self.closed:
                return None
        return None

    def _passed_over(self, stream: Stream) -> Steps:
        """Tell of a row that does not fit its type. The next one follows it."""
        try:
            yield stream.next
        except ReqlRowError as error:
            result = self._misfit(error)
            if result is not None:
                yield from self._awaited(result)

    @abstractmethod
    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        """Tell of a row that does not fit its type; what there is to await, if anything."""

    def _guarded(self, call: Any, *args: Any) -> Awaitable[Any] | None:
        """Call a callback; what there is to await, if anything."""
        try:
            result = call(*args)
        except Exception as exc:
            self._crashed(exc)
            return None
        except BaseException:  # a cancellation, an interrupt: no error, but the end
            self._quit()
            raise
        return result if result is not None and isawaitable(result) else None

    def _awaited(self, result: Awaitable[Any]) -> Steps:
        """Wait for what an asynchronous callback returned."""
        try:
            yield result
        except Cancellation:
            self._quit()
        except Exception as exc:
            self._crashed(exc)

    def _end(self) -> bool:
        """Close it; False if it was closed already. Threads may try at the same time."""
        with self._ending:
            was_closed, self.closed = self.closed, True
        return not was_closed

    def _stop_stream(self) -> Waiter[bool]:
        """An operation: stop the stream on the server; gives whether there was something to stop.

        Rows at hand are dropped.
        """
        stream = self._stream
        if stream is None:
            return Waiter.succeeded(False)
        due = not stream.finished
        stream.close()
        stream.buffer.clear()
        stream.held.clear()
        return Waiter.succeeded(due)


def connection_error(error: Exception, term: Any) -> ReqlConnectionLostError | None:
    """What to tell of a connection that has ended; None if the error is another one.

    When this side closed it, that is a `ReqlRuntimeError` too, also for a query without a cursor.
    """
    if not isinstance(error, ReqlConnectionLostError):
        return None
    if error.__cause__ is not None or isinstance(error, ReqlCursorLostError):
        return error
    return ReqlCursorLostError(error.message, term, [], host=error.host, port=error.port)
