"""Registers listeners for a connection, for a pool, or for the whole process."""

from __future__ import annotations

from typing import Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.session import Session

from .audience import PROCESS, Audience, assemble_all
from .listener import methods_of

__all__ = ["register", "unregister"]


def register(listener: Any, target: Any = None) -> None:
    """Call a listener for each event from now on.

    It gets no events about queries that are running already.

    Args:
        listener: an object with methods such as `query_finished`, see `Listener`; or a function,
            which gets all events. If it is registered twice, it is called twice.
        target: a connection or a pool. Default: all connections and pools of this process.

    Raises:
        ReqlDriverError: `listener` is not a listener, or `target` not a connection or pool.

    Example:
        monitoring.register(print, pool)
    """
    methods_of(listener)
    if target is None:
        PROCESS.add(listener)
        Session.observer = PROCESS
        return
    audience = _checked(target)._observer
    if audience is None:
        audience = Audience(_around(target))
    audience.add(listener)
    _set(target, audience)


def unregister(listener: Any, target: Any = None) -> None:
    """Stop calling a listener. If it is not registered, nothing happens.

    Args:
        listener, target: as given to `register`.
    """
    if target is None:
        PROCESS.remove(listener)
        if not PROCESS.own:
            Session.observer = None
        return
    audience = _checked(target)._observer
    if audience is None:
        return
    audience.remove(listener)
    if not audience.own:
        _set(target, None)


def _set(target: Any, audience: Audience | None) -> None:
    target._observe(audience)
    for connection in () if isinstance(target, BaseConnection) else target._connections():
        if isinstance(connection._observer, Audience):
            connection._observer.parent = audience or PROCESS
    assemble_all()


def _around(target: Any) -> Audience:
    """The audience that also gets the events of a connection or a pool."""
    if not isinstance(target, BaseConnection) or target._pool is None:
        return PROCESS
    return target._pool._observer or PROCESS


def _checked(target: Any) -> Any:
    if hasattr(target, "_observe"):
        return target
    raise ReqlDriverError(
        f"Listeners are registered at a connection or at a pool, not at {target!r}."
    )
