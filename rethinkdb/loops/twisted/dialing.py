"""Connecting under Twisted: from a host name to a wire, within a time limit.

A host may be a name or an address. Only a name needs an endpoint of Twisted, which looks it up in a
thread and tries all its addresses. For an address that would be twice the work of connecting.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import ClientFactory, Factory
from twisted.python.failure import Failure

from ..transport.tls import Link
from .wire import TwistedWire

__all__ = ["dial", "limit"]

T = TypeVar("T")


def dial(reactor: Any, host: str, port: int, timeout: float, link: Link) -> Deferred[TwistedWire]:
    """Make a connected wire.

    Raises:
        CancelledError: the Deferred was cancelled.
        TimeoutError: no address of the host has answered in time.
        OSError, ValueError: the host's name or its addresses cannot be used.
    """
    make_wire = partial(TwistedWire, link, reactor)
    if isIPAddress(host) or isIPv6Address(host):
        return _Dialling(make_wire).to(reactor, host, port).addErrback(_explain)
    factory: Any = Factory.forProtocol(make_wire)
    factory.noisy = False
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout)
    dialled: Deferred[TwistedWire] = endpoint.connect(factory)
    return _cancellable(dialled).addErrback(_explain)


def _explain(failure: Failure) -> Failure:
    reason = failure.value
    if isinstance(reason, error.TimeoutError):
        raise TimeoutError from reason
    if isinstance(reason, (error.ConnectError, error.DNSLookupError)):
        number = getattr(reason, "osError", None)
        raise OSError(os.strerror(number) if number else str(reason).rstrip(".")) from reason
    return failure


class _Dialling(ClientFactory):
    """Connects to one address.

    Args:
        make_wire: makes the wire.
    """

    noisy = False
    _connector: Any

    def __init__(self, make_wire: Callable[[], TwistedWire]) -> None:
        self._dialled: Deferred[TwistedWire] = Deferred(self._stop)
        self._wire = make_wire()
        self._wire.made = self._dialled.callback

    def to(self, reactor: Any, host: str, port: int) -> Deferred[TwistedWire]:
        """Begin. Whoever awaits the Deferred limits the time."""
        self._connector = reactor.connectTCP(host, port, self, timeout=None)
        return self._dialled

    def _stop(self, dialled: Deferred[TwistedWire]) -> None:
        dialled.errback(CancelledError())
        self._connector.stopConnecting()

    # Called by Twisted.

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        return self._wire

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:  # noqa: N802
        if not self._dialled.called:
            self._dialled.errback(reason)


def _cancellable(deferred: Deferred[T]) -> Deferred[T]:
    """Let a Deferred fail with CancelledError when it is cancelled.

    While Twisted looks up a name, it would fail with an error that the host is unknown.
    """

    def cancel(outer: Deferred[T]) -> None:
        outer.errback(CancelledError())
        deferred.cancel()

    def deliver(result: Any) -> None:
        if not outer.called:
            outer.callback(result)

    outer: Deferred[T] = Deferred(cancel)
    deferred.addBoth(deliver)
    return outer


def limit(deferred: Deferred[T], seconds: float, reactor: Any, late: Exception) -> Deferred[T]:
    """Cancel a Deferred after `seconds`. It then fails with `late`."""

    def fail(*_: object) -> NoReturn:
        raise late

    return deferred.addTimeout(seconds, reactor, fail)
