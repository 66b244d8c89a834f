"""`cursor.each` and `cursor.each_async`: a function is called with each row until it says stop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any

from rethinkdb.errors import ReqlDriverError, ReqlRowError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.waiter import Waiter

from .course import Steps, follow
from .flow import Flow
from .methods import parameters_of
from .runner import runner_of
from .takeover import Takeover

__all__ = ["Each", "EachAsync"]


class _Walk(Flow):
    """Calls one function with each row of a cursor, and then gives the cursor back."""

    def __init__(self, cursor: BaseCursor, callback: Callable[..., Any]) -> None:
        super().__init__(runner_of(cursor.conn))
        self._runner.accept(callback)
        self._takeover = Takeover(cursor, self)
        self._stream = self._takeover.stream
        self._error: Exception | None = None

    def start(self) -> None:
        """Start in the next turn of the loop."""
        self._runner.live.add(self)
        self._runner.soon(partial(follow, self._runner, self._steps()))

    def cursor_closed(self) -> None:
        self._error = self._error or ReqlDriverError("Cursor is closed.")
        self._end()
        self._stop_stream()

    def _steps(self) -> Steps:
        stream = self._takeover.stream
        error = yield from self._rows(stream)
        yield from self._settled()
        self.closed = True
        self._takeover.give_back()
        self._runner.live.discard(self)
        error = self._error or error
        yield from self._finished(error)

    def _settled(self) -> Steps:
        """Wait until callbacks that are still running have finished."""
        yield from ()

    @abstractmethod
    def _finished(self, error: Exception | None) -> Steps:
        """Tell the user that all rows are done, or which error ended the walk."""


class Each(_Walk):
    """`cursor.each(callback, done)`."""

    def __init__(
        self,
        cursor: BaseCursor,
        callback: Callable[[Exception | None, Any], Any],
        done: Callable[[], Any] | None,
    ) -> None:
        super().__init__(cursor, callback)
        self._callback = callback
        self._done = done
        self._broken = False

    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        return self._guarded(self._call, row)

    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        return self._guarded(self._call, None, error)

    def _call(self, row: Any, error: Exception | None = None) -> Awaitable[Any] | None:
        result = self._callback(error, row)
        if isawaitable(result):
            return self._call_on(result)
        if result is False:
            self._end()
        return None

    async def _call_on(self, result: Awaitable[Any]) -> None:
        if await result is False:
            self._end()

    def _finished(self, error: Exception | None) -> Steps:
        if self._broken:
            return
        call = self._done if error is None else partial(self._callback, error, None)
        result = None if call is None else self._guarded(call)
        if result is not None:
            yield from self._awaited(result)

    def _crashed(self, error: Exception) -> None:
        self._quit()
        self._runner.report(error, "a callback of cursor.each() failed")

    def _quit(self) -> None:
        self._broken = True
        self._end()


class EachAsync(_Walk):
    """`cursor.each_async(callback, final, concurrency)`."""

    def __init__(
        self,
        cursor: BaseCursor,
        callback: Callable[..., Any],
        final: Callable[[Exception | None], Any] | None,
        concurrency: int,
    ) -> None:
        if not isinstance(concurrency, int) or concurrency < 1:
            raise ReqlDriverError(f"`concurrency` must be a positive number, not {concurrency!r}.")
        super().__init__(cursor, callback)
        self._callback = callback
        self._completes = parameters_of(callback, 1).required >= 2
        self._final = final
        self._concurrency = concurrency
        self._running = 0
        self._done: Waiter[None] | None = None

    def outcome(self) -> Any:
        """Start, and return what waits for the end on this loop. With `final`: return None."""
        if self._final is not None:
            self.start()
            return None
        waiter: Waiter[None] = Waiter(lambda _: self._given_up())
        return self._runner.wait(self._start_for, waiter, None)

    def _start_for(self, waiter: Waiter[None]) -> None:
        self._done = waiter
        self.start()

    def _given_up(self) -> None:
        self._end()
        self._release()

    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        self._running += 1
        if self._running >= self._concurrency:
            self._paused = Waiter()
        completed = _Once(self._runner.soon, self._completed)
        try:
            result = self._callback(row, completed) if self._completes else self._callback(row)
        except Exception as exc:
            completed(exc)
        except BaseException:
            self._quit()
            raise
        else:
            self._returned(result, completed)
        return None

    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        self._error = self._error or error
        self._end()
        return None

    def _returned(self, result: Any, completed: _Once) -> None:
        if not self._completes and isawaitable(result):
            self._runner.run(result, partial(_pass_on, completed))
        elif result is not None:
            completed(_unwanted(result))
        elif not self._completes:
            completed()

    def _completed(self, error: Any) -> None:
        self._running -= 1
        if error is not None:
            failure = error if isinstance(error, Exception) else _unwanted(error)
            self._error = self._error or failure
            self._end()
        self._release()

    def _release(self) -> None:
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.set_result(None)

    def _settled(self) -> Steps:
        while self._running:
            self._paused = Waiter()
            yield self._paused

    def _finished(self, error: Exception | None) -> Steps:
        if self._final is not None:
            result = self._guarded(self._final, error)
            if result is not None:
                yield from self._awaited(result)
        elif self._done is not None and error is not None:
            self._done.set_exception(error)
        elif self._done is not None:
            self._done.set_result(None)

    def _crashed(self, error: Exception) -> None:
        self._runner.report(error, "the last callback of cursor.each_async() failed")

    def _quit(self) -> None:
        self._end()
        self._completed(None)


class _Once:
    """The `completed` function of a callback, which calls it when its work is done.

    It may be called in any thread. Only the first call has an effect.

    Args:
        soon: calls `then` where callbacks run.
        then: gets the error, or None.
    """

    def __init__(
        self, soon: Callable[[Callable[[], object]], object], then: Callable[[Any], None]
    ) -> None:
        self._soon = soon
        self._then: Callable[[Any], None] | None = then

    def __call__(self, error: Any = None) -> None:
        then, self._then = self._then, None
        if then is not None:
            self._soon(partial(then, error))


def _pass_on(completed: _Once, waiter: Waiter[Any]) -> None:
    error = waiter.exception()
    if error is None:
        value = waiter.result()
        completed(None if value is None else _unwanted(value))
    else:
        cancelled = not isinstance(error, Exception)
        completed(ReqlDriverError("A callback was cancelled.") if cancelled else error)


def _unwanted(value: Any) -> ReqlDriverError:
    return ReqlDriverError(
        f"A callback of each_async() must give nothing, or an error; not {value!r}."
    )
