"""Callbacks in one thread per connection or pool. For each connection another thread reads.

No thread of the blocking driver reads unless it waits for something (see
`rethinkdb.loops.blocking.channel`). Here one waits, in turn, for whatever the callbacks wait for:
while it waits for the first, it reads the answers of all.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, cast

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import Runner, logger, unawaited

from .exits import close_at_exit

__all__ = ["BlockingRunner"]

_Jobs = SimpleQueue[Callable[[], object] | None]


class BlockingRunner(Runner):
    """Callbacks of all queries of a connection, or pool, run in one thread, one after the other.

    A pool starts queries in another one: those that wait for it must not wait for callbacks, too.
    """

    awaits = False

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        self._callbacks = self._worker("callbacks")
        if pool is not None:
            self._starting = self._worker("starting")  # queries that had to wait for a connection
        else:
            self._reading = self._worker("reading")
        close_at_exit(self)

    def on(self, conn: Any) -> Runner:
        runner = cast("BlockingRunner", super().on(conn))
        if "_reading" not in vars(runner):
            # Its own: the thread ends with this connection, not with the pool.
            runner._reading = runner._worker("reading")
        return runner

    def soon(self, callback: Callable[[], object]) -> None:
        self._callbacks.put(callback)

    def start_soon(self, start: Callable[[], object]) -> None:
        self._starting.put(start)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        then(unawaited(awaitable))

    def begin(self, operation: Callable[[], Waiter[Any]], reads: bool = True) -> Waiter[Any]:
        begun: list[Waiter[Any]] = []

        def only_begin() -> Waiter[None]:
            begun.append(operation())
            return Waiter.succeeded(None)

        self.conn._call(only_begin)
        (waiter,) = begun
        attend = getattr(self.conn, "_attend", None)
        if reads and attend is not None:  # what stands for a feed's connections
            self._reading.put(partial(attend, waiter))
            return waiter
        channel = self.conn._channel
        if reads and channel is not None and not waiter.done():
            self._reading.put(partial(channel.call, lambda: waiter, (), None))
        return waiter

    def is_home(self) -> bool:
        return threading.current_thread() is self._callbacks.thread

    def wait(
        self,
        register: Callable[[Waiter[Any]], object],
        waiter: Waiter[Any],
        timeout: float | None,
    ) -> Any:
        if self.is_home():
            raise ReqlDriverError("A callback cannot wait for another one: they share a thread.")
        settled = threading.Event()
        waiter.add_done_callback(lambda _: settled.set())
        register(waiter)
        try:
            if not settled.wait(timeout):
                raise ReqlTimeoutError
        except BaseException:
            waiter.abandon()
            raise
        return waiter.result()

    def _worker(self, task: str) -> _Worker:
        worker = _Worker(f"rethinkdb {task} {self.conn.host}:{self.conn.port}")
        # Not at exit: the last callbacks are still to come then.
        weakref.finalize(self, worker.jobs.put, None).atexit = False
        return worker


class _Worker:
    """A thread that does one thing after the other, until it is given None."""

    def __init__(self, name: str) -> None:
        self.jobs: _Jobs = SimpleQueue()
        # A daemon: a feed that never ends must not keep the process from ending.
        self.thread = threading.Thread(target=_work, args=(self.jobs,), name=name, daemon=True)
        self.thread.start()

    def put(self, job: Callable[[], object]) -> None:
        self.jobs.put(job)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        try:
            job()
        except BaseException:
            logger.exception("a callback ended its turn in %s", threading.current_thread().name)
        finally:
            del job  # or it would be held until the next one comes
