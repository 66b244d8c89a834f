"""`Runner`: runs callbacks on a loop. It is the only part of this package that depends on the loop.

A `Runner` belongs to one session of a connection. It knows four things about its loop: how to call
something in a later turn, how to run what an asynchronous function returned, where to report an
error that nobody handles, and when the loop ends.

A pool has one runner for all of its connections; see `Runner.on`.
"""

from __future__ import annotations

import copy
import inspect
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, ClassVar, Protocol

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.waiter import Waiter

from .course import Cancellation
from .methods import is_async

__all__ = [
    "LINGER",
    "Interruptible",
    "Live",
    "Runner",
    "await_in_task",
    "logger",
    "runner_of",
    "runner_of_pool",
    "unawaited",
]

logger = logging.getLogger("rethinkdb.push")

#: Seconds that a loop waits for the last callbacks when it ends.
LINGER = 1.0

# The runner for each module of a connection class. A loop of a third party has no entry here: its
# connection class has a class attribute `push_runner` of the same form.
_RUNNERS = {
    "rethinkdb.loops.blocking": "rethinkdb.push.runners.blocking:BlockingRunner",
    "rethinkdb.loops.asyncio": "rethinkdb.push.runners.asyncio:AsyncioRunner",
    "rethinkdb.loops.tornado": "rethinkdb.push.runners.asyncio:AsyncioRunner",
    "rethinkdb.loops.twisted": "rethinkdb.push.runners.twisted:TwistedRunner",
    "rethinkdb.loops.trio": "rethinkdb.push.runners.trio:TrioRunner",
    "rethinkdb.loops.gevent": "rethinkdb.push.runners.gevent:GeventRunner",
}


class Live(Protocol):
    """Something that calls callbacks and has not ended yet."""


class Interruptible(Protocol):
    """A query handle, as a runner sees it."""

    def _interrupted(self, error: BaseException | None) -> None: ...


class Runner(ABC):
    """Runs callbacks on one loop.

    Args:
        conn: an open connection of that loop. A pool gives a stand-in that is never opened.
        pool: the pool that this runner belongs to, if any.

    Attributes:
        live: everything on this session that still calls callbacks: query handles, cursors with
            listeners, and `each` loops. For a pool: on all of its sessions.
    """

    #: Whether callbacks may be asynchronous.
    awaits: ClassVar[bool] = True

    def __init__(self, conn: Any, pool: Any = None) -> None:
        self.conn = conn
        self.session = conn._session
        self.pool = pool
        self.live: set[Live] = set()

    # Each loop implements these.

    @abstractmethod
    def soon(self, callback: Callable[[], object]) -> None:
        """Call `callback` in a later turn. May be called wherever the core settles waiters."""

    def start_soon(self, start: Callable[[], object]) -> None:
        """Start a query in a later turn. A slow callback does not delay it."""
        self.soon(start)

    @abstractmethod
    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        """Run what an asynchronous function returned, then call `then` with the outcome.

        If it was cancelled, the waiter fails with `Cancellation`.
        """

    def serving(self, handle: Interruptible) -> Runner:
        """The runner for one query: on loops where a signal handler may end what runs its steps.

        Such a runner then tells the handle.
        """
        return self

    def interrupted(self, error: BaseException | None) -> None:  # noqa: B027  # for `serving`
        """Something that was to go on with the query of this runner has ended with an error."""

    def check(self) -> None:  # noqa: B027  # nothing to check if there is no loop to run
        """Check that the loop is running and that this code runs in it.

        Raises:
            ReqlDriverError: the loop is not running, or another loop is.
        """

    def accept(self, function: Callable[..., Any]) -> None:
        """Check that this loop can run a callback.

        Raises:
            ReqlDriverError: the callback is asynchronous, and this loop awaits nothing.
        """
        if not self.awaits and is_async(function):
            name = getattr(function, "__qualname__", None) or repr(function)
            raise ReqlDriverError(f"{name} is asynchronous, but nothing is awaited here.")

    def report(self, error: BaseException, text: str) -> None:
        """Report an error that nobody waits for to the loop's exception handler or a logger."""
        logger.error(text, exc_info=error)

    def stay(self) -> Callable[[], object]:
        """A query waits for the pool. If the loop ends first, close the pool to end the wait.

        Returns:
            The function to call when the wait is over.
        """
        return _nothing  # on most loops the end is noticed anyway

    # The end of the loop.

    @property
    def is_open(self) -> bool:
        """Whether the connection or pool of this runner is open."""
        if self.pool is not None:
            return bool(self.pool.is_open())
        # After a reconnect the connection has another session, and another runner.
        return self.session.is_open and bool(self.conn.is_open())

    def close(self) -> Any:
        """Close the connection or pool, since the loop ends. The result is what `close()` gives."""
        if self.pool is None:
            return self.conn.close(noreply_wait=False)
        return self.pool.close(0.0)

    # The connections of a pool.

    def on(self, conn: Any) -> Runner:
        """The runner for one connection of the pool. `self` is the pool's runner.

        Returns:
            A copy of `self` for that connection: always the same one until the connection has
            another session.
        """

        def make() -> Runner:
            runner = copy.copy(self)
            runner.conn, runner.session = conn, conn._session
            return runner

        return _kept_on(conn._session, make)

    # Loops with threads override these.

    def begin(self, operation: Callable[[], Waiter[Any]], reads: bool = True) -> Waiter[Any]:
        """Run an operation of the core and send the bytes that it produces. Does not wait.

        Args:
            operation: the operation.
            reads: the server's answer settles the waiter, so somebody must read from the link.

        Returns:
            The waiter of the operation.
        """
        waiter: Waiter[Any] = self.conn._begin(operation, ())
        return waiter

    def _tell(self, waiter: Waiter[Any], then: Callable[[Waiter[Any]], object]) -> None:
        """Have `then` called with a waiter when it is settled."""
        waiter.add_done_callback(then)

    def perform(
        self,
        operation: Callable[[], Waiter[Any]],
        then: Callable[[Waiter[Any]], object],
        reads: bool = True,
    ) -> None:
        """Run an operation of the core, and call `then` with its waiter when that is settled."""

        def watched() -> Waiter[Any]:
            waiter = operation()
            self._tell(waiter, then)  # here, since nobody else can use the core now
            return waiter

        try:
            self.begin(watched, reads)
        except ReqlDriverError as exc:
            then(Waiter.failed(exc))

    def rest(self, seconds: float) -> None:
        """Let other threads or greenlets run, while the process ends."""
        time.sleep(seconds)

    def is_home(self) -> bool:
        """Whether callbacks may be called here: on most loops always, else in their thread."""
        return True

    def wait(
        self,
        register: Callable[[Waiter[Any]], object],
        waiter: Waiter[Any],
        timeout: float | None,
    ) -> Any:
        """Call `register` with the waiter, then wait for it in this loop's way.

        Returns:
            The waiter's value; on loops that await, an awaitable of it.
        """
        register(waiter)
        return self.conn._call(lambda: waiter, timeout=timeout)


async def await_in_task(awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
    """Await something in a task of a group (a nursery), and call `then` with the outcome.

    An error goes to `then` only, since it would cancel the other tasks of the group. If the task is
    cancelled, `then` gets a `Cancellation`, and the loop's own exception propagates to the group.
    """
    try:
        value = await awaitable
    except Exception as exc:
        then(Waiter.failed(exc))
    except BaseException:
        then(Waiter.failed(Cancellation()))
        raise
    else:
        then(Waiter.succeeded(value))


def unawaited(awaitable: Awaitable[Any]) -> Waiter[Any]:
    """The outcome of an awaitable on a loop that awaits nothing: a waiter that has failed."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()  # else Python warns that it was never awaited
    return Waiter.failed(
        ReqlDriverError("A callback returned something to await, but nothing is awaited here.")
    )


def runner_of(conn: Any) -> Runner:
    """The runner of an open connection.

    Raises:
        ReqlDriverError: the connection is closed, its loop is not running, or its class names no
            runner.
    """
    if not isinstance(conn, BaseConnection):
        raise ReqlDriverError(f"Expected an open connection, got {type(conn).__name__}.")
    pool = conn._pool
    if pool is not None:
        return runner_of_pool(pool).on(conn)
    runner = _kept_on(conn._session, lambda: _checked(_runner_type(type(conn))(conn)))
    return _checked(runner)


def runner_of_pool(pool: Any) -> Runner:
    """The runner of a pool. The first call makes it.

    Raises:
        ReqlDriverError: the loop of the pool is not running.
    """

    def make() -> Runner:
        try:
            conn = pool._stand_in()
        except RuntimeError as exc:
            raise ReqlDriverError("Callbacks need a running event loop.") from exc
        return _checked(_runner_type(type(conn))(conn, pool))

    return _checked(_kept_on(pool, make))


def _kept_on(owner: Any, make: Callable[[], Runner]) -> Runner:
    """The one runner of a session or a pool.

    Two threads may make one at the same time. Both then get the one that was kept first, as all
    callbacks of a session are to run in one thread.
    """
    found: Runner | None = owner._runner
    if found is None:
        made = make()
        if owner._runner is None:  # one step with the next line, see `rethinkdb.net.steps`
            owner._runner = made
        found = owner._runner
    return found


def _checked(runner: Runner) -> Runner:
    runner.check()
    return runner


def _nothing() -> None:
    """Does nothing."""


def _runner_type(connection_type: type[BaseConnection]) -> type[Runner]:
    for base in connection_type.__mro__:
        place = vars(base).get("push_runner") or _RUNNERS.get(base.__module__)
        if place:
            module, _, name = place.partition(":")
            found: type[Runner] = getattr(import_module(module), name)
            return found
    raise ReqlDriverError(
        f"{connection_type.__name__} does not say what runs callbacks: it has no `push_runner`."
    )
