"""Callbacks in a Twisted reactor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.course import Cancellation
from rethinkdb.push.runner import LINGER, Runner

__all__ = ["TwistedRunner"]

_POLL = 0.001

_log = Logger("rethinkdb.push")


class TwistedRunner(Runner):
    """Callbacks are called by the reactor; they may return Deferreds, or be coroutine functions."""

    def __init__(self, conn: Any) -> None:
        super().__init__(conn)
        self._reactor: Any = conn._reactor
        self._trigger: Any = None

    def check(self) -> None:
        if not self._reactor.running:
            raise ReqlDriverError("Callbacks need a running reactor.")
        self.conn._check_loop()
        if self._trigger is None and self.session.is_open:
            trigger = ("before", "shutdown", self._end)
            self._trigger = self._reactor.addSystemEventTrigger(*trigger)
            self.session.closed.add_done_callback(lambda _: self._forget_end())

    def soon(self, callback: Callable[[], object]) -> None:
        self._reactor.callLater(0, callback)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        deferred = Deferred.fromCoroutine(_awaited(awaitable))
        deferred.addCallbacks(
            lambda value: then(Waiter.succeeded(value)),
            lambda failure: then(_failed(failure.value)),
        )

    def report(self, error: BaseException, text: str) -> None:
        failure: Any = Failure
        _log.failure("{text}", failure(error), text=text)

    def _forget_end(self) -> None:
        trigger, self._trigger = self._trigger, None
        if trigger is not None:
            self._reactor.removeSystemEventTrigger(trigger)

    def _end(self) -> Deferred[None]:
        self._trigger = None  # as it is being pulled
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if self.session.is_open:
            await self.conn.close(noreply_wait=False)
        limit = self._reactor.seconds() + LINGER
        while self.live and self._reactor.seconds() < limit:
            await deferLater(self._reactor, _POLL)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _failed(error: BaseException) -> Waiter[Any]:
    return Waiter.failed(Cancellation() if isinstance(error, CancelledError) else error)
