"""Runs callbacks in a thread: one per connection or pool. Each connection has a reading thread too.

In the blocking driver, a thread reads from the link only while it waits for something (see
`rethinkdb.loops.blocking.channel`). The reading thread waits for everything that the callbacks wait
for, one after the other. While it waits for the first, it reads the answers of all.
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
    """One thread runs the callbacks of all queries of a connection or pool, one after the other.

    A pool has a second thread that starts queries. So a query that waits for a connection does not
    also wait for a slow callback.
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
            # A reading thread of its own, which ends with this connection, not with the pool.
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
        if reads and attend is not None:  # the stand-in for the connections of a resumed feed
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
        # Not a `threading.Event`, which breaks if a signal handler interrupts it.
        bed = self.conn._channel.new_bed()
        waiter.add_done_callback(bed.wake)
        register(waiter)
        limit = None if timeout is None else max(0.0, timeout)
        try:
            if self.pool is None:
                in_time = bed.sleep(limit)
            else:  # this thread may have locks of the pool, if a signal handler waits here
                in_time = self.pool._outside(bed.sleep, limit)
            if not in_time:
                raise ReqlTimeoutError
        except BaseException:
            waiter.abandon()
            raise
        return waiter.result()

    def _worker(self, task: str) -> _Worker:
        return _Worker(f"rethinkdb {task} {self.conn.host}:{self.conn.port}")


class _Worker:
    """A thread that runs one job after the other. It ends when no runner uses it any more."""

    def __init__(self, name: str) -> None:
        self.jobs: _Jobs = SimpleQueue()
        # A daemon thread, so that a feed that never ends does not keep the process running.
        self.thread = threading.Thread(target=_work, args=(self.jobs,), name=name, daemon=True)
        self.thread.start()
        # Do not end the thread at exit: it still has to run the last callbacks then.
        weakref.finalize(self, self.jobs.put, None).atexit = False

    def put(self, job: Callable[[], object]) -> None:
        self.jobs.put(job)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        try:
            job()
        except BaseException:
            logger.exception("a callback ended its turn in %s", threading.current_thread().name)
        finally:
            del job  # else it is kept alive until the next job arrives
