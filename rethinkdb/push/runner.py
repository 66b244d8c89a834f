"""What runs the callbacks: the seam between push-style results and a loop.

Everything else in this package is written once. A `Runner` belongs to one session of a connection,
and knows four things of its loop: how to call something in a later turn, how to run what an
asynchronous function returned, whom to tell of an error that nobody takes, and when the loop ends.

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
    "Live",
    "Runner",
    "await_in_task",
    "logger",
    "runner_of",
    "runner_of_pool",
    "unawaited",
]

logger = logging.getLogger("rethinkdb.push")

#: Seconds that a loop which ends waits for the last callbacks.
LINGER = 1.0

# By the module of a connection's class. Adapters from elsewhere have a class attribute
# `push_runner` of the same form.
_RUNNERS = {
    "rethinkdb.loops.blocking": "rethinkdb.push.runners.blocking:BlockingRunner",
    "rethinkdb.loops.asyncio": "rethinkdb.push.runners.asyncio:AsyncioRunner",
    "rethinkdb.loops.tornado": "rethinkdb.push.runners.asyncio:AsyncioRunner",
    "rethinkdb.loops.twisted": "rethinkdb.push.runners.twisted:TwistedRunner",
    "rethinkdb.loops.trio": "rethinkdb.push.runners.trio:TrioRunner",
    "rethinkdb.loops.gevent": "rethinkdb.push.runners.gevent:GeventRunner",
}


class Live(Protocol):
    """Something that calls back, and has not ended yet."""


class Runner(ABC):
    """One loop, as callbacks see it.

    Args:
        conn: an open connection of that loop; for a pool one that is never opened.
        pool: the pool that it belongs to.

    Attributes:
        live: what still calls back over this session; for a pool, over any.
    """

    #: Whether callbacks may be asynchronous.
    awaits: ClassVar[bool] = True

    def __init__(self, conn: Any, pool: Any = None) -> None:
        self.conn = conn
        self.session = conn._session
        self.pool = pool
        self.live: set[Live] = set()

    # For each loop to supply.

    @abstractmethod
    def soon(self, callback: Callable[[], object]) -> None:
        """Call back in a later turn; from wherever the core settles waiters."""

    def start_soon(self, start: Callable[[], object]) -> None:
        """Start a query in a later turn. A callback that takes its time does not delay it."""
        self.soon(start)

    @abstractmethod
    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        """Run what an asynchronous function returned; then give its outcome.

        The waiter fails with `Cancellation` if it is cancelled.
        """

    def check(self) -> None:  # noqa: B027  # where a loop always runs there is nothing to check
        """Raise unless the loop runs, and this is it.

        Raises:
            ReqlDriverError: it does not.
        """

    def accept(self, function: Callable[..., Any]) -> None:
        """Refuse an asynchronous callback where nothing is awaited.

        Raises:
            ReqlDriverError: it is one.
        """
        if not self.awaits and is_async(function):
            name = getattr(function, "__qualname__", None) or repr(function)
            raise ReqlDriverError(f"{name} is asynchronous, but nothing is awaited here.")

    def report(self, error: BaseException, text: str) -> None:
        """Tell of an error that nobody waits for: to the loop's exception handler, or a logger."""
        logger.error(text, exc_info=error)

    def stay(self) -> Callable[[], object]:
        """Something waits for the pool. If the loop ends first, close the pool, so that it is told.

        Returns:
            what to call when the wait is over.
        """
        return _nothing  # most loops tell of their end anyway

    # The end of the loop.

    @property
    def is_open(self) -> bool:
        """Whether what it belongs to is open, connection or pool."""
        if self.pool is not None:
            return bool(self.pool.is_open())
        # Connected anew, it has another session, and another runner.
        return self.session.is_open and bool(self.conn.is_open())

    def close(self) -> Any:
        """Close what it belongs to, as the loop ends: as this loop gives results."""
        if self.pool is None:
            return self.conn.close(noreply_wait=False)
        return self.pool.close(0.0)

    # The connections of a pool.

    def on(self, conn: Any) -> Runner:
        """This runner, a pool's, for one of the pool's connections.

        Returns:
            the same one as long as the connection has the same session.
        """
        runner: Runner | None = vars(conn).get("_runner")
        if runner is None or runner.session is not conn._session:
            runner = copy.copy(self)
            runner.conn, runner.session = conn, conn._session
            vars(conn)["_runner"] = runner
        return runner

    # For loops with threads to replace.

    def begin(self, operation: Callable[[], Waiter[Any]], reads: bool = True) -> Waiter[Any]:
        """Run an operation of the core, send what it wants sent, and wait for nothing.

        Args:
            operation: what to run.
            reads: the server settles its waiter, so somebody must read.
        """
        waiter: Waiter[Any] = self.conn._begin(operation, ())
        return waiter

    def perform(
        self,
        operation: Callable[[], Waiter[Any]],
        then: Callable[[Waiter[Any]], object],
        reads: bool = True,
    ) -> None:
        """Run an operation of the core, and call `then` with its waiter once that is settled."""

        def watched() -> Waiter[Any]:
            waiter = operation()
            waiter.add_done_callback(then)  # here, where nobody else uses the core
            return waiter

        try:
            self.begin(watched, reads)
        except ReqlDriverError as exc:
            then(Waiter.failed(exc))

    def rest(self, seconds: float) -> None:
        """Let others run, when the process ends."""
        time.sleep(seconds)

    def is_home(self) -> bool:
        """Whether callbacks may be called right here."""
        return True

    def wait(
        self,
        register: Callable[[Waiter[Any]], object],
        waiter: Waiter[Any],
        timeout: float | None,
    ) -> Any:
        """Hand the waiter to `register`, and give this loop's kind of result of it."""
        register(waiter)
        return self.conn._call(lambda: waiter, timeout=timeout)


async def await_in_task(awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
    """What `Runner.run` needs where tasks belong to a group: an error must not cancel the others.

    Being cancelled is passed on to the group, after `then` was told.
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
    """The outcome of what is awaited nowhere, as on loops whose callers get values."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()  # Python would warn that nobody did
    return Waiter.failed(
        ReqlDriverError("A callback returned something to await, but nothing is awaited here.")
    )


def runner_of(conn: Any) -> Runner:
    """The runner of an open connection.

    Raises:
        ReqlDriverError: it is closed, its loop does not run, or it has no runner.
    """
    if not isinstance(conn, BaseConnection):
        raise ReqlDriverError(f"Expected an open connection, got {type(conn).__name__}.")
    pool = vars(conn).get("_pool")
    if pool is not None:
        return runner_of_pool(pool).on(conn)
    runner = vars(conn).get("_runner")
    if runner is None or runner.session is not conn._session:
        runner = _runner_type(type(conn))(conn)
        runner.check()
        vars(conn)["_runner"] = runner
    else:
        runner.check()
    return runner


def runner_of_pool(pool: Any) -> Runner:
    """The runner of a pool, made when first asked for.

    Raises:
        ReqlDriverError: its loop does not run.
    """
    if pool._runner is None:
        try:
            conn = pool._stand_in()
        except RuntimeError as exc:
            raise ReqlDriverError("Callbacks need a running event loop.") from exc
        runner = _runner_type(type(conn))(conn, pool)
        runner.check()
        pool._runner = runner
    found: Runner = pool._runner
    found.check()
    return found


def _nothing() -> None:
    """There is nothing to do."""


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
