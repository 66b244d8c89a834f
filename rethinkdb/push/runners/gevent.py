"""Runs callbacks in greenlets of the connection's hub. A callback may wait."""

from __future__ import annotations

import copy
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import gevent

from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import Interruptible, Runner, unawaited

from .exits import close_at_exit

__all__ = ["GeventRunner"]


class GeventRunner(Runner):
    """The callbacks of one query run one after the other. Those of other queries run meanwhile."""

    awaits = False

    _handle: Interruptible | None = None

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        close_at_exit(self)

    def check(self) -> None:
        self.conn._check_loop()

    def serving(self, handle: Interruptible) -> Runner:
        runner = copy.copy(self)
        runner._handle = handle
        return runner

    def interrupted(self, error: BaseException | None) -> None:
        if self._handle is not None:
            gevent.spawn(self._handle._interrupted, error)

    def soon(self, callback: Callable[[], object]) -> None:
        greenlet = gevent.spawn(callback)
        if self._handle is not None:
            greenlet.rawlink(self._ended)

    def _ended(self, greenlet: gevent.Greenlet[..., object]) -> None:
        """One that was killed has no error, but the `GreenletExit` as its value."""
        error = greenlet.exception or greenlet.value
        if isinstance(error, BaseException):
            self.interrupted(error)

    def _tell(self, waiter: Waiter[Any], then: Callable[[Waiter[Any]], object]) -> None:
        told: list[None] = []

        def tell(waiter: Waiter[Any]) -> None:
            then(waiter)
            told.append(None)

        def check(_: Waiter[Any]) -> None:  # called also if a signal handler has ended `tell`
            if not told:
                self.interrupted(sys.exc_info()[1])

        waiter.add_done_callback(tell)
        waiter.add_done_callback(check)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        then(unawaited(awaitable))

    def report(self, error: BaseException, text: str) -> None:
        gevent.get_hub().handle_error(text, type(error), error, error.__traceback__)

    def rest(self, seconds: float) -> None:
        """Let other greenlets run."""
        gevent.sleep(seconds)
