"""A cursor as an event emitter: its rows come as events.

    cursor.on("data", print)
    cursor.on("end", done)

================  ================  ==============================================================
event             called with       when
================  ================  ==============================================================
`data`            row               each row
`change`          old, new          a row of a changefeed with both; also for the events below it
`initial`         new               holds: a row goes to the first that fits and has a listener
`uninitial`       old
`state`           text
`gap`             since, until,     a feed run with `resume="restart"` was lost, and goes on
                  cause
`change_error`    message
`unhandled`       row               no other one of these took it
`end`                               after the last row
`error`           exception         the query failed, or the connection went; then there is no `end`
                                    (or a row does not fit its type; then the next one follows)
`close`                             last of all, once; also when the cursor was closed
================  ================  ==============================================================

Rows begin to flow in the turn after the first listener to `data`, `end` or a changefeed event was
added; from then on the cursor's pull methods raise. Rows that nobody listens to are lost.
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
from .rules import RULES, UNHANDLED, event_of, subscribed
from .runner import Runner, runner_of
from .takeover import Takeover

__all__ = ["CursorEmitter", "emitter_of"]

_FEED_EVENTS = frozenset({rule.event for rule in RULES} | {UNHANDLED})

_STARTING = _FEED_EVENTS | {"data", "end"}


def emitter_of(cursor: BaseCursor) -> CursorEmitter:
    """The emitter of a cursor, made when first asked for."""
    emitter = vars(cursor).get("_emitter")
    if emitter is None:
        emitter = vars(cursor)["_emitter"] = CursorEmitter(cursor, runner_of(cursor.conn))
    found: CursorEmitter = emitter
    return found


class CursorEmitter(Flow):
    """What a cursor's emitter methods do. Documented where users find them: `BaseCursor`."""

    def __init__(self, cursor: BaseCursor, runner: Runner) -> None:
        super().__init__(runner)
        self.listeners = Listeners()
        self._takeover: Takeover | None = None

    def add(self, cursor: BaseCursor, event: str, function: Any, once: bool) -> None:
        self._runner.accept(function)
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
        """The cursor is closed, by whoever may use the core just now."""
        if self._end():
            self._stop_stream()
            self._runner.soon(partial(follow, self._runner, self._closing()))

    # Its life.

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
