"""The callback methods of cursors and connections: events (`on`, `once`, ...) and `each`.

This module has only the methods. The code behind them is `rethinkdb.push`, a layer above this one.
It is imported when a program first calls one of the methods.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ConnectionEvents", "EmitterMethods", "RowEvents"]


class EmitterMethods:
    """The methods of an event emitter, as in Node.js.

    Methods that add or remove listeners return the object itself, so calls can be chained.
    """

    if TYPE_CHECKING:

        def _emitter_of(self) -> Any:
            """The object of `rethinkdb.push` that does the work; made on the first call."""

    def on(self, event: str, listener: Callable[..., Any]) -> Self:
        """Call `listener` each time that `event` happens.

        A listener that was added several times is called as many times.
        """
        self._emitter_of().add(self, event, listener, once=False)
        return self

    add_listener = on

    def once(self, event: str, listener: Callable[..., Any]) -> Self:
        """Call `listener` the next time that `event` happens, and then no more."""
        self._emitter_of().add(self, event, listener, once=True)
        return self

    def remove_listener(self, event: str, listener: Callable[..., Any]) -> Self:
        """Remove a listener. One that was added several times is removed once.

        It does nothing if `listener` is no listener of this event.
        """
        self._emitter_of().listeners.remove(event, listener)
        return self

    off = remove_listener

    def remove_all_listeners(self, event: str | None = None) -> Self:
        """Remove all listeners, or all listeners of one event."""
        self._emitter_of().listeners.remove_all(event)
        return self

    def listeners(self, event: str) -> list[Callable[..., Any]]:
        """The listeners of an event, in the order in which they are called."""
        found: list[Callable[..., Any]] = self._emitter_of().listeners.of(event)
        return found

    def set_max_listeners(self, count: int) -> Self:
        """Warn when an event has more than `count` listeners (default 10); 0: never warn."""
        self._emitter_of().listeners.allow(count)
        return self

    def emit(self, event: str, *args: Any) -> bool:
        """Call the listeners of an event now, with `args`. `event` may be a name of your own.

        Returns:
            Whether the event has listeners.
        """
        any_called: bool = self._emitter_of().emit(event, *args)
        return any_called


class RowEvents(EmitterMethods):
    """A cursor as an event emitter.

    The events are `data`, `end`, `error` and `close`; changefeeds also have `change`, `initial`,
    `uninitial`, `state`, `gap`, `change_error` and `unhandled`.

    - Rows begin to flow when there is a listener for `data`, `end` or an event of changefeeds.
      After that, `next()` and the cursor's other methods for taking rows raise an error.
    - At the end either `end` or `error` comes, then `close`. If the program calls `close()`, only
      `close` comes.
    - If a listener returns an awaitable, it is awaited before the next listener is called.
    - A listener that raises an error ends the cursor. The error goes to the loop's exception
      handler. So does an `error` event without a listener.

    Example::

        cursor.on("data", print).on("end", lambda: print("that was all"))
    """

    def pause(self) -> Self:
        """Stop giving rows to listeners. The server stops too, once two batches wait here."""
        self._emitter_of().pause()
        return self

    def resume(self) -> Self:
        """Give rows to listeners again, after `pause()`."""
        self._emitter_of().resume()
        return self

    def each(
        self,
        callback: Callable[[Exception | None, Any], Any],
        done: Callable[[], Any] | None = None,
    ) -> None:
        """Call `callback(None, row)` for each row. This method itself returns at once.

        If the callback returns `False`, the calls stop. The remaining rows stay in the cursor.

        Args:
            callback: called for each row, where this loop runs callbacks. If the query fails,
                `callback(error, None)` is the last call.
            done: called after the last row, or after `False`; not after an error.

        Raises:
            ReqlDriverError: the rows already go to listeners or to another `each`.
        """
        _push("pulling").Each(self, callback, done).start()

    def each_async(
        self,
        callback: Callable[..., Any],
        final: Callable[[Exception | None], Any] | None = None,
        *,
        concurrency: int = 1,
    ) -> Any:
        """Call a function for each row. The next row waits until the function has finished.

        Args:
            callback: with one parameter, it gets the row; if it returns an awaitable, this is
                awaited. With two parameters, it also gets a function, and calls that when its work
                is finished, with an error if it failed.
            final: called once at the end, with the error or None.
            concurrency: how many rows may be worked on at the same time.

        Returns:
            With `final`, None at once. Without it, a result that is there when all rows are done:
            the call blocks, or returns an awaitable, a Future or a Deferred, depending on the loop.

        Raises:
            Exception: what the callback raised, or the query's error.
            ReqlDriverError: the rows already go to listeners or to another `each`; or the cursor
                was closed: "Cursor is closed.".

        After an error, and when it is cancelled, it takes no further row. Calls that are running
        finish first.
        """
        return _push("pulling").EachAsync(self, callback, final, concurrency).outcome()

    def _emitter_of(self) -> Any:
        return _push("emitter").emitter_of(self)


class ConnectionEvents(EmitterMethods):
    """A connection as an event emitter.

    - `connect`: `reconnect()` has opened it again.
    - `timeout`: the link timed out. `error` and `close` follow.
    - `error`, with the reason: the link was lost. `close` follows.
    - `close`, with the reason or None: the connection is closed. It comes once for each time that
      it was open.
    """

    def _emitter_of(self) -> Any:
        return _push("connection_events").events_of(self)

    def _start_with(self, term: Any, handler: Any, conn: Any, options: dict[str, Any]) -> Any:
        """`term.run_with(handler, conn)` calls this, as `term.run(conn)` calls `_start`."""
        return _push("start").run_with(term, handler, conn, options)


def _push(module: str) -> Any:
    return import_module(f"rethinkdb.push.{module}")
