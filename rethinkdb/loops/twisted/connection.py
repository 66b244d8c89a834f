"""Connections for Twisted: methods return Deferreds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail, maybeDeferred

from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.net.session import ServerInfo, Session
from rethinkdb.net.waiter import Waiter

from ..transport.places import AwaitingReach
from ..transport.tls import open_link
from ..transport.wired import WiredConnection
from .cursor import TwistedCursor
from .dialing import dial, limit
from .reactor import OnReactor
from .results import TwistedResults
from .wire import TwistedWire

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "TwistedCursor"]


class Connection(TwistedResults, OnReactor, AwaitingReach, WiredConnection[TwistedWire]):
    """A connection whose methods return Deferreds.

    `async with conn:` and `with conn:` close it at the end, without `noreply_wait`. Only
    `async with` waits until the socket is closed.

    Args:
        reactor: the reactor to use; default: the installed one.
        start_reactor: True runs the reactor if it is not running. `connect()` then returns when the
            reactor has stopped: the program stops it, or connecting fails.
    """

    __module__ = "rethinkdb.loops.twisted"  # where programs find it

    LOOP_API = 1
    LOOP_OPTIONS = ("reactor", "start_reactor")
    cursor_type = TwistedCursor

    if TYPE_CHECKING:

        def noreply_wait(self) -> Deferred[None]: ...
        def server(self) -> Deferred[ServerInfo]: ...

    @classmethod
    def make(cls, *args: Any, **kwargs: Any) -> Deferred[Self]:
        return maybeDeferred(super().make, *args, **kwargs)

    def connect(self) -> Deferred[Self]:
        connecting = Deferred.fromCoroutine(self._connect(self.connect_timeout))
        if self._start_reactor and not self._reactor.running:
            connecting.addErrback(self._stop_reactor)
            self._reactor.run()
        return connecting

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Deferred[Self]:
        return Deferred.fromCoroutine(self._reconnected(noreply_wait, timeout))

    def close(self, noreply_wait: bool = True) -> Deferred[None]:
        self._close_called()
        self._leave_to_parent()
        wire = self._wire
        closing: Deferred[None] = self._call(self._session.close, noreply_wait)
        return closing if wire is None else closing.addCallback(lambda _: wire.closed())

    def _start(self, term: Any, **options: Any) -> Deferred[Any]:
        try:
            if options and (place := self._place_for(options)) is not self:
                elsewhere: Deferred[Any] = place.run(term, **options)
                return elsewhere
            opening = self._ask_own_check()
        except Exception:
            return fail()
        if opening is not None:
            return Deferred.fromCoroutine(self._run_after(opening, term, options))
        return self._call(self._started, term, options)

    if not TYPE_CHECKING:  # `TwistedResults` has its types
        run = _start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close(noreply_wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close(noreply_wait=False)

    async def _reach(self, timeout: float) -> None:
        if not self._reactor.running:
            running: Deferred[None] = Deferred()
            self._reactor.callWhenRunning(running.callback, None)
            await running
        self._check_loop()
        with self._connecting() as session:
            link = open_link(session, self.options)
            opening: Deferred[Any] = dial(self._reactor, self.host, self.port, timeout, link)
            opening.addCallback(self._log_in, session)
            await limit(opening, timeout, self._reactor, ReqlTimeoutError(self.host, self.port))

    def _log_in(self, wire: TwistedWire, session: Session) -> Deferred[Any]:
        self._wire = wire
        return self._call(lambda: session.opened)

    def _call(
        self, operation: Callable[..., Waiter[Any]], *args: Any, timeout: float | None = None
    ) -> Deferred[Any]:
        try:
            waiter = self._begin(operation, args)
        except Exception:
            return fail()
        return self._deferred_of(waiter, timeout)

    def _deferred_of(self, waiter: Waiter[Any], timeout: float | None = None) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred(lambda _: self._abandon(waiter))
        if timeout is not None and not waiter.done():
            limit(deferred, timeout, self._reactor, ReqlTimeoutError())
        waiter.add_done_callback(lambda _: self._deliver(waiter, deferred))
        return deferred

    def _deliver(self, waiter: Waiter[Any], deferred: Deferred[Any]) -> None:
        if deferred.called:  # by the caller
            self._abandon(waiter)
            return
        try:
            deferred.callback(self._outcome(waiter))
        except Exception:
            deferred.errback()
