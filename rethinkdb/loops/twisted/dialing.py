"""Connecting under Twisted: from a host name to a wire, within a time limit."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, NoReturn, TypeVar, cast

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory

from ..transport.tls import Link
from .wire import TwistedWire

__all__ = ["dial", "limit"]

T = TypeVar("T")


async def dial(reactor: Any, host: str, port: int, timeout: float, link: Link) -> TwistedWire:
    """Make a connected wire. Await it in a coroutine that a Deferred runs.

    Raises:
        CancelledError: the Deferred was cancelled.
        TimeoutError: no address of the host has answered in time.
        OSError, ValueError: the host's name or its addresses cannot be used.
    """
    factory: Any = Factory.forProtocol(partial(TwistedWire, link, reactor))
    factory.noisy = False
    try:
        wire: Any = await _cancellable(
            HostnameEndpoint(reactor, host, port, timeout).connect(factory)
        )
    except error.TimeoutError as exc:
        raise TimeoutError from exc
    except (error.ConnectError, error.DNSLookupError) as exc:
        number = getattr(exc, "osError", None)
        raise OSError(os.strerror(number) if number else str(exc).rstrip(".")) from exc
    return cast(TwistedWire, wire)


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
