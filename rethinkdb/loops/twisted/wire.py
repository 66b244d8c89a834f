"""Connects a Twisted transport with the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import error
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from ..transport.alarm import Alarm
from ..transport.sockets import keep_alive, unacknowledged
from ..transport.tls import Link, deliver
from .sending import Producer, buffered, send

__all__ = ["TwistedWire"]

_LINGER = 1.0  # seconds that closing waits for a peer that does not read the rest of the bytes


class TwistedWire(Protocol):
    """Moves bytes between a Twisted transport and the core.

    Args:
        link: the session, or TLS around it.
        reactor: the reactor, for its clock and timers.
    """

    transport: Any = None

    def __init__(self, link: Link, reactor: Any) -> None:
        #: Called with this wire when it is connected. Not set: `bool`, which does nothing.
        self.made: Callable[[TwistedWire], object] = bool
        self._link = link
        self._outflow = link.outflow
        self._producer = Producer(link.outflow)
        self._reactor = reactor
        self._abort: Any = None
        self._within: Any = None  # flushes if `deliver` takes longer than this turn of the reactor
        self._alarm = Alarm(link, reactor.seconds, self._later, self.flush, self._cut, self._unsent)
        self._over = self._receiving = False
        self._watchers: list[Deferred[None]] = []

    # Called by Twisted.

    def connectionMade(self) -> None:  # noqa: N802
        self.transport.setTcpNoDelay(True)
        keep_alive(self.transport.getHandle())
        self.transport.registerProducer(self._producer, True)
        self._producer.tell()
        self.flush(at_once=True)
        self.made(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._receiving = True
        try:
            deliver(self._link, data)
        finally:
            self._receiving = False
            if self._within is not None:
                self._within.cancel()
                self._within = None
            self.flush(at_once=True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self._over = True
        self._alarm.stop()
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        cause: Any = reason.value
        self._link.receive_eof(None if isinstance(cause, error.ConnectionDone) else cause)
        for watcher in self._watchers:
            watcher.callback(None)

    # Called by the connection.

    def flush(self, at_once: bool = False) -> None:
        """Send the core's bytes; close the transport if the core asks for that.

        Twisted sends in the reactor's next turn. Queries that are started before go out together.
        To send now saves a turn: for a lone query, and for those started while `deliver` runs. With
        64 in flight, that saves a fifth of the calls that a query takes.
        """
        link = self._link
        idle = not (at_once or link.output or link.output_pending)
        if idle or self._over or self._abort is not None:
            return
        at_once = at_once or link.in_flight == 1
        if self._receiving and not at_once and not link.close_requested:
            if self._within is None:  # a caller may run the reactor before it returns
                self._within = self._reactor.callLater(0, self._flush_within)
            return
        if link.clock_wanted:
            self._alarm.set()
        if data := link.data_to_send():
            send(self.transport, data, at_once)
            if self._outflow.waiting:
                self._producer.tell()
        if link.close_requested and self._abort is None:  # a callback may have closed it
            self.transport.unregisterProducer()  # otherwise it would wait for the producer
            self._abort = self._reactor.callLater(_LINGER, self.transport.abortConnection)
            self.transport.loseConnection()

    def _flush_within(self) -> None:
        self._receiving, self._within = False, None
        self.flush()

    def _cut(self) -> None:
        self.transport.abortConnection()

    def _unsent(self) -> int:
        return buffered(self.transport) + unacknowledged(self.transport.getHandle())

    def _later(self, seconds: float, callback: Callable[[], None]) -> Any:
        return self._reactor.callLater(seconds, callback).cancel

    def closed(self) -> Deferred[None]:
        """A Deferred that fires when the transport is closed, so that tests can wait for it."""
        if self._over:
            return succeed(None)
        self._watchers.append(Deferred())
        return self._watchers[-1]

    def leave(self) -> None:
        """In a forked child: stop using the transport, as it belongs to the parent."""
        self._over = True

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""
        if self._over or self._abort is not None:
            return None
        here = self.transport.getHost()
        return here.host, here.port
