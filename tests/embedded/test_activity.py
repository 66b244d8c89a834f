"""The system tables that tell what the server does: `stats`, `logs`, `jobs`."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timezone
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.embedded.storage.figures import Meter

from .support import PATIENCE, embedded_only, result

SYSTEM = r.db("rethinkdb")
STATS = SYSTEM.table("stats")


def one(conn: Any, *id: str) -> Any:
    """A row of `stats`."""
    return STATS.get(list(id)).run(conn)


@pytest.fixture
def table_id(conn: Any, table: Any) -> str:
    """The id of the fresh table."""
    found: str = table.config()["id"].run(conn)
    return found


@pytest.fixture
def server_id(conn: Any) -> str:
    """The id of the server."""
    found: str = conn.server()["id"]
    return found


# -- stats


def test_the_rows_of_the_figures(conn: Any, table_name: str, table_id: str, server_id: str) -> None:
    server = conn.server()["name"]
    rows = {tuple(row["id"]): row for row in STATS.run(conn)}
    assert {("cluster",), ("server", server_id), ("table", table_id)} < rows.keys()
    assert rows["table", table_id]["db"] == "test"
    assert rows["table", table_id]["table"] == table_name
    assert rows["server", server_id]["server"] == server
    of_server = rows["table_server", table_id, server_id]
    assert (of_server["server"], of_server["table"]) == (server, table_name)
    assert of_server["storage_engine"].keys() == {"cache", "disk"}

    clients = {"client_connections", "clients_active", "queries_per_sec"}
    rates = {"read_docs_per_sec", "written_docs_per_sec"}
    totals = {"read_docs_total", "written_docs_total"}
    assert rows["cluster",]["query_engine"].keys() == clients | rates
    of_all = clients | rates | totals | {"queries_total"}
    assert rows["server", server_id]["query_engine"].keys() == of_all
    assert rows["table", table_id]["query_engine"].keys() == rates
    assert of_server["query_engine"].keys() == rates | totals


def test_identifiers_instead_of_names(conn: Any, table_id: str, server_id: str) -> None:
    stats = SYSTEM.table("stats", identifier_format="uuid")
    row = stats.get(["table_server", table_id, server_id]).run(conn)
    assert (row["server"], row["table"]) == (server_id, table_id)


def test_requests_are_counted(conn: Any, server_id: str) -> None:
    before = one(conn, "server", server_id)["query_engine"]["queries_total"]
    r.expr(1).run(conn)
    conn.server()
    conn.noreply_wait()
    after = one(conn, "server", server_id)["query_engine"]["queries_total"]
    assert after >= before + 4
    assert one(conn, "cluster")["query_engine"]["queries_per_sec"] > 0


def test_clients_are_counted(server: Any, conn: Any) -> None:
    before = one(conn, "cluster")["query_engine"]["client_connections"]
    with r.connect(host=server.host, port=server.port) as other:
        other.server()
        assert one(conn, "cluster")["query_engine"]["client_connections"] == before + 1
        assert one(conn, "cluster")["query_engine"]["clients_active"] >= 1
    feed = STATS.get(["cluster"]).changes(include_initial=True).run(conn)
    while feed.next(wait=PATIENCE)["new_val"]["query_engine"]["client_connections"] > before:
        pass
    feed.close()


DOCUMENTS = [{"id": id, "a": id % 3} for id in range(10)]

WORK: dict[str, tuple[Any, int, int]] = {
    "a document by its key": (lambda t: t.get(1), 1, 0),
    "one there is not": (lambda t: t.get("x"), 1, 0),
    "all of them": (lambda t: t, 10, 0),
    "a count": (lambda t: t.count(), 10, 0),
    "a range": (lambda t: t.between(2, 5), 3, 0),
    "some by their keys": (lambda t: t.get_all(1, 2), 2, 0),
    "some by an index": (lambda t: t.get_all(0, index="a"), 4, 0),
    "a range of an index": (lambda t: t.between(1, 3, index="a"), 6, 0),
    "an insert": (lambda t: t.insert([{"id": 10}, {"id": 11}]), 0, 2),
    "an insert of what is there": (lambda t: t.insert({"id": 1}), 0, 1),
    "an update by key": (lambda t: t.get(1).update({"b": 1}), 0, 1),
    "an update of all": (lambda t: t.update({"b": 1}), 10, 10),
    "an update that changes nothing": (lambda t: t.get(1).update({"a": 1}), 0, 1),
    "a deletion": (lambda t: t.get(1).delete(), 0, 1),
}


@pytest.mark.parametrize(("work", "read", "written"), WORK.values(), ids=WORK)
def test_documents_are_counted(
    conn: Any, table: Any, table_id: str, server_id: str, work: Any, read: int, written: int
) -> None:
    table.insert(DOCUMENTS).run(conn)
    table.index_create("a").run(conn)
    table.index_wait().run(conn)
    place = ("table_server", table_id, server_id)
    before = one(conn, *place)["query_engine"]
    result(work(table).run(conn))
    after = one(conn, *place)["query_engine"]
    assert after["read_docs_total"] - before["read_docs_total"] == read
    assert after["written_docs_total"] - before["written_docs_total"] == written


def test_a_dropped_table_has_no_figures(conn: Any, table_name: str, table_id: str) -> None:
    assert one(conn, "table", table_id) is not None
    r.table_drop(table_name).run(conn)
    assert one(conn, "table", table_id) is None


def test_nobody_writes_figures(conn: Any) -> None:
    result = STATS.get(["cluster"]).update({"a": 1}).run(conn)
    assert result["first_error"] == "It's illegal to write to the `rethinkdb.stats` table."


def test_a_feed_of_figures(conn: Any, table: Any, table_id: str) -> None:
    feed = STATS.get(["table", table_id]).changes().run(conn)
    table.insert(DOCUMENTS).run(conn)
    assert feed.next(wait=PATIENCE)["new_val"]["id"] == ["table", table_id]
    feed.close()


@embedded_only
def test_a_watched_table_leaves_no_thread() -> None:
    def watching() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.endswith("watch-stats")}

    before = watching()
    with Server() as server, r.connect(host=server.host, port=server.port) as conn:
        first, second = STATS.changes().run(conn), STATS.changes().run(conn)
        (thread,) = watching() - before
        first.close()
        second.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        feed = STATS.changes(include_initial=True).run(conn)
        (thread,) = watching() - before
        assert feed.error is None
    thread.join(PATIENCE)
    assert not thread.is_alive()


# -- a rate


def test_a_rate_rolls_over_a_second() -> None:
    now = 100.0
    meter = Meter(lambda: now)
    meter.record(10)
    assert (meter.total, meter.per_second) == (10, 10)
    now = 101.25
    assert meter.per_second == 7.5
    meter.record(4)
    assert meter.per_second == 11.5
    now = 102.5
    assert meter.per_second == 2
    now = 110.0
    assert (meter.total, meter.per_second) == (14, 0)


# -- logs


def test_the_rows_of_the_log(conn: Any, table: Any, table_id: str, server_id: str) -> None:
    rows = SYSTEM.table("logs").filter(r.row["message"].match(table_id)).run(conn)
    row = next(row for row in rows if row["message"].endswith("Added replica on this server."))
    time, server = row["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}", time)
    assert server == server_id
    assert row["server"] == conn.server()["name"]
    assert row["level"] == "info"
    assert row["uptime"] > 0
    told = datetime.fromisoformat(time[:-3]).replace(tzinfo=timezone.utc)
    assert abs((row["timestamp"] - told).total_seconds()) < 0.01


def test_a_feed_of_the_log(conn: Any, table_name: str, table_id: str) -> None:
    feed = SYSTEM.table("logs").changes()["new_val"]["message"].run(conn)
    r.table_drop(table_name).run(conn)
    while feed.next(wait=PATIENCE) != f"Table {table_id}: Deleted the table.":
        pass
    feed.close()


def test_the_log_is_bounded(conn: Any) -> None:
    assert SYSTEM.table("logs").count().run(conn) <= 1000


@embedded_only
def test_the_log_tells_of_the_start() -> None:
    with Server() as server, r.connect(host=server.host, port=server.port) as conn:
        logs = list(SYSTEM.table("logs").order_by("id").run(conn))
        name, id = conn.server()["name"], conn.server()["id"]
    messages = [row["message"] for row in logs]
    assert f"Listening for client driver connections on port {server.port}" in messages
    assert messages[-1] == f'Server ready, "{name}" {id}'
    assert {row["level"] for row in logs} == {"notice"}


# -- jobs


def test_a_job_names_its_client(conn: Any) -> None:
    jobs = SYSTEM.table("jobs").run(conn)
    job = next(job for job in jobs if job["info"].get("client_port") == conn.client_port())
    assert job["info"]["client_address"] == conn.client_address()
    assert job["info"]["query"] == 'r.db("rethinkdb").table("jobs")'


def test_a_long_query_is_broken_into_lines(conn: Any) -> None:
    def shown(default: str) -> str:
        mine = {"info": {"client_port": conn.client_port()}}
        (job,) = SYSTEM.table("jobs").filter(mine, default=default).run(conn)
        source: str = job["info"]["query"]
        return source

    line = (
        'r.db("rethinkdb").table("jobs").filter({"info": {"client_port": 12345}}, {"default": ""})'
    )
    room = 89 - len(line)
    assert "\n" not in shown("x" * room)
    assert shown("x" * (room + 1)).count("\n") > 1


def test_a_feed_of_jobs(conn: Any) -> None:
    feed = SYSTEM.table("jobs").changes().run(conn)
    change: dict[str, Any] = {"old_val": None, "new_val": None}
    while not all(change.values()):  # until one has run on, rather than begun or ended
        change = feed.next(wait=PATIENCE)
    old, new = change["old_val"], change["new_val"]
    assert old["id"] == new["id"]
    assert old["duration_sec"] < new["duration_sec"]
    feed.close()
