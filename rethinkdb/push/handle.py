"""`QueryHandle`: one running query whose results go to a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from functools import partial
from typing import Any

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlRowError
from rethinkdb.net.reception import CLOSED, chained
from rethinkdb.net.stream import Stream
from rethinkdb.net.uncopyable import Uncopyable
from rethinkdb.net.waiter import Waiter

from .course import Steps, follow
from .flow import Flow, connection_error
from .handler import FEED_METHODS, Attachment, Handler
from .rules import event_of
from .runner import Runner

__all__ = ["QueryHandle"]


class QueryHandle(Flow, Uncopyable):
    """A query that was started with a handler. `query.run_with()` returns it.

    `await handle` waits until the query has ended. It works on asyncio, Tornado, Trio and Twisted;
    `handle.wait()` works on every loop. Cancelling the wait cancels the query.

    Attributes:
        handler: the handler that gets the results. A plain callable is wrapped in a handler.
        query: the query.
        token: the number of the query on its connection.
        closed: the query has ended: the handler gets no more results.
        error: the error that ended the query early, raised by the query or by the handler; else
            None.
    """

    WHY_NO_COPIES = (
        "it stands for a query that is under way on a connection. Run the query again where a "
        "second one is needed."
    )

    def _instead_of_value(self) -> str:
        """What to write instead, for a program that has put this handle into a query."""
        return "It only stands for the query. Its results go to the handler: use them there."

    def __init__(
        self,
        runner: Runner,
        handler: Handler,
        attachment: Attachment,
        operation: Callable[[], Waiter[Any]],
        query: Any,
    ) -> None:
        super().__init__(runner.serving(self))
        self.handler = handler
        self.query = query.term if query is not None else None
        self.token: int = 0
        self.error: Exception | None = None
        self._profiled = query is not None and bool(query.options.get("profile"))
        self._profile: Any = None
        self._attachment = attachment
        self._operation = operation
        self._reply: Waiter[Any] = Waiter()
        self._opened = False
        self._failure: Exception | None = None
        self._seen = False
        self._finished = False
        self._cut = False
        self._watchers: list[Waiter[None]] = []

    @property
    def profile(self) -> Any:
        """The server's profile of the query, if it was run with `profile=True`.

        For a stream, the profile of the last batch that has arrived. None before the first reply.
        """
        if self._stream is not None and self._stream.profiles:
            return self._stream.profiles[-1]
        return self._profile

    def close(self) -> bool:
        """Stop the query on the server, drop the results that have arrived, and call `on_close`.

        `on_close` is called only if `on_open` was called. It is called before this method returns.
        In blocking programs the callback thread calls it, so it may be called later. After
        `on_close` the handler gets nothing more of this query.

        Returns:
            True if results were still to come. False if the query had ended or the handle was
            closed already; that is no error.
        """
        if not self._end():
            return False
        try:
            due: bool = self._runner.begin(self._stop).result()
            closing = partial(follow, self._runner, self._closing())
            if self._runner.is_home():
                closing()
            else:
                self._runner.soon(closing)
        except BaseException as error:
            self._runner.interrupted(error)
            raise
        return due

    def aclose(self) -> Any:
        """Close the handle, and wait until the query has ended here and on the server.

        It waits until the server has confirmed the stop, and until the last method of the handler
        has returned. If the handle is closed already, it still waits for both.

        Returns:
            The result of `close()`: on asyncio and Trio as a coroutine, on Tornado as a future, on
            Twisted as a Deferred.

        Raises:
            Exception: the same errors as `wait()`.
            ReqlDriverError: in a blocking program, a callback waits for a callback. Both need the
                same thread.
        """
        return self._runner.wait(self._close_for, Waiter(), None)

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until the query has ended and the last method of the handler has returned.

        Cancelling the wait closes the handle, unless `timeout` is given.

        Args:
            timeout: seconds to wait at most; None: no limit.

        Returns:
            None: on asyncio and Trio as a coroutine, on Tornado as a future, on Twisted as a
            Deferred.

        Raises:
            Exception: the error that a method of the handler raised. Without `on_error`, also the
                query's error.
            ReqlTimeoutError: the query has not ended within `timeout`. It keeps running.
        """
        waiter: Waiter[None] = Waiter(partial(self._unwatched, close=timeout is None))
        return self._runner.wait(self._watch, waiter, timeout)

    def __await__(self) -> Generator[Any, Any, None]:
        if not self._runner.awaits:
            raise TypeError("Nothing can be awaited here: handle.wait() waits.")
        waiting: Generator[Any, Any, None] = self.wait().__await__()
        return waiting

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        query = "noreply_wait" if self.query is None else self.query
        return f"<QueryHandle {state}: {query}>"

    # From start to end.

    def _start(self) -> None:
        vars(self.handler).setdefault("_handles", set()).add(self)
        self._runner.live.add(self)
        try:
            self._go()
        except BaseException as error:
            self._runner.interrupted(error)
            raise

    def _go(self) -> None:
        follow(self._runner, self._steps())

    def _send(self) -> Waiter[Any]:
        self._reply = self._operation()
        self.token = self._runner.session.last_token
        self._reply.add_done_callback(self._replied)
        return self._reply

    def _replied(self, reply: Waiter[Any]) -> None:
        """Keep the stream. Done at once, not in a later turn, so that `close()` finds it."""
        value = None if reply.exception() else reply.result()
        if self._profiled and type(value) is dict:
            value = value.get("value")
        if isinstance(value, Stream):
            self._stream = value

    def _steps(self) -> Steps:
        try:
            value = yield self._send
        except Exception as exc:
            error = self._to_report(exc)
            if error is None:
                return
            yield from self._failed(error)
        else:
            yield from self._results(value)
        if self._end():
            yield from self._notified("on_close")
            self._finish()

    def _to_report(self, error: Exception) -> Exception | None:
        """The error to report. None: the query will be sent again, and `_steps` begins anew."""
        return error

    def _results(self, value: Any) -> Steps:
        if self._profiled:
            value, self._profile = value["value"], value["profile"]
        yield from self._open()
        if isinstance(value, Stream):
            error = yield from self._rows(value)
            if error is not None:
                yield from self._failed(error)
        elif self._operation_waits:
            yield from self._told("on_wait_complete")
        elif type(value) is not list:
            yield from self._told("on_atom", value)
        elif self._attachment.whole_arrays:
            yield from self._told("on_array", value)
        else:
            for element in value:
                yield from self._told("on_stream_val", element)

    @property
    def _operation_waits(self) -> bool:
        return self.query is None

    def _open(self) -> Steps:
        if not self.closed:
            self._opened = True
            yield from self._told("on_open")

    def _failed(self, error: Exception) -> Steps:
        if self.closed:
            return
        lost = connection_error(error, self.query)
        if lost is None and not self._opened:
            yield from self._open()
        if not self.closed:
            self.error = lost or error
            yield from self._told("on_error", self.error)

    def _closing(self) -> Steps:
        if self._opened:
            yield from self._notified("on_close")
        self._finish()

    # Calling the handler.

    def _told(self, name: str, *values: Any) -> Steps:
        """Call a method of the handler, unless the handle is closed."""
        if not self.closed:
            yield from self._notified(name, *values)

    def _notified(self, name: str, *values: Any) -> Steps:
        result = self._call(name, values, values[0] if values else None)
        if result is not None:
            yield from self._awaited(result)

    def _deliver(self, row: Any, is_feed: bool) -> Awaitable[Any] | None:
        if not is_feed:
            return self._call("on_stream_val", (row,), row)
        event, values = event_of(row, self._attachment.rules)
        return self._call(FEED_METHODS[event], values, row)

    def _misfit(self, error: ReqlRowError) -> Awaitable[Any] | None:
        return self._call("on_error", (error,), error)

    def _call(self, name: str, values: tuple[Any, ...], row: Any) -> Awaitable[Any] | None:
        invoke = self._attachment.methods.get(name)
        if invoke is None or self.handler.stopped:
            return None
        return self._guarded(invoke, self, row, values)

    def _crashed(self, error: Exception) -> None:
        self.error = self._failure = error
        self.handler.stop()  # this also ends this query, unless it was already closing
        self._finish()
        if not self._seen:
            self._runner.soon(self._report)

    def _report(self) -> None:
        if not self._seen and self._failure is not None:
            self._runner.report(self._failure, f"a handler failed, and nobody waits for {self!r}")

    # The end.

    def _close_for(self, waiter: Waiter[bool]) -> None:
        follow(self._runner, self._until_stopped(waiter, self.close()))

    def _until_stopped(self, waiter: Waiter[bool], due: bool) -> Steps:
        with suppress(ReqlDriverError):  # the connection has ended, and with it the query
            yield self._stopped_there
        finished: Waiter[None] = Waiter()
        self._watch(finished)
        try:
            yield finished
        except Exception as exc:
            waiter.set_exception(exc)
        else:
            waiter.set_result(due)

    def _stopped_there(self) -> Waiter[None]:
        """Wait until the query no longer runs on the server."""
        stopped = None if self._stream is None else self._stream.stopped()
        return stopped or self._runner.session.stopped(self.token)

    def _quit(self) -> None:
        if self._end():
            self._runner.begin(self._stop)
        self._finish()

    def _stop(self) -> Waiter[bool]:
        if self._stream is not None:
            return self._stop_stream()
        due = not self._reply.done()
        self._reply.abandon()
        return Waiter.succeeded(due)

    def _finish(self) -> None:
        self._runner.live.discard(self)
        if isinstance(self.handler._handles, set):
            self.handler._handles.discard(self)
        with self._ending:
            self._finished = True
        self._release()

    def _release(self) -> None:
        for watcher in list(self._watchers):
            # In a later turn: a method that closes its own query has not returned yet.
            self._runner.soon(partial(self._settle, watcher))

    def _settle(self, watcher: Waiter[None]) -> None:
        if self._failure is None:
            watcher.set_result(None)
        else:
            watcher.set_exception(self._failure)
        with self._ending:  # only now: if a signal handler has ended this, it is done again
            if watcher in self._watchers:
                self._watchers.remove(watcher)

    def _interrupted(self, error: BaseException | None) -> None:
        """What was to go on with this query has ended with an error: a signal handler's, perhaps.

        Nobody knows which step was the last. So the query ends, as if its connection was lost.
        """
        if self._finished:
            self._release()
        elif not self._cut:
            self._cut = True
            cause = ConnectionAbortedError(f"Its query was interrupted: {error!r}")
            loss = chained(ReqlConnectionLostError(CLOSED), chained(cause, error))
            follow(self._runner, self._cut_short(loss))

    def _cut_short(self, error: Exception) -> Steps:
        with suppress(ReqlDriverError):  # the connection has ended, and with it the query
            self._runner.begin(self._stop)
        yield from self._failed(error)
        if self._end():
            yield from self._notified("on_close")
        self._finish()

    def _watch(self, watcher: Waiter[None]) -> None:
        self._seen = True
        with self._ending:
            if not self._finished:
                self._watchers.append(watcher)
                return
        self._settle(watcher)

    def _unwatched(self, watcher: Waiter[None], close: bool) -> None:
        with self._ending:
            if watcher in self._watchers:
                self._watchers.remove(watcher)
        if close:
            self.close()
