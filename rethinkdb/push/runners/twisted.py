"""Runs callbacks in a Twisted reactor."""

from __future__ import annotations

import weakref
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
    """The reactor calls the callbacks. They may return Deferreds or be coroutine functions."""

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        self._reactor: Any = conn._reactor
        self._trigger: Any = None
        self._ending = False  # the reactor stops, so nothing more needs to be registered

    def check(self) -> None:
        if self.pool is None and not self._reactor.running:
            raise ReqlDriverError("Callbacks need a running reactor.")
        self.conn._check_loop()
        if self._trigger is None and self.is_open and not self._ending:
            trigger = ("before", "shutdown", _end, weakref.ref(self))
            self._trigger = self._reactor.addSystemEventTrigger(*trigger)
            if self.pool is None:
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

    def end(self) -> Deferred[None]:
        """The reactor stops."""
        self._trigger, self._ending = None, True  # Twisted runs it now: it need not be removed
        return Deferred.fromCoroutine(self._until_ended())

    async def _until_ended(self) -> None:
        # A turn later, for the same reason as in the pool: `stopService` comes first.
        await deferLater(self._reactor, 0)
        if self.is_open:
            await self.close()
        limit = self._reactor.seconds() + LINGER
        while self.live and self._reactor.seconds() < limit:
            await deferLater(self._reactor, _POLL)


def _end(reference: weakref.ref[TwistedRunner]) -> Deferred[None] | None:
    # The reactor keeps this trigger. A strong reference would keep a pool that nobody uses.
    runner = reference()
    return None if runner is None else runner.end()


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _failed(error: BaseException) -> Waiter[Any]:
    return Waiter.failed(Cancellation() if isinstance(error, CancelledError) else error)
