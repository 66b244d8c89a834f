"""Passes the rows of a stream to callbacks, in order, and only as fast as these take them.

Subclasses decide which callback gets a row. Rows are taken from the stream one by one. When few
rows are left, the stream asks the server for the next batch. While a callback is running or the
stream is paused, no further batch is asked for, so at most two batches are in memory.
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
    """Gives rows to callbacks until the stream ends or the flow is closed.

    Args:
        runner: calls the callbacks.

    Attributes:
        closed: the flow has ended: no callback gets a row any more.
    """

    def __init__(self, runner: Runner) -> None:
        self.closed = False
        self._runner = runner
        self._stream: Stream | None = None
        self._paused: Waiter[None] | None = None
        self._ending = threading.Lock()

    @abstractmethod
    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        """Give a row to callbacks. Returns an awaitable if a callback returned one."""

    @abstractmethod
    def _crashed(self, error: Exception) -> None:
        """A callback raised this error."""

    @abstractmethod
    def _quit(self) -> None:
        """End at once: no further row is delivered."""

    def _rows(self, stream: Stream) -> Generator[Wanted, Any, Exception | None]:
        """Deliver all rows. Returns the error that ended the stream; None: it ended normally."""
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
        """Report a row that does not fit its type. The next row is delivered as usual."""
        try:
            yield stream.next
        except ReqlRowError as error:
            result = self._misfit(error)
            if result is not None:
                yield from self._awaited(result)

    @abstractmethod
    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        """Report a row that does not fit its type. Returns an awaitable if a callback did."""

    def _guarded(self, call: Any, *args: Any) -> Awaitable[Any] | None:
        """Call a callback. Returns its result if that can be awaited; else None."""
        try:
            result = call(*args)
        except Exception as exc:
            self._crashed(exc)
            return None
        except BaseException:  # cancelled or interrupted: this ends the flow, but is no error
            self._quit()
            raise
        return result if result is not None and isawaitable(result) else None

    def _awaited(self, result: Awaitable[Any]) -> Steps:
        """Wait for the awaitable that an asynchronous callback returned."""
        try:
            yield result
        except Cancellation:
            self._quit()
        except Exception as exc:
            self._crashed(exc)

    def _end(self) -> bool:
        """Mark the flow as closed; False if it was closed already. Safe to call from threads."""
        with self._ending:
            was_closed, self.closed = self.closed, True
        return not was_closed

    def _stop_stream(self) -> Waiter[bool]:
        """Stop the stream on the server, and drop the rows that have arrived.

        An operation of the core. Its result says whether the stream was still running.
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
    """The error to report if the connection has ended; None if `error` has another reason.

    If this side closed the connection, the result is a `ReqlCursorLostError`, even for a query
    without a cursor. So it is also a `ReqlRuntimeError`.
    """
    if not isinstance(error, ReqlConnectionLostError):
        return None
    if error.__cause__ is not None or isinstance(error, ReqlCursorLostError):
        return error
    return ReqlCursorLostError(error.message, term, [], host=error.host, port=error.port)
