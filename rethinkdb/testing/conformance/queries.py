"""Scenarios: queries on a link that is not lost."""

from __future__ import annotations

import copy
import gc
import pickle
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlNonExistenceError,
    ReqlTimeoutError,
)
from rethinkdb.ql2 import QueryType

from ..proxy import Fault
from .trial import SMALL_BATCHES, SOON, Scenario, Trial


async def values_and_errors(trial: Trial) -> None:
    """Values of all kinds come back. An error of the server fails only its own query."""
    conn = await trial.connect()
    value = {"n": [1, 2.5, None, True], "s": "é\0"}
    assert await trial.run(r.expr(value), conn) == value
    missing = r.expr({})["a"]
    await trial.fails(ReqlNonExistenceError, "No attribute `a`", trial.run, missing, conn)
    assert (await trial.run(r.expr(1), conn, profile=True))["value"] == 1
    await trial.usable(conn)


async def bad_queries_are_not_sent(trial: Trial) -> None:
    """A query that cannot be encoded fails before anything is sent."""
    conn = await trial.connect()
    await trial.fails(ValueError, "no", trial.run, r.expr(1), conn, json_encoder=_Refusing)
    assert not trial.proxy.queries
    await trial.usable(conn)


class _Refusing:
    def encode(self, value: Any) -> str:
        raise ValueError("no")


async def default_database(trial: Trial) -> None:
    """`db=`, `use()` and the run option `db` set the database of tables."""
    trial.insert({"id": 1})
    conn = await trial.connect(db=trial.db_name)
    assert await trial.run(r.table("heroes").count(), conn) == 1
    conn.use("rethinkdb")
    assert await trial.run(r.table("heroes").count(), conn, db=trial.db_name) == 1
    assert conn.use(trial.db_name) is None
    assert await trial.run(r.table("heroes").count(), conn) == 1


async def noreply(trial: Trial) -> None:
    """A noreply query returns None at once. `noreply_wait` returns when it is done."""
    conn = await trial.connect()
    assert await trial.run(trial.table.insert({"id": 1}), conn, noreply=True) is None
    assert await trial.do(conn.noreply_wait) is None
    assert trial.table.count().run(trial.admin) == 1


async def server_information(trial: Trial) -> None:
    """`server()` tells which server answers."""
    conn = await trial.connect()
    assert (await trial.do(conn.server)).keys() >= {"id", "proxy"}


async def attributes(trial: Trial) -> None:
    """The attributes of a connection that programs read."""
    conn = await trial.connect()
    assert (conn.host, conn.port) == (trial.proxy.host, trial.proxy.port)
    assert conn.is_open()
    assert conn.check_open() is None
    assert conn.client_address() == "127.0.0.1"
    assert conn.client_port() > 0
    await trial.do(conn.close)
    assert not conn.is_open()
    assert conn.client_address() is None
    assert conn.client_port() is None


async def answers_out_of_order(trial: Trial) -> None:
    """Each query gets its own answer, in whatever order the answers come."""
    conn = await trial.connect()
    trial.proxy.hold()

    async def release() -> None:
        await trial.until(lambda: len(trial.proxy.held) == 3)
        trial.proxy.release(reverse=True)

    queries = [lambda n=n: trial.run(r.expr(n), conn) for n in (1, 2, 3)]
    assert await trial.driver.gather(*queries, release) == [1, 2, 3, None]


async def a_thousand_in_flight(trial: Trial) -> None:
    """A thousand queries at once, on one connection."""
    conn = await trial.connect()
    queries = [lambda n=n: trial.run(r.expr(n), conn) for n in range(1000)]
    assert await trial.driver.gather(*queries) == [*range(1000)]


async def large_values(trial: Trial) -> None:
    """A query and an answer of some megabytes, while other queries run."""
    conn = await trial.connect()
    text = "x" * 3_000_000
    big, small = (lambda: trial.run(r.expr(text), conn)), (lambda: trial.run(r.expr(1), conn))
    assert await trial.driver.gather(big, small, big, small) == [text, 1, text, 1]


async def time_limits_lose_nothing(trial: Trial) -> None:
    """`next(wait=…)` and `fetch_next(wait=…)` give up in time, and the next item still comes."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)
    for wait in (False, 0, SOON):
        for method in (feed.next, feed.fetch_next):
            text = r"^Operation timed out\.$"
            await trial.fails(ReqlTimeoutError, text, method, wait=wait)
    await trial.fails(ReqlDriverError, "Invalid wait timeout '-1'", feed.next, wait=-1)
    trial.insert({"id": 1})
    assert await trial.do(feed.fetch_next, wait=None)
    assert (await trial.do(feed.next, wait=False))["new_val"] == {"id": 1}
    await trial.usable(conn)


async def cancelling_a_query(trial: Trial) -> None:
    """A cancelled query is stopped on the server, nothing leaks, and the connection still works."""
    conn = await trial.connect()
    trial.proxy.hold()
    sent = len(trial.proxy.queries)
    await trial.driver.cancel(
        lambda: trial.run(trial.table.changes(), conn),
        when=lambda: len(trial.proxy.queries) > sent and bool(trial.proxy.held),
    )
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    assert trial.proxy.sent(QueryType.STOP) == trial.proxy.sent(QueryType.START)
    trial.proxy.release()
    await trial.nothing_leaked(conn)


async def values_that_python_has_not(trial: Trial) -> None:
    """A reply whose values cannot be converted fails only its own query."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)
    trial.proxy.fault = Fault("devalue", at="reply")
    text = "pseudo-type TIME object .* has no value in Python"
    exc = await trial.fails(ReqlDriverError, text, trial.run, r.expr(1), conn)
    assert not isinstance(exc, ReqlConnectionLostError), exc
    trial.proxy.fault = None
    await trial.usable(conn)
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}


async def copies_are_refused(trial: Trial) -> None:
    """Copying or pickling a connection or a cursor raises a clear error, and harms nothing."""
    conn = await trial.connect()
    result = await trial.run(r.range(30), conn, profile=True, **SMALL_BATCHES)
    handle = trial.table.changes().run_with(print, conn)
    opening = trial.open()
    kinds = [conn, result, result["value"], handle]
    if hasattr(opening, "__aenter__"):
        kinds.append(opening)
    for thing in kinds:
        for method in (copy.deepcopy, pickle.dumps):
            await trial.fails(TypeError, "cannot be copied or pickled: ", partial(method, thing))
    for thing in (conn, result["value"], handle):
        await trial.fails(TypeError, "cannot be copied or pickled: ", partial(copy.copy, thing))
    gc.collect()
    for number in range(30):
        assert await trial.do(result["value"].next) == number
    handle.close()
    await trial.do((await trial.do(lambda: opening)).close)
    await trial.nothing_leaked(conn)


SCENARIOS: tuple[Scenario, ...] = (
    values_and_errors,
    bad_queries_are_not_sent,
    default_database,
    noreply,
    server_information,
    attributes,
    answers_out_of_order,
    a_thousand_in_flight,
    large_values,
    time_limits_lose_nothing,
    cancelling_a_query,
    copies_are_refused,
    values_that_python_has_not,
)
