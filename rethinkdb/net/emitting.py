"""What cursors and connections offer to those who would rather be called: events, and `each`.

Only the methods are here. What they do is `rethinkdb.push`, above this layer; it is loaded when one
of them is called.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ConnectionEvents", "EmitterMethods", "RowEvents"]


class EmitterMethods:
    """The interface of an event emitter, as Node has it."""

    if TYPE_CHECKING:

        def _emitter_of(self) -> Any:
            """What does the work; made when first asked for."""

    def on(self, event: str, listener: Callable[..., Any]) -> Self:
        """Call a listener for each event of a name. The same one may be added several times."""
        self._emitter_of().add(self, event, listener, once=False)
        return self

    add_listener = on

    def once(self, event: str, listener: Callable[..., Any]) -> Self:
        """Call a listener for the next event of a name only."""
        self._emitter_of().add(self, event, listener, once=True)
        return self

    def remove_listener(self, event: str, listener: Callable[..., Any]) -> Self:
        """Take away a listener, once; no effect if it is none."""
        self._emitter_of().listeners.remove(event, listener)
        return self

    off = remove_listener

    def remove_all_listeners(self, event: str | None = None) -> Self:
        """Take away all listeners, or those of one event."""
        self._emitter_of().listeners.remove_all(event)
        return self

    def listeners(self, event: str) -> list[Callable[..., Any]]:
        """The listeners to an event, in the order in which they are called."""
        found: list[Callable[..., Any]] = self._emitter_of().listeners.of(event)
        return found

    def set_max_listeners(self, count: int) -> Self:
        """Warn when an event has more listeners than this (10 by default); 0: never."""
        self._emitter_of().listeners.allow(count)
        return self

    def emit(self, event: str, *args: Any) -> bool:
        """Call the listeners to an event now, perhaps one of your own.

        Returns:
            Whether there are any.
        """
        any_called: bool = self._emitter_of().emit(event, *args)
        return any_called


class RowEvents(EmitterMethods):
    """A cursor as an event emitter.

    Events are `data`, `end`, `error`, `close`, and for changefeeds `change`, `initial`,
    `uninitial`, `state`, `change_error`, `unhandled`. Rows flow once there is a listener to `data`,
    `end` or one for changefeeds; from then on nothing can be pulled. Exactly one of `end` and
    `error` comes, then `close`; after `close()` only `close`. What an asynchronous listener returns
    is awaited before the next one is called. A listener that raises ends the cursor; its error goes
    to the loop's exception handler, as does an `error` without a listener.

    Example::

        cursor.on("data", print).on("end", lambda: print("that was all"))
    """

    def pause(self) -> Self:
        """Give no more rows to listeners; the server then stops at the end of a batch."""
        self._emitter_of().pause()
        return self

    def resume(self) -> Self:
        """Go on after `pause()`."""
        self._emitter_of().resume()
        return self

    def each(
        self,
        callback: Callable[[Exception | None, Any], Any],
        done: Callable[[], Any] | None = None,
    ) -> None:
        """Call `callback(None, row)` with each row, where callbacks run; return at once.

        If it returns False, exactly, that was the last one; the cursor has the further rows.

        Args:
            callback: is called `callback(error, None)` at last if the query failed.
            done: is called at the end, or after False; never after an error.

        Raises:
            ReqlDriverError: the rows go to somebody else.
        """
        _push("pulling").Each(self, callback, done).start()

    def each_async(
        self,
        callback: Callable[..., Any],
        final: Callable[[Exception | None], Any] | None = None,
        *,
        concurrency: int = 1,
    ) -> Any:
        """Call a function with each row, and wait for what it does before it gets a further one.

        Args:
            callback: one parameter: it gets the row, and may return something to await, of which
                nothing may come. Two: it also gets a function to call when it has done its work,
                with an error if it failed.
            final: is called in the end, once, with the error or None.
            concurrency: how many rows may be worked on at once.

        Returns:
            None at once if there is a `final`. Without, the end of it as this loop gives results.

        Raises:
            Exception: what the callback raised, or the query's error.
            ReqlDriverError: the rows go to somebody else, or `close()` was called: "Cursor is
                closed.".

        After an error, or when it is cancelled, no further row is taken, and what is at work ends.
        """
        return _push("pulling").EachAsync(self, callback, final, concurrency).outcome()

    def _emitter_of(self) -> Any:
        return _push("emitter").emitter_of(self)


class ConnectionEvents(EmitterMethods):
    """A connection as an event emitter.

    Events are `connect` (again: of `reconnect()`), `close` with the reason or None, once; and
    before that, if the link was lost, `error` with the reason, and `timeout` if it timed out.
    """

    def _emitter_of(self) -> Any:
        return _push("connection_events").events_of(self)

    def _start_with(self, term: Any, handler: Any, conn: Any, options: dict[str, Any]) -> Any:
        """What `term.run_with(handler, conn)` calls, as `term.run(conn)` calls `_start`."""
        return _push("start").run_with(term, handler, conn, options)


def _push(module: str) -> Any:
    return import_module(f"rethinkdb.push.{module}")
