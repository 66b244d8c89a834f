"""Scenarios: deadlines, keepalive and other time limits."""

from __future__ import annotations

import os
import re
import socket
import stat
from contextlib import suppress
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlTimeoutError,
)
from rethinkdb.ql2 import QueryType

from ..proxy import Fault
from .trial import PATIENCE, SOON, Scenario, Skip, Trial

_NEVER = 3600.0

# Long enough for any machine to answer.
_CALM = 1.0

_KERNEL_OPTIONS = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4))


def _late(trial: Trial, seconds: float, query: str) -> str:
    """The message of the error for a missed deadline, as a regular expression."""
    return rf"^No answer from 127\.0\.0\.1:{trial.proxy.port} within {seconds:g} s to {query}"


async def a_deadline(trial: Trial) -> None:
    """A query that is not answered in time fails. The error names the query and the time. The query
    is stopped on the server, its late answer is dropped, and the connection still works."""
    conn = await trial.connect()
    trial.proxy.hold()
    text = _late(trial, SOON, r"r\.db\('conformance_\w+'\)\.table\('heroes'\)\.count\(\)$")
    query = trial.table.count()
    await trial.fails(ReqlTimeoutError, text, trial.run, query, conn, deadline=SOON)
    assert conn.is_open()
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    trial.proxy.release()
    await trial.nothing_leaked(conn)


async def a_deadline_that_is_met(trial: Trial) -> None:
    """A deadline limits only the first answer. It is not sent to the server, which would refuse
    the option."""
    conn = await trial.connect()
    assert await trial.run(r.expr(1), conn, deadline=PATIENCE) == 1
    items = await trial.run(r.expr([1, 2]), conn, deadline=PATIENCE, as_cursor=True)
    assert [await trial.do(items.next) for _ in range(2)] == [1, 2]
    feed = await trial.run(trial.table.changes(), conn, deadline=1)
    await trial.driver.sleep(1.1)
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(feed.close)
    assert not trial.proxy.sent(QueryType.STOP)[1:]
    await trial.nothing_leaked(conn)


async def a_deadline_of_the_connection(trial: Trial) -> None:
    """`connect(deadline=...)` sets a default. The run option replaces it, and None removes it."""
    conn = await trial.connect(deadline=SOON)
    trial.proxy.hold()
    text = _late(trial, SOON, "1$")
    await trial.fails(ReqlTimeoutError, text, trial.run, r.expr(1), conn)

    async def release() -> None:
        await trial.driver.sleep(3 * SOON)
        trial.proxy.release()

    answers = await trial.driver.gather(
        partial(trial.run, r.expr(2), conn, deadline=None),
        partial(trial.run, r.expr(3), conn, deadline=PATIENCE),
        release,
    )
    assert answers[:2] == [2, 3]


async def a_deadline_of_the_connection_itself(trial: Trial) -> None:
    """The default deadline also limits `server()` and `noreply_wait()`. Nothing is stopped."""
    conn = await trial.connect(deadline=SOON)
    for call in (conn.server, conn.noreply_wait):
        trial.proxy.hold()
        text = _late(trial, SOON, rf"{call.__name__}\(\)$")
        await trial.fails(ReqlTimeoutError, text, trial.do, call)
        trial.proxy.release()
    assert await trial.run(r.expr(1), conn, deadline=None) == 1  # after the late answers
    assert not trial.proxy.sent(QueryType.STOP)
    assert not conn._session.tokens_in_use


async def deadlines_of_many(trial: Trial) -> None:
    """Each query has its own deadline. A deadline that passes affects no other query."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def release() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.STOP)) == 2)
        trial.proxy.release()

    outcomes = await trial.driver.gather(
        partial(trial.run, r.expr("for ever"), conn),
        partial(trial.run, r.expr("long"), conn, deadline=_NEVER),
        partial(trial.run, r.expr("short"), conn, deadline=2 * SOON),
        partial(trial.run, r.expr("shorter"), conn, deadline=SOON),
        release,
    )
    assert outcomes[:2] == ["for ever", "long"]
    for outcome, text in zip(outcomes[2:4], ("within 0.06 s to 'short'", "0.03"), strict=True):
        assert type(outcome) is ReqlTimeoutError, outcome
        assert text in str(outcome)
    await trial.nothing_leaked(conn)


async def a_deadline_of_a_long_query(trial: Trial) -> None:
    """The error shows only the beginning of a long query."""
    conn = await trial.connect()
    trial.proxy.hold()
    query = r.expr(["x" * 50] * 1000)
    error = await trial.fails(ReqlTimeoutError, r"\.\.\.$", trial.run, query, conn, deadline=SOON)
    assert len(str(error)) < 250


async def a_deadline_while_the_transport_is_full(trial: Trial) -> None:
    """A deadline counts from `run()`, even if the query could not be sent yet."""
    conn = await trial.connect()
    trial.proxy.fault = Fault("stall", at="query")
    sent = len(trial.proxy.queries)
    await trial.run(r.expr(1), conn, noreply=True)
    await trial.until(lambda: len(trial.proxy.queries) > sent)
    long = r.expr("x" * 20_000_000)
    text = _late(trial, SOON, "'xxx")
    await trial.fails(ReqlTimeoutError, text, trial.run, long, conn, deadline=SOON)
    assert conn.is_open()
    trial.proxy.cut()


async def a_deadline_with_a_handler(trial: Trial) -> None:
    """The handler gets the error of a missed deadline."""
    conn = await trial.connect()
    trial.proxy.hold()
    told: list[Any] = []

    def handler(error: Exception | None, row: Any) -> None:
        told.append(error)

    try:
        handle = r.expr(1).run_with(handler, conn, deadline=SOON)
    except ReqlDriverError as exc:
        if "has no `push_runner`" not in str(exc):
            raise
        raise Skip("this loop calls no handlers") from exc
    await trial.until(lambda: told)
    assert type(told[0]) is ReqlTimeoutError
    assert "within 0.03 s to 1" in str(told[0])
    await trial.until(lambda: handle.closed)
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    trial.proxy.release()
    await trial.usable(conn)


async def deadlines_that_are_none(trial: Trial) -> None:
    """The error for an invalid deadline names the option, and nothing is sent."""
    conn = await trial.connect()
    wrong: Any
    for wrong in (0, -1, True, float("nan"), "2", []):
        text = "^`deadline` must be a number of seconds above 0, or None, not "
        await trial.fails(ReqlDriverError, text, trial.run, r.expr(1), conn, deadline=wrong)
        await trial.fails(ReqlDriverError, text, trial.open, deadline=wrong)
    assert not trial.proxy.sent(QueryType.START)


async def a_silent_server_is_given_up(trial: Trial) -> None:
    """With `connect(keepalive=...)`, a silent server is first asked for an answer. If none comes,
    all waiters get an error."""
    conn = await trial.connect(keepalive=SOON)
    feed = await trial.run(trial.table.changes(), conn)
    trial.proxy.hold()
    query, change = await trial.driver.gather(
        partial(trial.run, r.expr(1), conn), partial(trial.do, feed.next)
    )
    silence = rf"no sign of life from 127\.0\.0\.1:{trial.proxy.port} for [\d.]+ s"
    for error, kind in ((query, ReqlConnectionLostError), (change, ReqlCursorLostError)):
        assert type(error) is kind, error
        assert re.search(silence, str(error)), error
    assert len(trial.proxy.sent(QueryType.SERVER_INFO)) == 1
    await trial.unusable(conn)
    await trial.until(lambda: not trial.proxy.clients)
    trial.proxy.release()
    assert await trial.do(conn.reconnect) is conn
    await trial.usable(conn)


async def a_silent_server_that_does_not_read(trial: Trial) -> None:
    """Keepalive also gives up a link on which bytes cannot be sent."""
    conn = await trial.connect(keepalive=SOON)
    trial.proxy.fault = Fault("stall", at="query")
    long = partial(trial.run, r.expr("x" * 20_000_000), conn)
    await trial.fails(ReqlConnectionLostError, "no sign of life", long)
    await trial.unusable(conn)
    trial.proxy.cut()


async def a_server_that_shows_signs_of_life(trial: Trial) -> None:
    """A server that answers keepalive may take long for a query. It is asked only while a waiter
    waits."""
    conn = await trial.connect(keepalive=_CALM)
    feed = await trial.run(trial.table.changes(), conn)

    async def change() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.SERVER_INFO)) >= 2)
        trial.insert({"id": 1})

    item = await trial.beside(change, partial(trial.do, feed.next))
    assert item["new_val"] == {"id": 1}
    await trial.usable(conn)


async def without_keepalive_nobody_asks(trial: Trial) -> None:
    """Keepalive is off by default, because not every server answers such a question."""
    conn = await trial.connect()
    assert await trial.run(r.expr(1), conn) == 1
    assert not conn._session.clock_wanted
    assert not trial.proxy.sent(QueryType.SERVER_INFO)


async def the_system_notices_dead_peers(trial: Trial) -> None:
    """The TCP keepalive of the system is set to a minute, instead of two hours."""
    names = [name for name, _ in _KERNEL_OPTIONS if hasattr(socket, name)]
    if len(names) < len(_KERNEL_OPTIONS) or not os.path.isdir("/dev/fd"):
        raise Skip("this system does not tell")
    conn = await trial.connect()
    (sock,) = sockets_at(conn.client_port())
    with sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        found = [
            (name, sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))) for name in names
        ]
        assert found == list(_KERNEL_OPTIONS)


def sockets_at(port: int) -> list[socket.socket]:
    """Copies of this process's TCP sockets with this local port."""
    found = []
    # Listed before the first is copied, as a copy may get a number that the list still has.
    for descriptor in open_sockets():
        with suppress(OSError):  # another thread has closed it meanwhile
            sock = socket.socket(fileno=os.dup(descriptor))
            if sock.family == socket.AF_INET and sock.getsockname()[1] == port:
                found.append(sock)
            else:
                sock.close()
    return found


def open_sockets() -> list[int]:
    """The descriptors of the sockets of this process. Empty if the system does not tell."""
    if not os.path.isdir("/dev/fd"):
        return []
    return [number for number in map(int, os.listdir("/dev/fd")) if _is_socket(number)]


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # closed meanwhile, as the one for this list
        return False


SCENARIOS: tuple[Scenario, ...] = (
    a_deadline,
    a_deadline_that_is_met,
    a_deadline_of_the_connection,
    a_deadline_of_the_connection_itself,
    deadlines_of_many,
    a_deadline_of_a_long_query,
    a_deadline_while_the_transport_is_full,
    a_deadline_with_a_handler,
    deadlines_that_are_none,
    a_silent_server_is_given_up,
    a_silent_server_that_does_not_read,
    a_server_that_shows_signs_of_life,
    without_keepalive_nobody_asks,
    the_system_notices_dead_peers,
)
