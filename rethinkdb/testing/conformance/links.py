"""Scenarios: connecting, closing, reconnecting, and using a connection in the wrong place."""

from __future__ import annotations

import inspect
import os
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlTimeoutError,
)
from rethinkdb.ql2 import QueryType

from ..proxy import Fault
from .driver import complete
from .trial import SMALL_BATCHES, Scenario, Skip, Trial, is_awaited

CLOSED = r"^Connection is closed\.$"


async def wrong_password(trial: Trial) -> None:
    """The error says that the password is wrong, and names host and port."""
    text = f"Could not connect to 127.0.0.1:{trial.proxy.port}, Wrong password"
    await trial.fails(ReqlAuthError, text, trial.open, password="wrong")


async def nobody_listens(trial: Trial) -> None:
    """Connecting fails at once. The error names host and port."""
    port = trial.proxy.port
    trial.proxy.stop()
    text = rf"Could not connect to 127\.0\.0\.1:{port}\. Error: "
    exc = await trial.fails(ReqlDriverError, text, trial.open)
    assert isinstance(exc.__cause__, OSError)


async def bad_options(trial: Trial) -> None:
    """Bad options are refused before anything is opened."""
    await trial.fails(ReqlDriverError, "Could not convert port", trial.open, port="abc")
    await trial.fails(ReqlDriverError, "no option `tiemout`", trial.open, tiemout=1)
    assert not trial.proxy.clients


async def closing(trial: Trial) -> None:
    """`close()` waits for noreply queries, and `close(noreply_wait=False)` does not. Both may be
    called again. Afterwards every operation fails."""
    for noreply_wait in (True, False):
        conn = await trial.connect()
        waits = len(trial.proxy.sent(QueryType.NOREPLY_WAIT))
        assert await trial.do(conn.close, noreply_wait=noreply_wait) is None
        assert len(trial.proxy.sent(QueryType.NOREPLY_WAIT)) == waits + noreply_wait
        await trial.do(conn.close)
        exc = await trial.fails(ReqlDriverError, CLOSED, trial.run, r.expr(1), conn)
        assert not isinstance(exc, ReqlConnectionLostError)  # nothing was under way
        await trial.fails(ReqlDriverError, CLOSED, conn.noreply_wait)
        await trial.fails(ReqlDriverError, CLOSED, conn.server)
        await trial.fails(ReqlDriverError, CLOSED, conn.check_open)
        await trial.until(lambda: not trial.proxy.clients)


async def closing_ends_what_is_pending(trial: Trial) -> None:
    """Pending queries and waits fail. Cursors first give the rows that have arrived."""
    conn = await trial.connect()
    cursor = await trial.run(r.range(), conn, **SMALL_BATCHES)
    feed = await trial.run(trial.table.changes(), conn)
    trial.proxy.hold()
    started = len(trial.proxy.sent(QueryType.START))

    def both_wait() -> bool:
        return len(trial.proxy.sent(QueryType.START)) > started and is_awaited(feed)

    async def close() -> None:
        await trial.until(both_wait)
        await trial.do(conn.close, noreply_wait=False)

    query = partial(trial.run, r.expr(1), conn)
    answer, change = await trial.all_beside(close, query, partial(trial.do, feed.next))
    address = f"{trial.proxy.host}:{trial.proxy.port}"
    text = f"Connection is closed. This side closed the link to {address}."
    assert type(answer) is ReqlConnectionLostError
    assert str(answer) == text
    assert type(change) is ReqlCursorLostError
    for _ in range(len(cursor.items)):
        await trial.do(cursor.next)
    for _ in range(2):
        exc = await trial.fails(ReqlCursorLostError, r"^Connection is closed in:\n", cursor.next)
        assert str(exc).endswith(f"\n{text}"), exc
    await trial.do(cursor.close)


async def a_fault_of_the_core(trial: Trial) -> None:
    """If the core raises while it reads, the link is lost with this error as the cause. Everything
    pending fails, and nothing else in the loop is harmed."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)
    session = conn._session

    def fail(*data: bytes) -> None:
        del session.receive_data, session.proceed  # it can still end
        session.incoming.clear()
        raise RuntimeError("a fault")

    def leave(data: bytes) -> bool:
        session.incoming.append(data)
        return False

    async def strike() -> None:
        await trial.until(lambda: is_awaited(feed))
        session.receive_data = session.proceed = fail
        session.receive_usual = leave
        trial.insert({"id": 1})

    change = await trial.beside(strike, partial(trial.do, feed.next))
    assert type(change) is ReqlCursorLostError, change
    assert isinstance(change.__cause__, RuntimeError)
    await trial.unusable(conn)
    await trial.until(lambda: not trial.proxy.clients)
    await trial.usable(await trial.connect())


async def context_managers(trial: Trial) -> None:
    """Leaving the block of a connection closes it without `noreply_wait`. Leaving the block of a
    cursor closes the cursor. Loops with awaitable results use `async with`; some allow `with`."""
    awaited = hasattr(trial.connection_type.cursor_type, "__anext__")
    ways = [entered_async] if awaited else []
    if hasattr(trial.connection_type, "__enter__") or not awaited:
        ways.append(entered)
    for count, enter in enumerate(ways, 1):
        conn = await trial.connect()
        async with enter(conn) as same:
            assert same is conn
            async with enter(await trial.run(r.range(), conn, **SMALL_BATCHES)) as cursor:
                assert await trial.do(cursor.next) == 0
            await trial.until(partial(_stopped, trial, count))
            await trial.usable(conn)
        assert not conn.is_open()
        assert not trial.proxy.sent(QueryType.NOREPLY_WAIT)
        await trial.until(lambda: not trial.proxy.clients)


async def a_connection_not_awaited(trial: Trial) -> None:
    """If the result of `connect()` is used without `await`, the error says so."""
    opening = trial.open()
    if not inspect.isawaitable(opening):
        await trial.do(opening.close)  # a connection: nothing can be forgotten
        return
    await trial.fails(ReqlDriverError, "has not been awaited", r.expr(1).run, opening)
    await trial.do((await opening).close)


async def entering_what_connect_returns(trial: Trial) -> None:
    """`async with r.connect()` works, if `connect()` returns a coroutine."""
    opening = trial.open()
    if not hasattr(opening, "__aenter__"):
        await trial.do((await trial.do(lambda: opening)).close)
        raise Skip("connect() does not return a coroutine here")
    async with opening as conn:
        await trial.usable(conn)
    assert not conn.is_open()
    await trial.until(lambda: not trial.proxy.clients)


def _stopped(trial: Trial, count: int) -> bool:
    return len(trial.proxy.sent(QueryType.STOP)) == count


@asynccontextmanager
async def entered_async(thing: Any) -> AsyncIterator[Any]:
    """`async with`."""
    async with thing as same:
        yield same


@asynccontextmanager
async def entered(thing: Any) -> AsyncIterator[Any]:
    """`with`."""
    with thing as same:
        yield same


async def never_connected(trial: Trial) -> None:
    """A connection object that never connected behaves as a closed one."""
    conn = trial.connection_type(trial.proxy.host, trial.proxy.port, **trial.driver.options())
    assert not conn.is_open()
    assert conn.client_port() is None
    await trial.fails(ReqlDriverError, CLOSED, trial.run, r.expr(1), conn)
    await trial.fails(ReqlDriverError, CLOSED, conn.server)
    await trial.do(conn.close)
    assert await trial.do(conn.reconnect) is conn
    await trial.usable(conn)
    await trial.do(conn.close)


async def closing_when_the_server_does_not_read(trial: Trial) -> None:
    """If bytes cannot be sent, neither cancelling nor closing waits for them."""
    conn = await trial.connect()
    trial.proxy.fault = Fault("stall", at="query")
    sent = len(trial.proxy.queries)
    query = partial(trial.run, r.expr("x" * 20_000_000), conn)
    first = partial(trial.run, r.expr(1), conn, noreply=True)
    await first()
    await trial.until(lambda: len(trial.proxy.queries) > sent)
    await trial.driver.cancel(query, when=lambda: conn._session.tokens_in_use > 0)
    await trial.do(conn.close, noreply_wait=False)
    assert not conn.is_open()


async def reconnecting(trial: Trial) -> None:
    """Open, closed and lost connections can be reconnected."""
    conn = await trial.connect()
    conn.use("rethinkdb")
    assert await trial.do(conn.reconnect) is conn
    assert trial.proxy.sent(QueryType.NOREPLY_WAIT)
    await trial.do(conn.close)
    assert await trial.do(conn.reconnect, noreply_wait=False) is conn
    trial.proxy.cut()
    assert await trial.do(conn.reconnect, timeout=20) is conn
    assert await trial.run(r.table("users").count(), conn) >= 1
    await trial.until(lambda: trial.proxy.clients == 1)


async def a_server_that_restarts(trial: Trial) -> None:
    """Everything pending fails with the same cause. When the server is back, reconnecting works."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)

    async def restart() -> None:
        await trial.until(lambda: is_awaited(feed))
        trial.proxy.stop()

    change = await trial.beside(restart, partial(trial.do, feed.next))
    assert type(change) is ReqlCursorLostError
    assert change.__cause__ is not None
    await trial.unusable(conn)
    await trial.fails(ReqlDriverError, "Could not connect to", conn.reconnect)
    assert not conn.is_open()
    trial.proxy.start()
    assert await trial.do(conn.reconnect) is conn
    await trial.usable(conn)


async def cancelling_connect(trial: Trial) -> None:
    """Cancelling `connect()` closes the socket that it opened."""
    trial.proxy.hold()
    await trial.driver.cancel(partial(trial.do, trial.open), when=lambda: bool(trial.proxy.held))
    await trial.until(lambda: not trial.proxy.clients)


async def tls(trial: Trial) -> None:
    """A TLS connection works as a plain one, and refuses a server with a wrong certificate."""
    authority = _certificates(trial)
    conn = await trial.connect(host="localhost", ssl={"ca_certs": authority})
    assert conn.ssl == {"ca_certs": authority}
    text = "x" * 300_000
    assert await trial.run(r.expr(text), conn) == text
    feed = await trial.run(trial.table.changes(), conn)
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(conn.close)
    await trial.fails(
        ReqlDriverError, "certificate was refused", trial.open, host="localhost", ssl=True
    )
    await trial.until(lambda: not trial.proxy.clients)


def _certificates(trial: Trial) -> str:
    """Make the proxy speak TLS. Returns the file of the authority that signed its certificate."""
    import ssl

    try:
        import trustme
    except ImportError as exc:
        raise Skip("needs trustme, to make certificates") from exc
    authority = trustme.CA()
    path = os.path.join(trial.directory, "ca.pem")
    authority.cert_pem.write_to_path(path)
    trial.proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(trial.proxy.tls)
    return path


async def another_thread(trial: Trial) -> None:
    """A connection that threads may not share raises a clear error in another thread."""
    conn = await trial.connect()
    outcomes: list[Any] = []

    def use() -> None:
        try:
            outcomes.append(trial.driver.run(partial(trial.do, conn.server)))
        except Exception as exc:
            outcomes.append(exc)

    thread = threading.Thread(target=use)
    thread.start()
    await trial.until(lambda: outcomes)
    thread.join()
    if trial.driver.shared:
        assert "id" in outcomes[0]
    else:
        assert type(outcomes[0]) is ReqlDriverError, outcomes
        assert "cannot be used here" in str(outcomes[0])
    await trial.usable(conn)


async def after_fork(trial: Trial) -> None:
    """In a forked child, a connection raises a clear error. The parent can still use it."""
    if not hasattr(os, "fork"):
        raise Skip("this system has no fork")
    conn = await trial.connect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the child of a threaded process does next to nothing
        child = os.fork()
    if child == 0:
        os._exit(_said_in_child(trial, conn))
    assert os.waitpid(child, 0)[1] == 0, "the child was not told that it is one"
    await trial.usable(conn)


def _said_in_child(trial: Trial, conn: Any) -> int:
    with suppress(BaseException):
        for method in (conn.server, partial(r.expr(1).run, conn)):
            try:
                complete(trial.do(method))
            except ReqlDriverError as exc:
                if f"was made in process {os.getppid()}" not in str(exc):
                    return 1
            else:
                return 1
        with suppress(AssertionError):  # it may wait
            complete(trial.do(conn.close))  # and must not say goodbye to the server
        return 2 if conn.is_open() else 0
    return 3


async def connect_time_limit(trial: Trial) -> None:
    """One time limit covers all steps of connecting."""
    trial.proxy.hold()
    text = f"Could not connect to 127.0.0.1:{trial.proxy.port}, Operation timed out"
    await trial.fails(ReqlTimeoutError, text, trial.open, timeout=0.2)
    await trial.until(lambda: not trial.proxy.clients)


SCENARIOS: tuple[Scenario, ...] = (
    wrong_password,
    nobody_listens,
    bad_options,
    closing,
    closing_ends_what_is_pending,
    a_fault_of_the_core,
    context_managers,
    a_connection_not_awaited,
    entering_what_connect_returns,
    never_connected,
    closing_when_the_server_does_not_read,
    reconnecting,
    a_server_that_restarts,
    cancelling_connect,
    connect_time_limit,
    tls,
    another_thread,
    after_fork,
)
