"""Scenarios in which the server acts only in turn with the loop, so that nothing happens by chance.

Some cancel at each moment: after the first turn of the loop, the second, and so on. Only turns in
which something has just happened matter. Of a pause, only the first turns are used: a name look-up
in a thread takes hundreds of turns, which are all alike.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlConnectionLostError, ReqlTimeoutError
from rethinkdb.net.outflow import MAX_UNSENT

from .driver import Operation
from .stepped import SteppedServer
from .timing import open_sockets
from .trial import PATIENCE, SOON, Scenario, Trial

_PAUSE = 12
"""How many turns of a pause are used."""

_FRAME = 100
"""The most bytes that a query has beside its value."""

STREAM = r.range()
"""A query for a stream. The stepped server treats every query that is no plain value as one."""


async def cancelling_connect_at_each_moment(trial: Trial) -> None:
    """Whenever connect() is cancelled, no socket stays open on either side."""
    with SteppedServer() as server:
        gc.collect()  # sockets of others that wait for it
        before = len(open_sockets())

        async def connect() -> None:
            opened.append(await trial.do(trial.open, host=server.host, port=server.port))

        for turns in count():
            opened: list[Any] = []
            await _cancelled(trial, server, connect, turns)
            for conn in opened:
                await trial.do(conn.close, noreply_wait=False)
            await _all_closed(trial, server, before)
            if opened:
                return


async def cancelling_reconnect_at_each_moment(trial: Trial) -> None:
    """Whenever reconnect() is cancelled, the connection is either open or closed. Closing it leaves
    no socket open."""
    with SteppedServer() as server:
        gc.collect()  # sockets of others that wait for it
        before = len(open_sockets())
        for turns in count():
            conn = await _connect(trial, server)

            async def reconnect(conn: Any = conn) -> None:
                assert await trial.do(conn.reconnect) is conn

            finished = await _cancelled(trial, server, reconnect, turns)
            if conn.is_open():
                await _usable(trial, server, conn)
            assert conn.is_open() or not finished
            await trial.do(conn.close, noreply_wait=False)
            await _all_closed(trial, server, before)
            if finished:
                return


async def cancelling_a_wait_at_each_moment(trial: Trial) -> None:
    """Whenever `next()` is cancelled, its item goes to the next caller."""
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        feed = await _served(trial, server, partial(trial.run, STREAM, conn))
        for turns in count():
            taken: list[Any] = []

            async def take(taken: list[Any] = taken) -> None:
                taken.append(await trial.do(feed.next))

            await _until(trial, server, lambda: server.waiting)
            await _cancelled(trial, server, take, turns, partial(server.push, turns))
            if taken:
                assert taken == [turns]
                break
            assert await _served(trial, server, partial(trial.do, feed.next)) == turns
        await trial.do(conn.close, noreply_wait=False)


async def cancelling_fetch_next_at_each_moment(trial: Trial) -> None:
    """Whenever `fetch_next()` is cancelled, the item is there for the next caller."""
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        feed = await _served(trial, server, partial(trial.run, STREAM, conn))
        finished = False
        for turns in count():

            async def fetch() -> None:
                assert await trial.do(feed.fetch_next)

            await _until(trial, server, lambda: server.waiting)
            finished = await _cancelled(trial, server, fetch, turns, partial(server.push, turns))
            assert await _served(trial, server, partial(trial.do, feed.next)) == turns
            if finished:
                break
        await trial.do(conn.close, noreply_wait=False)


async def cancelling_a_list_at_each_moment(trial: Trial) -> None:
    """Whenever `to_list()` is cancelled, all items are there for the next caller, in order."""
    with SteppedServer() as server:
        server.batches = [[0, 1], [2], [3, 4, 5], None]
        conn = await _connect(trial, server)
        for turns in count():
            cursor = await _served(trial, server, partial(trial.run, STREAM, conn))
            taken: list[Any] = []

            async def take(cursor: Any = cursor, taken: list[Any] = taken) -> None:
                taken += await trial.do(cursor.to_list)

            finished = await _cancelled(trial, server, take, turns)
            rest = await _served(trial, server, partial(trial.do, cursor.to_list))
            assert [*taken, *rest] == [0, 1, 2, 3, 4, 5]
            if finished:
                break
        await trial.do(conn.close, noreply_wait=False)


async def cancelling_a_query_at_each_moment(trial: Trial) -> None:
    """Whenever `run()` is cancelled, the server is told to stop the query."""
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        for turns in count():
            cursors: list[Any] = []

            async def run(cursors: list[Any] = cursors) -> None:
                cursors.append(await trial.run(STREAM, conn))

            await _cancelled(trial, server, run, turns)
            for cursor in cursors:
                await trial.do(cursor.close)
            await _usable(trial, server, conn)
            await _until(trial, server, lambda: not conn._session.tokens_in_use)
            if cursors:
                break
        await trial.do(conn.close, noreply_wait=False)


async def noreply_waits_while_the_link_is_full(trial: Trial) -> None:
    """While the server reads nothing, a loop of noreply queries stops, so that few bytes wait to be
    sent. If the loop is cancelled then, all its queries are executed."""
    for size, most in ((20_000, 5_000), (30_000_000, 1)):
        with SteppedServer() as server:
            conn = await _connect(trial, server)
            begun = await _flood(trial, conn, "x" * size, most)
            await _served(trial, server, partial(trial.do, conn.noreply_wait))
            assert server.started == begun
            await _usable(trial, server, conn)
            await trial.do(conn.close, noreply_wait=False)


async def _flood(trial: Trial, conn: Any, text: str, most: int) -> int:
    """Send noreply queries to a server that does not read, until the link is full.

    Returns:
        How many were begun.
    """
    flood, outflow = _Flood(trial, conn, text, most), conn._session.outflow
    looks = 0

    def is_stuck() -> bool:
        nonlocal looks
        looks = looks + 1 if not flood.fresh() and outflow.waiting else 0
        return looks > _PAUSE

    await trial.driver.cancel(flood.run, is_stuck)
    assert outflow.unsent <= 2 * MAX_UNSENT + len(text) + _FRAME
    return flood.begun


class _Flood:
    """A loop of noreply queries.

    Attributes:
        begun: how many were begun.
    """

    def __init__(self, trial: Trial, conn: Any, text: str, most: int) -> None:
        self.begun = 0
        self._seen = 0
        self._most = most
        self._query = partial(trial.run, r.expr(text), conn, noreply=True)

    async def run(self) -> None:
        for _ in range(self._most):
            self.begun += 1
            await self._query()

    def fresh(self) -> int:
        """How many were begun since the last call."""
        begun, self._seen = self.begun - self._seen, self.begun
        return begun


async def noreply_lets_others_run(trial: Trial) -> None:
    """A loop of noreply queries lets other tasks run, even if the server reads all at once."""
    size, total, most = 2_000, 1_000, 0
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        flood = _Flood(trial, conn, "x" * size, total)

        def all_read() -> bool:
            nonlocal most
            most = max(most, flood.fresh())
            return server.started == total

        assert await trial.beside(partial(_until, trial, server, all_read), flood.run) is None
        if not trial.driver.shared:  # threads run anyway
            assert most * size <= 2 * MAX_UNSENT, most
        await trial.do(conn.close, noreply_wait=False)


async def noreply_with_a_deadline(trial: Trial) -> None:
    """A noreply query waits for the link no longer than its deadline, and is executed anyway."""
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        query = r.expr("x" * 30_000_000)
        text = f"^{server.host}:{server.port} did not take all of "
        options = {"noreply": True, "deadline": SOON}
        await trial.fails(ReqlTimeoutError, text, trial.run, query, conn, **options)
        await _served(trial, server, partial(trial.do, conn.noreply_wait))
        assert server.started == 1
        await trial.do(conn.close, noreply_wait=False)


async def noreply_that_waits_when_the_link_is_lost(trial: Trial) -> None:
    """If the link is lost, a noreply query that waits for it fails, as every query does."""
    with SteppedServer() as server:
        conn = await _connect(trial, server)
        query = r.expr("x" * 30_000_000)

        async def cut() -> None:
            await trial.until(lambda: conn._session.outflow.waiting)
            server.hang_up()

        noreply = partial(trial.run, query, conn, noreply=True)
        outcome = await trial.beside(cut, noreply)
        assert type(outcome) is ReqlConnectionLostError, outcome
        await trial.unusable(conn)


async def _cancelled(
    trial: Trial,
    server: SteppedServer,
    operation: Operation,
    turns: int,
    first: Callable[[], object] = bool,
) -> bool:
    """Cancel an operation after so many turns, in each of which the server acts.

    Args:
        first: a function that is called before that.

    Returns:
        Whether it ended before it was cancelled, or in spite of that.
    """
    finished = False
    passed = idle = 0
    first()

    async def watched() -> None:
        nonlocal finished
        await operation()
        finished = True

    def due() -> bool:
        nonlocal passed, idle
        # In the last turn, too, so that bytes of the server arrive together with the cancelling.
        idle = 0 if server.step() else idle + 1
        passed += idle < _PAUSE
        return finished or passed > turns

    try:
        await trial.driver.cancel(watched, due)
    except AssertionError:  # it was not cancelled
        if not finished:
            raise
    return finished


async def _served(trial: Trial, server: SteppedServer, operation: Operation) -> Any:
    """Run an operation while the server acts. Returns its result."""
    over = False

    async def work() -> Any:
        nonlocal over
        try:
            return await operation()
        finally:
            over = True

    async def serve() -> None:
        await _until(trial, server, lambda: over)

    outcome = await trial.beside(serve, work)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _until(trial: Trial, server: SteppedServer, condition: Callable[[], Any]) -> None:
    """Let the server and other tasks act until a condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        server.step()
        await trial.driver.sleep(0)


async def _connect(trial: Trial, server: SteppedServer) -> Any:
    opening = partial(trial.do, trial.open, host=server.host, port=server.port)
    return await _served(trial, server, opening)


async def _usable(trial: Trial, server: SteppedServer, conn: Any) -> None:
    await _served(trial, server, partial(trial.usable, conn))


async def _all_closed(trial: Trial, server: SteppedServer, before: int) -> None:
    """Check that the server has no client, and that this process has no new open socket."""
    await _until(trial, server, lambda: not server.clients)
    await _until(trial, server, lambda: len(open_sockets()) <= before)


SCENARIOS: tuple[Scenario, ...] = (
    cancelling_connect_at_each_moment,
    cancelling_reconnect_at_each_moment,
    cancelling_a_wait_at_each_moment,
    cancelling_fetch_next_at_each_moment,
    cancelling_a_list_at_each_moment,
    cancelling_a_query_at_each_moment,
    noreply_waits_while_the_link_is_full,
    noreply_lets_others_run,
    noreply_with_a_deadline,
    noreply_that_waits_when_the_link_is_lost,
)
