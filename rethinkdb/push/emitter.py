"""A cursor as an event emitter: each row is an event.

    cursor.on("data", print)
    cursor.on("end", done)

================  ================  ==============================================================
event             called with       when
================  ================  ==============================================================
`data`            row               every row
`change`          old, new          a changefeed row with `old_val` and `new_val`
`initial`         new               a changefeed row with `new_val` only
`uninitial`       old               a changefeed row with `old_val` only
`change_error`    message           a changefeed row with `error`: the server dropped changes
`gap`             since, until,     a feed run with `resume="restart"` was lost, and runs again
                  cause
`state`           text              a changefeed row with `state`
`unhandled`       row               a changefeed row for which no other event has a listener
`end`                               after the last row
`error`           exception         the query failed or the connection was lost: no `end` follows.
                                    Or a row does not fit its type: the next row follows.
`close`                             once, after all others; also if the cursor was closed
================  ================  ==============================================================

A row of a changefeed is also given to one of the events from `change` to `unhandled`: the first
that fits the row and has a listener.

Adding the first listener for `data`, `end` or a changefeed event starts the rows, in the next turn
of the loop. From then on, taking rows from the cursor in any other way raises. A row for which
there is no listener is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from inspect import isawaitable
from itertools import chain
from typing import Any

from rethinkdb.errors import ReqlDriverError, ReqlRowError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .course import Steps, follow
from .flow import Flow
from .listeners import Calls, Listeners
from .misspelling import warn_if_misspelt
from .rules import RULES, UNHANDLED, event_of, subscribed
from .runner import Runner, runner_of
from .takeover import Takeover

__all__ = ["CursorEmitter", "emitter_of"]

_FEED_EVENTS = frozenset({rule.event for rule in RULES} | {UNHANDLED})

_STARTING = _FEED_EVENTS | {"data", "end"}

_EVENTS = _STARTING | {"error", "close"}


def emitter_of(cursor: BaseCursor) -> CursorEmitter:
    """The emitter of a cursor. The first call makes it."""
    emitter = vars(cursor).get("_emitter")
    if emitter is None:
        emitter = CursorEmitter(cursor, runner_of(cursor.conn))
        emitter = vars(cursor).setdefault("_emitter", emitter)  # another thread may be faster
    found: CursorEmitter = emitter
    return found


class CursorEmitter(Flow):
    """Does the work of a cursor's emitter methods, which are documented on `BaseCursor`."""

    def __init__(self, cursor: BaseCursor, runner: Runner) -> None:
        super().__init__(runner)
        self.listeners = Listeners()
        self._takeover: Takeover | None = None

    def add(self, cursor: BaseCursor, event: str, function: Any, once: bool) -> None:
        self._runner.accept(function)
        warn_if_misspelt(event, _EVENTS, "a listener to the event")
        self.listeners.add(event, function, once)
        if event in _STARTING and self._takeover is None:
            self._switch(cursor)

    def emit(self, event: str, *args: Any) -> bool:
        functions = self.listeners.of(event)
        if event == "error" and not functions:
            raise args[0] if args and isinstance(args[0], Exception) else ReqlDriverError(str(args))
        result = self._run(self.listeners.called(event, *args), always=True)
        if result is not None:
            follow(self._runner, self._awaited(result))
        return bool(functions)

    def pause(self) -> None:
        def hold() -> Waiter[None]:
            if self._paused is None:
                self._paused = Waiter()
            return Waiter.succeeded(None)

        self._runner.begin(hold)

    def resume(self) -> None:
        def release() -> Waiter[None]:
            paused, self._paused = self._paused, None
            if paused is not None:
                paused.set_result(None)
            return Waiter.succeeded(None)

        self._runner.begin(release)

    def cursor_closed(self) -> None:
        """The cursor was closed. The caller may use the core now, so it is used directly."""
        if self._end():
            self._stop_stream()
            self._runner.soon(partial(follow, self._runner, self._closing()))

    # From the first row to the last event.

    def _switch(self, cursor: BaseCursor) -> None:
        self._takeover = Takeover(cursor, self)
        self._stream = self._takeover.stream
        self._runner.live.add(self)
        self._runner.soon(partial(follow, self._runner, self._steps(self._stream)))

    def _steps(self, stream: Stream) -> Steps:
        error = yield from self._rows(stream)
        if not self._end():
            return
        if error is None:
            yield from self._told("end")
        else:
            yield from self._failed(error)
        yield from self._closing()

    def _failed(self, error: Exception) -> Steps:
        if self.listeners.of("error"):
            yield from self._told("error", error)
        else:
            self._runner.report(error, "a query failed, and nobody listens to its error")

    def _closing(self) -> Steps:
        yield from self._told("close")
        self._runner.live.discard(self)
        if self._takeover is not None:
            self._takeover.end()

    # Calling listeners.

    def _told(self, event: str, *args: Any) -> Steps:
        result = self._run(self.listeners.called(event, *args), always=True)
        if result is not None:
            yield from self._awaited(result)

    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        calls: Calls = self.listeners.called("data", row)
        if is_feed:
            wanted = {event for event in _FEED_EVENTS if self.listeners.of(event)}
            event, values = event_of(row, subscribed(wanted))
            calls = chain(calls, self.listeners.called(event, *values))
        return self._run(calls, always=False)

    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        if self.listeners.of("error"):
            return self._run(self.listeners.called("error", error), always=False)
        self._runner.report(error, "a row does not fit its type, and nobody listens to its error")
        return None

    def _run(self, calls: Calls, always: bool) -> Awaitable[Any] | None:
        for function, args in calls:
            if self.closed and not always:
                return None
            result = self._guarded(function, *args)
            if result is not None:
                return self._run_on(result, calls, always)
        return None

    async def _run_on(self, first: Awaitable[Any], calls: Calls, always: bool) -> None:
        await first
        for function, args in calls:
            if self.closed and not always:
                return
            result = function(*args)
            if isawaitable(result):
                await result

    def _crashed(self, error: Exception) -> None:
        self._runner.report(error, "a listener failed")
        self._quit()

    def _quit(self) -> None:
        if self._end():
            self._runner.begin(self._stop_stream)
            self._runner.soon(partial(follow, self._runner, self._closing()))
