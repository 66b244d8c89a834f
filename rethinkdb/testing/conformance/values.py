"""Scenarios: Python values in queries: converted, or refused."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import Any
from uuid import UUID

from rethinkdb import query as r
from rethinkdb.errors import ReqlDriverError, ReqlTypeError

from .trial import Scenario, Trial

__all__ = ["SCENARIOS"]

_KEY = UUID(int=7)


async def converters_of_a_connection(trial: Trial) -> None:
    """Each connection applies its own converters. The error for an unknown value says its place."""
    text = await trial.connect(converters={Decimal: str, UUID: str})
    number = await trial.connect(converters={Decimal: float})
    await _converts(trial, text)
    price = r.expr({"price": [Decimal("9.50")]})
    assert await trial.run(price, text) == {"price": ["9.50"]}
    assert await trial.run(price, number) == {"price": [9.5]}
    place = r"at \['price'\]\[0\]"
    await trial.fails(ReqlTypeError, place, trial.run, price, await trial.connect())
    await trial.usable(number)


async def converters_of_a_pool(trial: Trial) -> None:
    """All connections of a pool have the converters that it was given."""
    await _converts(trial, trial.pool(converters={Decimal: str, UUID: str}))


async def _converts(trial: Trial, connection: Any) -> None:
    rows = [{"id": n, "price": Decimal(n), "by": {_KEY: "x" * 100}} for n in range(500)]
    result = await trial.run(trial.table.insert(rows), connection)
    assert result["inserted"] == len(rows)
    row = await trial.run(trial.table.get(7), connection)
    assert row == {"id": 7, "price": "7", "by": {str(_KEY): "x" * 100}}
    same = trial.table.filter({"price": Decimal(7)}).count()
    assert await trial.run(same, connection) == 1


async def what_is_no_value(trial: Trial) -> None:
    """A connection, a feed or an awaitable in a query is refused. The error says what to write."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)
    for thing, advice in [(conn, r"query\.run\(conn\)"), (feed, "a changefeed, which never ends")]:
        text = rf"(?s)at \['a'\]\[0\] in an argument of insert\(\).*{advice}"
        await trial.fails(ReqlTypeError, text, trial.table.insert, {"a": [thing]})
        await trial.fails(ReqlTypeError, "the run option `x`", trial.run, r.expr(1), conn, x=thing)
    result = r.expr(1).run(conn)
    if inspect.isawaitable(result):
        text = "has not been awaited, an argument of get"
        await trial.fails(ReqlTypeError, text, lambda: trial.table.get(result))
    assert await trial.do(lambda: result) == 1
    await trial.do(feed.close)
    await trial.usable(conn)


async def what_cannot_run(trial: Trial) -> None:
    """If `run` gets something else than a connection, or than a query, the error says what."""
    conn = await trial.connect()
    await trial.fails(ReqlDriverError, "takes a query, not 1", trial.do, lambda: conn.run(1))
    text = "not a str: 'localhost'"
    await trial.fails(ReqlDriverError, text, trial.run, r.expr(1), "localhost")
    cursor = await trial.run(r.range(3), conn)
    await trial.fails(ReqlDriverError, "takes a connection", trial.run, r.expr(1), cursor)
    await trial.do(cursor.close)
    await trial.usable(conn)


SCENARIOS: tuple[Scenario, ...] = (
    converters_of_a_connection,
    converters_of_a_pool,
    what_is_no_value,
    what_cannot_run,
)
