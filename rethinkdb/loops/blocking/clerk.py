"""`Clerk`: a thread that makes a pool's decisions for the main thread, and watches the time.

Python runs signal handlers in the main thread, at any call. If a handler raises an error, the code
that was running stops halfway. So the main thread makes no decisions of a pool. It puts them into
an inbox as functions. That is one call of a function written in C: a handler may come before or
after it, but not in the middle.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from ..transport.watching import logger
from .flag import Flag
from .starting import start_thread

__all__ = ["Clerk", "nothing"]

T = TypeVar("T")

# The longest wait of a thread, in seconds, that all platforms accept.
_LONGEST = 1_000_000.0


class Clerk:
    """Serves one pool. Its thread starts when it is needed, and ends with the pool.

    Args:
        pool: the pool. The clerk does not keep it alive.

    Attributes:
        inbox: what there is to do, oldest first.
    """

    def __init__(self, pool: Any) -> None:
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self._wake_at: float | None = None
        self._pool = weakref.ref(pool, self.inbox.put)
        # Usually one. There may be two for a while, which does no harm. No lock guards this and the
        # time: a signal handler could wait for the clerk while its own thread has the lock.
        self._threads: set[int] = set()

    def call(self, job: Callable[[], T]) -> T:
        """Have the clerk call `job`; wait for its result."""
        done = Flag()
        outcomes: list[tuple[Any, BaseException | None]] = []

        def served() -> None:
            try:
                outcomes.append((job(), None))
            except BaseException as error:
                outcomes.append((None, error))
            finally:
                done.set()

        self.inbox.put(served)
        self.wait_for(done)
        value, error = outcomes[0]
        if error is not None:
            raise error
        result: T = value
        return result

    def do(self, job: Callable[[], object]) -> None:
        """Have the clerk call `job`; do not wait for it."""
        self.inbox.put(job)
        self._ensure_thread()

    def wait_for(self, flag: Flag) -> None:
        """Wait until a flag is set, by a job in the inbox or by another thread."""
        if self._ensure_thread() and threading.get_ident() not in self._threads:
            flag.wait()
            return
        while not flag.is_set():  # this is the clerk's own thread, or there can be no thread
            self._serve_next()

    def wake(self, seconds: float | None) -> None:
        """Call the pool's `_tick` after `seconds`; None: do not."""
        self._wake_at = None if seconds is None else monotonic() + seconds
        self.inbox.put(nothing)
        if seconds is not None:
            self._ensure_thread()

    def _ensure_thread(self) -> bool:
        """Start the thread if it is not running. Returns False if the process is ending.

        What the thread is to do is in the inbox before this is called.
        """
        if sys.is_finalizing():
            return False
        return bool(self._threads) or start_thread(self._work)

    def _work(self) -> None:
        me = threading.get_ident()
        self._threads.add(me)
        self.inbox.put(nothing)  # perhaps another thread has done the work for which this one came
        while self._serve_next() or not self._leave(me):
            pass

    def _leave(self, me: int) -> bool:
        self._threads.discard(me)
        if not self.inbox.empty():  # whoever has put this in may have seen this thread running
            self._threads.add(me)
            return False
        if self._threads:  # the other one has to look, too
            self.inbox.put(nothing)
        return True

    def _serve_next(self) -> bool:
        """Wait for the next job and do it. Returns whether more may come."""
        try:
            seconds = self._seconds()
            job = self.inbox.get(timeout=seconds) if seconds else self.inbox.get_nowait()
        except Empty:
            job = nothing
        pool = self._pool()
        if pool is None:
            return False
        try:
            pool._serve(job)
            if self._is_time():
                pool._tick()
        except Exception:
            logger.exception("a pool could not do its work")
        return not pool._is_over()

    def _is_time(self) -> bool:
        """Whether the time of `wake` has come. It returns True once."""
        wake_at = self._wake_at
        if wake_at is None or wake_at > monotonic():
            return False
        if self._wake_at is wake_at:  # otherwise `wake` has set another time, and the inbox says so
            self._wake_at = None
            return True
        return False

    def _seconds(self) -> float:
        """The longest wait for the next job, in seconds."""
        wake_at = self._wake_at
        return _LONGEST if wake_at is None else min(_LONGEST, max(0.0, wake_at - monotonic()))


def nothing() -> None:
    """A job that does nothing. After it the clerk checks the time."""
