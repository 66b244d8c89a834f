"""A server with tables of all kinds, and an empty one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server

ROWS = [
    {"id": 1, "name": 'a "quoted" },{"b": text\n', "nested": [{"x": 1.5}, {"y": [[], {}]}]},
    {"id": 2, "at": {"$reql_type$": "TIME", "epoch_time": 1.5, "timezone": "+00:00"}},
    {"id": 3, "data": {"$reql_type$": "BINARY", "data": "AAH/"}, "é": "ü"},
    {"id": "key", "big": 2**53, "minus": -0.0, "none": None, "flag": True},
    {"id": [1, "array"], "text": "},{"},
]
MANY = [{"id": number, "text": "x" * 50} for number in range(3000)]


@pytest.fixture(scope="module")
def source() -> Iterator[Any]:
    """A connection to a server with tables, an index and a write hook, which nobody may change."""
    with Server() as server, r.connect(server.host, server.port, loop_type="blocking") as conn:
        for db in ("shop", "other"):
            r.db_create(db).run(conn)
        shop = r.db("shop")
        for table, key in (("orders", "id"), ("many", "id"), ("empty", "number")):
            shop.table_create(table, primary_key=key).run(conn)
        r.db("other").table_create("places").run(conn)
        orders = shop.table("orders")
        orders.insert(ROWS).run(conn)
        orders.index_create("name").run(conn)
        orders.index_create("words", lambda row: row["name"].split(), multi=True).run(conn)
        orders.index_wait().run(conn)
        shop.table("empty").set_write_hook(
            lambda context, old, new: new.merge({"hooked": True})
        ).run(conn)
        shop.table("many").insert(MANY).run(conn)
        r.db("other").table("places").insert({"id": 1, "at": r.point(1, 2)}).run(conn)
        yield conn


@pytest.fixture
def target() -> Iterator[Any]:
    """A connection to an empty server."""
    with Server() as server, r.connect(server.host, server.port, loop_type="blocking") as conn:
        yield conn


def contents(conn: Any, databases: Sequence[str] | None = None) -> dict[str, Any]:
    """All that dumps save of a server, or of some of its databases."""
    found: dict[str, Any] = {}
    raw = {"time_format": "raw", "binary_format": "raw"}
    for db in r.db_list().run(conn) if databases is None else databases:
        for name in [] if db == "rethinkdb" else r.db(db).table_list().run(conn):
            table = r.db(db).table(name)
            indexes = table.index_status().run(conn, **raw)
            hook = table.get_write_hook().run(conn, **raw)
            found[f"{db}.{name}"] = (
                sorted(table.run(conn, **raw), key=str),
                table.info()["primary_key"].run(conn),
                [
                    {name: index[name] for name in ("index", "multi", "geo", "function")}
                    for index in indexes
                ],
                hook and hook["function"],
            )
    return found
