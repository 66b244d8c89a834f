"""Runs callbacks in greenlets of the connection's hub. A callback may wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gevent

from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import Runner, unawaited

from .exits import close_at_exit

__all__ = ["GeventRunner"]


class GeventRunner(Runner):
    """The callbacks of one query run one after the other. Those of other queries run meanwhile."""

    awaits = False

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        close_at_exit(self)

    def check(self) -> None:
        self.conn._check_loop()

    def soon(self, callback: Callable[[], object]) -> None:
        gevent.spawn(callback)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        then(unawaited(awaitable))

    def report(self, error: BaseException, text: str) -> None:
        gevent.get_hub().handle_error(text, type(error), error, error.__traceback__)

    def rest(self, seconds: float) -> None:
        """Let other greenlets run."""
        gevent.sleep(seconds)
