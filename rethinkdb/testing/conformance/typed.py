"""Scenarios: rows as objects of a class."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlCursorEmpty, ReqlRowError
from rethinkdb.typed import Change

from .trial import SMALL_BATCHES, Scenario, Skip, Trial


@dataclass
class Hero:
    """The class of the rows."""

    name: str
    id: int = 0


def _typed(trial: Trial) -> Any:
    if find_spec("msgspec") is None:
        raise Skip("msgspec is not installed")
    return r.db(trial.db_name).table("heroes", of=Hero)


async def objects_go_in_and_come_out(trial: Trial) -> None:
    """A typed table gives objects, one by one and as lists. So does a query with a type."""
    heroes = _typed(trial)
    conn = await trial.connect()
    added = [Hero(f"hero {n}", n) for n in range(25)]
    assert (await trial.run(heroes.insert(added), conn))["inserted"] == 25
    cursor = await trial.run(heroes.order_by(index="id"), conn, **SMALL_BATCHES)
    assert await trial.do(cursor.next) == added[0]
    assert await trial.do(cursor.to_list) == added[1:]
    assert await trial.run(heroes.get(3), conn) == added[3]
    assert await trial.run(heroes.get(-1), conn) is None
    array = await trial.run(trial.table.order_by("id"), conn, as_type=Hero, as_cursor=True)
    assert await trial.do(array.to_list) == added
    assert await trial.run(trial.table.get(3), conn) == {"id": 3, "name": "hero 3"}


async def feeds_give_changes(trial: Trial) -> None:
    """Each change is a `Change` of objects."""
    heroes = _typed(trial)
    conn = await trial.connect()
    feed = await trial.run(heroes.changes(), conn)
    trial.insert({"id": 1, "name": "Ada"})
    assert await trial.do(feed.next) == Change(new_val=Hero("Ada", 1), type="add")
    await trial.do(feed.close)


async def rows_that_do_not_fit(trial: Trial) -> None:
    """Each row that does not fit raises one error, which names it. Then the cursor continues."""
    heroes = _typed(trial)
    conn = await trial.connect()
    trial.insert(*({"id": n, "name": n if n % 7 == 0 else "Ada"} for n in range(25)))
    cursor = await trial.run(heroes.order_by(index="id"), conn, **SMALL_BATCHES)
    found: list[Any] = []
    while True:
        try:
            found.append((await trial.do(cursor.next)).id)
        except ReqlRowError as error:
            found.append((error.key, error.field))
        except ReqlCursorEmpty:
            break
    assert found == [(n, "name") if n % 7 == 0 else n for n in range(25)]
    bad = await trial.run(heroes.order_by(index="id"), conn)
    for _ in range(4):
        await trial.fails(ReqlRowError, "`name`", bad.to_list)
    assert len(await trial.do(bad.to_list)) == 21
    await trial.fails(ReqlRowError, "the id 7", trial.run, heroes.get(7), conn)
    await trial.nothing_leaked(conn)


async def pools_give_objects(trial: Trial) -> None:
    """Pools give objects, too, and so do their resumed feeds."""
    heroes = _typed(trial)
    pool = trial.pool()
    trial.insert({"id": 1, "name": "Ada"})
    assert await trial.run(heroes.get(1), pool) == Hero("Ada", 1)
    feed = await trial.run(heroes.changes(include_initial=True), pool, resume="diff")
    assert await trial.do(feed.next) == Change(new_val=Hero("Ada", 1), type="initial")
    await trial.do(feed.close)


SCENARIOS: list[Scenario] = [
    objects_go_in_and_come_out,
    feeds_give_changes,
    rows_that_do_not_fit,
    pools_give_objects,
]
