"""Scenarios: the events that listeners get. See `rethinkdb.monitoring`."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from rethinkdb import monitoring
from rethinkdb import query as r
from rethinkdb.errors import ReqlNonExistenceError
from rethinkdb.net.showing import loop_name
from rethinkdb.pool import RetryPolicy
from rethinkdb.ql2 import QueryType

from .pooling.retrying import cut_once
from .trial import SMALL_BATCHES, Scenario, Trial


def _names(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


async def events_of_queries(trial: Trial) -> None:
    """Each query has one event at its start and one at its end: finished, failed or cancelled."""
    conn = await trial.connect()
    events: list[Any] = []
    with monitoring.listening(events.append, conn):
        trial.insert({"id": 1})
        assert await trial.run(trial.table.get(1), conn) == {"id": 1}
        assert _names(events) == ["QueryStarted", "QueryAnswered", "QueryFinished"], events
        last = events[-1]
        assert (last.table, last.command, last.rows) == ("heroes", "get", 1), last
        assert (last.host, last.port) == (trial.proxy.host, trial.proxy.port), last
        assert last.database == trial.db_name, last
        assert min(last.seconds, last.received, last.sent) > 0, last
        events.clear()
        broken = r.expr({})["a"]
        error = await trial.fails(ReqlNonExistenceError, "", trial.run, broken, conn)
        assert _names(events) == ["QueryStarted", "QueryAnswered", "QueryFailed"], events
        assert events[-1].error is error
        events.clear()
        trial.proxy.hold()
        sent = len(trial.proxy.sent(QueryType.START))
        await trial.driver.cancel(
            partial(trial.run, r.expr(2), conn),
            when=lambda: len(trial.proxy.sent(QueryType.START)) > sent,
        )
        trial.proxy.release()
        await trial.nothing_leaked(conn)
        assert _names(events[:2]) == ["QueryStarted", "QueryCancelled"], events
    count = len(events)
    await trial.usable(conn)
    assert len(events) == count


async def events_of_cursors(trial: Trial) -> None:
    """A cursor has an event for each batch, and one for its end, with totals."""
    conn = await trial.connect()
    events: list[Any] = []
    with monitoring.listening(events.append, conn):
        cursor = await trial.run(r.range(25), conn, **SMALL_BATCHES)
        rows = 0
        while await trial.do(cursor.fetch_next):
            await trial.do(cursor.next)
            rows += 1
    closed = next(event for event in events if isinstance(event, monitoring.CursorClosed))
    batches = [event for event in events if isinstance(event, monitoring.CursorBatch)]
    assert rows == closed.rows == sum(batch.rows for batch in batches) == 25, events
    assert closed.batches == len(batches) > 1, closed
    assert (closed.complete, closed.feed) == (True, False), closed
    assert isinstance(events[-1], monitoring.QueryFinished), events


async def events_of_connections(trial: Trial) -> None:
    """A connection has events when it is opened, closed or lost. A listener that raises harms
    nothing."""
    events: list[Any] = []

    def broken(_: Any) -> None:
        raise ZeroDivisionError("of a listener, on purpose")

    with monitoring.listening(broken), monitoring.listening(events.append):
        conn = await trial.connect()
        await trial.usable(conn)
        await trial.do(conn.close)
        await trial.do(conn.connect)
        trial.proxy.cut()
        await trial.unusable(conn)
    names = [name for name in _names(events) if name.startswith("Connection")]
    wanted = ["ConnectionOpened", "ConnectionClosed", "ConnectionOpened", "ConnectionLost"]
    assert names == wanted, names
    lost = next(event for event in events if isinstance(event, monitoring.ConnectionLost))
    assert lost.error is not None
    assert lost.port == trial.proxy.port, lost


async def events_of_pools(trial: Trial) -> None:
    """A pool has its own events. The events of its connections carry its name."""
    pool = trial.pool(name="web", retry=RetryPolicy(first_pause=0.001))
    events: list[Any] = []
    with monitoring.listening(events.append, pool):
        await trial.run(r.expr(1), pool)
        await cut_once(trial, partial(trial.run, r.expr(2), pool))
        await trial.do(pool.close)
    names = _names(events)
    for name in ("PoolOpened", "ConnectionOpened", "PoolLost", "ConnectionLost", "QueryRetried"):
        assert name in names, names
    assert names.count("PoolClosed") == names.count("PoolOpened") == 1, names
    assert {event.pool for event in events} == {"web"}, events
    retried = next(event for event in events if isinstance(event, monitoring.QueryRetried))
    assert (retried.tries, retried.command, retried.port) == (1, "expr", trial.proxy.port)


async def slow_queries_are_logged(trial: Trial) -> None:
    """Slow queries are logged with their text, but without the values in it."""
    told: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    log, keeper = logging.getLogger("rethinkdb.query"), Keeper()
    log.addHandler(keeper)
    try:
        conn = await trial.connect(slow_query=1e-9)
        await trial.run(trial.table.get("a secret"), conn)
    finally:
        log.removeHandler(keeper)
    (line,) = told
    assert line.startswith("slow query: "), line
    assert line.endswith(".table('heroes').get(?)"), line


async def what_a_connection_shows(trial: Trial) -> None:
    """`repr` shows loop, server and state. `dir` shows the public names."""
    conn = await trial.connect(db="test", password="")
    kind, place = type(conn), f"{trial.proxy.host}:{trial.proxy.port}"
    name = f"{kind.__name__} {loop_name(kind)}"
    assert repr(conn) == f"<{name} {place} db='test' open, 0 in flight>", conn
    feed = await trial.run(trial.table.changes(), conn)
    assert repr(conn).endswith(" open, 1 in flight>"), conn
    assert {"run", "close"} <= set(dir(conn)), dir(conn)
    assert not {"_session", "LOOP_API", "cursor_type"} & set(dir(conn)), dir(conn)
    assert "next" in dir(feed), dir(feed)
    await trial.do(conn.close)
    assert repr(conn).endswith(" closed>"), conn


SCENARIOS: tuple[Scenario, ...] = (
    events_of_queries,
    events_of_cursors,
    events_of_connections,
    events_of_pools,
    slow_queries_are_logged,
    what_a_connection_shows,
)
