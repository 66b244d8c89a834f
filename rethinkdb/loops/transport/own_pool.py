"""The pool of a connection to several hosts: it runs feeds with `resume`.

A connection is one link and ends with it. A feed with `resume` is to go on at another host. So such
feeds get connections of their own, to the same hosts and as the same user. These are closed when
the feeds have ended, and when the program closes the connection.
"""

from __future__ import annotations

import weakref
from functools import partial
from importlib import import_module
from typing import Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.session import Session
from rethinkdb.net.waiter import Waiter

__all__ = ["own_pool"]

# Seconds after which a connection that no feed uses is closed.
_IDLE = 1.0

# Seconds to wait after the connection was closed: it may be reconnected.
_UNTIL_RECONNECTED = 0.1

Reference = weakref.ref[BaseConnection]


def own_pool(connection: BaseConnection) -> Any:
    """The pool of a connection. It is made on the first call.

    Raises:
        ReqlDriverError: the connection is closed, or its loop has no pools.
    """
    if not connection.is_open():
        raise ReqlDriverError("Connection is closed.")
    pool = connection._own_pool
    if pool is None or pool.closed:
        pool = connection._own_pool = _new_pool(connection)
        watch = partial(_watch, pool, weakref.ref(connection))
        connection._watched_by = watch
        watch(connection._session)
    return pool


def _new_pool(connection: BaseConnection) -> Any:
    home = type(connection).__module__
    kind = getattr(import_module(home), "ConnectionPool", None)
    if kind is None:
        raise ReqlDriverError(f"`resume` needs a pool, and {home} offers none.")
    options = connection.options
    loop_options = {
        name: getattr(connection, f"_{name}")
        for name in connection.LOOP_OPTIONS
        if name != "start_reactor" and getattr(connection, f"_{name}", None) is not None
    }
    return kind(
        hosts=list(options.hosts),
        db=connection.db,
        user=options.user,
        password=options.password,
        timeout=options.timeout,
        ssl=options.tls and options.tls.argument,
        deadline=options.deadline,
        converters=options.converters,
        json_encoder=options.json_encoder,
        json_decoder=options.json_decoder,
        slow_query=options.slow_query,
        log_values=options.log_values,
        min_size=0,
        max_idle=_IDLE,
        **loop_options,
    )


def _watch(pool: Any, connection: Reference, session: Session) -> None:
    session.closed.add_done_callback(partial(_closed, pool, connection, session))


def _closed(pool: Any, connection: Reference, session: Session, _: Waiter[None]) -> None:
    """A session has ended. If this side closed it and does not reconnect, end the feeds too."""
    was_open = session.opened.exception() is None
    if was_open and session.cause is None:
        pool._later(_UNTIL_RECONNECTED, partial(_end, pool, connection))


def _end(pool: Any, connection: Reference) -> None:
    held = connection()
    if held is None or held._session.closed.done():
        pool._spawn(pool._close, 0.0)
