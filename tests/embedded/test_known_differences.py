"""What the documentation says about differences from a real server holds.

Each row of the table has a check here, under the text of its first cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlOpFailedError, ReqlResourceLimitError
from tests.tables import rows_of

PAGE = "topics/embedded.md"
STATUS = r.db("rethinkdb").table("server_status").nth(0)


@pytest.fixture(scope="module")
def conn() -> Iterator[Any]:
    with Server() as server, r.connect(server.host, server.port) as connection:
        r.table_create("t").run(connection)
        yield connection


def check_data(conn: Any) -> None:
    with Server() as another, r.connect(another.host, another.port) as connection:
        assert r.table_list().run(connection) == []


def check_version(conn: Any) -> None:
    assert "embedded in Python" in STATUS["process"]["version"].run(conn)


def check_figures(conn: Any) -> None:
    r.table("t").insert({"id": "measured"}).run(conn)
    (figures,) = r.db("rethinkdb").table("stats").filter(r.row["id"][0] == "table_server").run(conn)
    storage = figures["storage_engine"]
    assert storage["cache"] == {"in_use_bytes": 0}
    assert set(storage["disk"].pop("space_usage").values()) == set(storage["disk"].values()) == {0}


def check_web_interface(conn: Any) -> None:
    assert STATUS["network"]["http_admin_port"].run(conn) == "<no http admin>"


def check_replicas(conn: Any) -> None:
    with pytest.raises(ReqlOpFailedError, match="there are only 1 servers"):
        r.table("t").reconfigure(shards=1, replicas=2).run(conn)


def chain(length: int) -> Any:
    term = r.expr(1)
    for _ in range(length):
        term = term + 1
    return term


def check_depth(conn: Any) -> None:
    assert chain(3_000).run(conn) == 3_001
    with pytest.raises(ReqlResourceLimitError, match="nested too deeply"):
        chain(20_000).run(conn)


def check_profile(conn: Any) -> None:
    (step,) = r.expr(1).add(1).run(conn, profile=True)["profile"]
    assert (step["description"], step["sub_tasks"]) == ("Evaluating ADD.", [])


def check_initial_values(conn: Any) -> None:
    r.table("t").insert([{"id": number} for number in range(5)]).run(conn)
    feed = r.table("t").changes(include_initial=True, include_types=True)
    with feed.run(conn, max_batch_rows=1, first_batch_scaledown_factor=1) as rows:
        first = next(rows)["new_val"]["id"]
        r.table("t").filter(r.row["id"] != first).delete().run(conn)
        r.table("t").insert({"id": "last"}).run(conn)
        types = []
        while not types or types[-1][1] != "last":
            row = next(rows)
            types.append((row["type"], (row.get("new_val") or row.get("old_val"))["id"]))
        assert "uninitial" not in dict(types)


CHECKS: dict[str, Callable[[Any], None]] = {
    "data after the end": check_data,
    "`version` in `server_status`": check_version,
    "figures of disk and cache in `stats`": check_figures,
    "the web interface": check_web_interface,
    "replicas": check_replicas,
    "a chain of 20,000 `.add(1)`": check_depth,
    "`profile=True`": check_profile,
    "initial values of a changefeed": check_initial_values,
}


def test_each_row_has_a_check() -> None:
    rows = rows_of(PAGE, "| what | a real server | here |")
    assert [row[0] for row in rows] == list(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_known_difference(conn: Any, check: Callable[[Any], None]) -> None:
    check(conn)
