"""Scenarios: many tasks use a connection, while some of them close or reconnect it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import iscoroutinefunction
from itertools import count
from types import MethodType
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError

from ..proxy import Fault
from .driver import Operation, complete
from .trial import SOON, Scenario, Trial

CALLERS = 12
ROUNDS = 4

PAUSE = 0.01
"""Seconds before a query is tried again. Without a pause, the callers would block the loop, which
has to connect."""

CLOSED = r"^Connection is closed"
NOT_YET = r"^Connection is not open yet"


async def many_reconnect_at_once(trial: Trial) -> None:
    """Concurrent calls of `reconnect()` share one reconnect, and all return the connection."""
    conn = await trial.connect()
    for lost in (True, False):
        if lost:
            trial.proxy.cut()
        accepted = trial.proxy.accepted
        trial.proxy.hold()
        outcomes = await trial.driver.gather(
            *[partial(trial.do, conn.reconnect, noreply_wait=False)] * CALLERS,
            partial(_release, trial, conn, CALLERS - 1),
        )
        assert outcomes == [*[conn] * CALLERS, None]
        assert trial.proxy.accepted == accepted + 1
        await trial.usable(conn)
    await trial.until(lambda: trial.proxy.clients == 1)


async def reconnecting_one_after_the_other(trial: Trial) -> None:
    """A call after a reconnect has ended begins a new one."""
    conn = await trial.connect()
    for accepted in (2, 3):
        await trial.do(conn.reconnect)
        assert trial.proxy.accepted == accepted
    await trial.usable(conn)


async def a_reconnect_of_many_fails(trial: Trial) -> None:
    """Each caller gets the error, and may try again."""
    conn = await trial.connect()
    trial.proxy.hold()
    trial.proxy.fault = Fault("cut", at="proof")

    async def cut() -> None:
        await trial.until(lambda: _joined(conn) == CALLERS - 1)
        trial.proxy.release()

    reconnect = partial(trial.do, conn.reconnect, noreply_wait=False)
    for outcome in await trial.all_beside(cut, *[reconnect] * CALLERS):
        assert type(outcome) is ReqlDriverError, outcome
        assert f"Could not connect to 127.0.0.1:{trial.proxy.port}" in str(outcome)
    assert not conn.is_open()
    trial.proxy.fault = None
    assert await reconnect() is conn
    await trial.usable(conn)


async def who_reconnects_for_others_is_cancelled(trial: Trial) -> None:
    """If the caller that reconnects is cancelled, another caller continues instead."""
    conn = await trial.connect()
    trial.proxy.hold()
    outcomes: list[Any] = []

    async def join() -> None:
        await trial.until(lambda: trial.proxy.held)
        outcomes.append(await trial.do(conn.reconnect, noreply_wait=False))

    async def cancel() -> None:
        reconnect = partial(trial.do, conn.reconnect, noreply_wait=False)
        await trial.driver.cancel(reconnect, when=lambda: _joined(conn) == CALLERS)
        trial.proxy.release()

    await _beside(trial, cancel, *[join] * CALLERS)
    assert outcomes == [conn] * CALLERS
    await trial.usable(conn)


async def who_joins_a_reconnect_is_cancelled(trial: Trial) -> None:
    """If a caller that joined a reconnect is cancelled, the reconnect continues."""
    conn = await trial.connect()
    trial.proxy.hold()
    outcomes: list[Any] = []
    reconnect = partial(trial.do, conn.reconnect, noreply_wait=False)

    async def lead() -> None:
        outcomes.append(await reconnect())

    async def join() -> None:
        await trial.until(lambda: trial.proxy.held)
        await trial.driver.cancel(reconnect, when=lambda: _joined(conn) == 1)
        trial.proxy.release()

    await _beside(trial, join, lead)
    assert outcomes == [conn]
    await trial.usable(conn)


async def the_time_limit_of_who_joins_a_reconnect(trial: Trial) -> None:
    """A caller that joins a reconnect keeps its own time limit."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def join() -> None:
        await trial.until(lambda: trial.proxy.held)
        text = f"Could not connect to 127.0.0.1:{trial.proxy.port}, Operation timed out"
        await trial.fails(ReqlTimeoutError, text, conn.reconnect, timeout=SOON)
        trial.proxy.release()

    first = await trial.beside(join, partial(trial.do, conn.reconnect, False))
    assert first is conn
    await trial.usable(conn)


async def a_query_while_others_reconnect(trial: Trial) -> None:
    """A query during a reconnect is refused, and the error says why."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def query() -> None:
        await trial.until(lambda: trial.proxy.held)
        assert not conn.is_open()
        await trial.fails(ReqlDriverError, NOT_YET, trial.run, r.expr(1), conn)
        trial.proxy.release()

    again = await trial.beside(query, partial(trial.do, conn.reconnect, False))
    assert again is conn


async def closing_while_others_reconnect(trial: Trial) -> None:
    """The connection is closed, and the callers of `reconnect()` get an error."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def close() -> None:
        await trial.until(lambda: trial.proxy.held and _joined(conn) == 1)
        await trial.do(conn.close, noreply_wait=False)
        trial.proxy.release()

    reconnect = partial(trial.do, conn.reconnect, noreply_wait=False)
    await _stays_closed(trial, conn, await trial.all_beside(close, reconnect, reconnect))


async def closing_as_a_reconnect_has_closed_the_old_link(trial: Trial) -> None:
    """The old link is closed, and there is no new session yet: the connection stays closed."""
    conn = await trial.connect(kind=_pausing(trial))
    conn.pauses = True

    async def close() -> None:
        await trial.until(lambda: conn.paused and _joined(conn) == 1)
        await trial.do(conn.close)
        conn.pauses = False

    reconnect = partial(trial.do, conn.reconnect, noreply_wait=False)
    await _stays_closed(trial, conn, await trial.all_beside(close, reconnect, reconnect))


async def closing_while_a_reconnect_closes_the_old_link(trial: Trial) -> None:
    """A reconnect that still waits for noreply queries does not connect again."""
    conn = await trial.connect()
    trial.proxy.fault = Fault("mute", at="reply")

    async def close() -> None:
        await trial.until(lambda: trial.proxy.queries and _joined(conn) == 1)
        trial.proxy.fault = None
        await trial.do(conn.close, noreply_wait=False)

    reconnect = partial(trial.do, conn.reconnect)
    await _stays_closed(trial, conn, await trial.all_beside(close, reconnect, reconnect))
    assert trial.proxy.accepted == 1


async def reconnecting_after_a_close_has_ended_a_reconnect(trial: Trial) -> None:
    """Who calls `reconnect()` after the close gets an open connection, at whatever moment."""
    conn = await trial.connect(kind=_pausing(trial))
    conn.pauses = True

    async def close_and_reconnect() -> None:
        await trial.until(lambda: conn.paused)
        await trial.do(conn.close)

        async def go_on() -> None:
            await trial.until(lambda: _joined(conn) == 1)
            conn.pauses = False

        assert await trial.beside(go_on, partial(trial.do, conn.reconnect)) is conn
        await trial.usable(conn)

    ended = await trial.beside(close_and_reconnect, partial(trial.do, conn.reconnect))
    assert isinstance(ended, ReqlDriverError), ended
    await trial.usable(conn)


async def closing_by_force_while_another_close_waits(trial: Trial) -> None:
    """On a silent link, `close(noreply_wait=False)` ends another `close()` that waits."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def close() -> None:
        await trial.until(lambda: trial.proxy.held)
        await trial.do(conn.close)

    async def force() -> None:
        await trial.until(lambda: len(trial.proxy.held) == 2)
        await trial.do(conn.close, noreply_wait=False)

    query = partial(trial.run, r.expr(1), conn)
    answer, *closed = await trial.driver.gather(query, close, force)
    assert isinstance(answer, ReqlDriverError), answer
    assert closed == [None, None]
    await trial.until(lambda: not trial.proxy.clients)


async def reconnecting_by_force_while_another_reconnect_waits(trial: Trial) -> None:
    """A `reconnect(noreply_wait=False)` ends the wait of another one for noreply queries."""
    conn = await trial.connect()
    trial.proxy.fault = Fault("mute", at="reply")

    async def force() -> Any:
        await trial.until(lambda: trial.proxy.queries)
        trial.proxy.fault = None
        return await trial.do(conn.reconnect, noreply_wait=False)

    outcomes = await trial.driver.gather(partial(trial.do, conn.reconnect), force)
    assert outcomes == [conn, conn]
    assert trial.proxy.accepted == 2
    await trial.usable(conn)


async def writing_while_others_reconnect(trial: Trial) -> None:
    """Each query ends with its own answer, or with an error that says what happened. Every
    acknowledged write was done."""
    conn = await trial.connect()
    numbers, acknowledged, errors = count(), set[int](), list[Exception]()
    over = False

    async def write() -> None:
        while not over:
            number = next(numbers)
            try:
                done = await trial.run(trial.table.insert({"id": number}), conn)
            except ReqlDriverError as exc:
                errors.append(exc)
                await trial.driver.sleep(PAUSE)
            else:
                assert done["inserted"] == 1
                acknowledged.add(number)

    def more_than(before: int) -> bool:
        return len(acknowledged) > before

    async def reconnect() -> None:
        nonlocal over
        try:
            for _ in range(ROUNDS):
                await trial.until(partial(more_than, len(acknowledged)))
                assert await trial.do(conn.reconnect) is conn
        finally:
            over = True

    outcomes = await trial.driver.gather(*[write] * CALLERS, reconnect)
    assert outcomes == [None] * (CALLERS + 1)
    for error in errors:
        assert str(error).startswith("Connection is "), error
    assert acknowledged <= set(trial.table["id"].run(trial.admin))


async def a_check_open_of_the_programs_own(trial: Trial) -> None:
    """A `check_open` of a subclass or of an instance is called before each query. Programs use it
    to reconnect."""
    asked: list[Any] = []

    def check_open(self: Any) -> Any:
        asked.append(self)
        return None if self.is_open() else self.reconnect()

    kind = type("Mended", (trial.connection_type,), {"check_open": check_open})
    conn = await trial.connect(kind=kind)
    other = await trial.connect()
    other.check_open = MethodType(check_open, other)
    for connection in (conn, other):
        await trial.usable(connection)
        await trial.do(connection.close)
        await trial.usable(connection)
        await trial.usable(connection)
    assert asked == [conn] * 3 + [other] * 3


async def a_check_open_that_refuses(trial: Trial) -> None:
    """If `check_open` raises, the caller of the query gets this error, and nothing is sent."""

    def check_open(_: Any) -> None:
        raise PermissionError("not today")

    conn = await trial.connect()
    conn.check_open = MethodType(check_open, conn)
    await trial.fails(PermissionError, "not today", trial.run, r.expr(1), conn)
    assert not trial.proxy.queries


def _joined(conn: Any) -> int:
    """How many callers wait for the reconnect of another caller."""
    under_way = conn._reconnect
    return 0 if under_way is None else len(under_way.joined)


def _pausing(trial: Trial) -> Any:
    """A class of connections that connect only when `pauses` is false. `paused`: one waits."""
    base: Any = trial.connection_type

    async def pause(conn: Any) -> None:
        conn.paused = conn.pauses
        await trial.until(lambda: not conn.pauses)

    async def awaiting(conn: Any, timeout: float) -> Any:
        await pause(conn)
        return await base._connect(conn, timeout)

    def waiting(conn: Any, timeout: float) -> Any:
        complete(pause(conn))
        return base._connect(conn, timeout)

    connect = awaiting if iscoroutinefunction(base._connect) else waiting
    return type("Pausing", (base,), {"_connect": connect, "pauses": False, "paused": False})


async def _stays_closed(trial: Trial, conn: Any, outcomes: list[Any]) -> None:
    """Check that each call of `reconnect()` has ended with an error that says why."""
    for outcome in outcomes:
        assert isinstance(outcome, ReqlDriverError), outcome
        assert re.search(CLOSED, str(outcome)), outcome
    assert not conn.is_open()
    await trial.fails(ReqlDriverError, CLOSED, trial.run, r.expr(1), conn)
    await trial.until(lambda: not trial.proxy.clients)


async def _release(trial: Trial, conn: Any, joined: int) -> None:
    """Let the server answer when so many callers have joined a reconnect."""
    await trial.until(lambda: trial.proxy.held and _joined(conn) == joined)
    trial.proxy.release()


async def _beside(trial: Trial, here: Operation, *others: Operation) -> None:
    """Run an operation in this thread, where it can be cancelled, and others concurrently."""
    if trial.driver.shared:
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(complete, trial.driver.gather(*others))
            await here()
            outcomes = beside.result()
    else:
        outcomes = await trial.driver.gather(here, *others)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


SCENARIOS: tuple[Scenario, ...] = (
    many_reconnect_at_once,
    reconnecting_one_after_the_other,
    a_reconnect_of_many_fails,
    who_reconnects_for_others_is_cancelled,
    who_joins_a_reconnect_is_cancelled,
    the_time_limit_of_who_joins_a_reconnect,
    a_query_while_others_reconnect,
    closing_while_others_reconnect,
    closing_as_a_reconnect_has_closed_the_old_link,
    closing_while_a_reconnect_closes_the_old_link,
    reconnecting_after_a_close_has_ended_a_reconnect,
    closing_by_force_while_another_close_waits,
    reconnecting_by_force_while_another_reconnect_waits,
    writing_while_others_reconnect,
    a_check_open_of_the_programs_own,
    a_check_open_that_refuses,
)
