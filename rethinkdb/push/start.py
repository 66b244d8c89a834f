"""`query.run_with()`: checks its arguments, then sends the query or gives it to a pool."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.repl import Repl

from .handle import QueryHandle
from .handler import Attachment, Handler, attach, from_callable
from .pooled import PooledHandle
from .runner import Runner, runner_of, runner_of_pool

__all__ = ["noreply_wait_with", "run_with"]


def run_with(term: Any, handler: Any, conn: Any, options: dict[str, Any]) -> QueryHandle:
    """Start a query whose results go to a handler. `RqlQuery.run_with` documents it."""
    handler, conn = _sorted(handler, conn)
    if options.get("noreply"):
        raise ReqlDriverError("`noreply` leaves nothing for a handler: use query.run().")
    if options.get("as_cursor"):
        raise ReqlDriverError("`as_cursor` is for query.run(): a handler tells arrays by methods.")
    if isinstance(conn, BaseConnection):
        conn = conn._place_for(options)
    handler, attachment, runner = _prepared(handler, conn)
    if "on_state" in attachment.methods:
        options.setdefault("include_states", True)
    handle = _handle_on(conn, runner, handler, attachment, term, options)
    handle._start()
    return handle


def noreply_wait_with(handler: Any, conn: Any) -> QueryHandle:
    """Wait until the server has done all `noreply` queries; then call `on_wait_complete`.

    The call itself returns at once. The two arguments may be given in either order.

    Args:
        handler: a handler, a handler class, or a callable.
        conn: the connection. It cannot be a pool: see `pool.connection()`.

    Returns:
        The handle: `await handle` or `handle.wait()` waits for the end.

    Raises:
        ReqlDriverError: the connection is closed, its loop is not running, or a method of the
            handler cannot be called with the values of its event.
    """
    handler, conn = _sorted(handler, conn)
    if not isinstance(conn, BaseConnection):
        raise ReqlDriverError(
            "noreply_wait_with() takes a connection, as it waits for the queries of one: see "
            "pool.connection()."
        )
    handler, attachment, runner = _prepared(handler, conn)
    handle = QueryHandle(runner, handler, attachment, runner.session.noreply_wait, None)
    handle._start()
    return handle


def _sorted(handler: Any, conn: Any) -> tuple[Any, Any]:
    """The handler and the connection (or pool), in this order.

    Users may give them in either order, since drivers for other languages differ in this.
    """
    if _runs(handler) and not _runs(conn):
        handler, conn = conn, handler
    if _runs(handler):
        raise ReqlDriverError("run_with() takes one connection, and a handler or a callable.")
    if handler is None:
        raise ReqlDriverError("run_with() needs a handler or a callable.")
    if conn is None:
        conn = Repl.get()
    if conn is None:
        raise ReqlDriverError("run_with() needs a connection, or a default one: conn.repl().")
    if not _runs(conn):
        raise ReqlDriverError(
            f"run_with() takes one handler, and a connection; got {type(conn).__name__}."
        )
    return handler, conn


def _runs(given: Any) -> bool:
    """Whether `given` is a connection or a pool."""
    return hasattr(given, "_start_with")


def _prepared(given: Any, conn: Any) -> tuple[Handler, Attachment, Runner]:
    if isinstance(conn, BaseConnection):
        conn.check_open()
    handler = _handler(given)
    if handler.stopped:
        raise ReqlDriverError("The handler was stopped: it takes no more queries.")
    attachment = attach(handler)
    runner = runner_of(conn) if isinstance(conn, BaseConnection) else runner_of_pool(conn)
    for method in (given, *attachment.own):
        runner.accept(method)
    return handler, attachment, runner


def _handle_on(
    conn: Any,
    runner: Runner,
    handler: Handler,
    attachment: Attachment,
    term: Any,
    options: dict[str, Any],
) -> QueryHandle:
    """Make the handle: for a connection, or one that first waits for a connection of a pool."""
    if not isinstance(conn, BaseConnection):
        allowance, idempotent = conn._allowance(options), bool(options.get("idempotent"))
        if options.get("resume") is not None:
            feed, stand_in = conn._new_feed(term, options, allowance)
            runner = runner.on(stand_in)
            return QueryHandle(runner, handler, attachment, feed.open, feed.query)
        query = runner.conn._query(term, options)
        return PooledHandle(runner, handler, attachment, query, allowance, idempotent)
    query = conn._query(term, options)
    start = partial(runner.session.start, query)
    return QueryHandle(runner, handler, attachment, start, query)


def _handler(given: Any) -> Handler:
    if isinstance(given, Handler):
        return given
    if inspect.isclass(given) and issubclass(given, Handler):
        return given()
    if callable(given):
        function: Callable[..., Any] = given
        return from_callable(function)
    raise ReqlDriverError(f"Expected a handler or a callable, got {type(given).__name__}.")
