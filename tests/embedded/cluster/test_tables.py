"""Several servers of the same data: what queries, feeds and tables of the system say when one
goes, as observed on a real cluster.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster, Server
from rethinkdb.errors import ReqlOpFailedError, ReqlOpIndeterminateError
from tests.clusters import connected, embedded_cluster_only, port_of

from ..support import PATIENCE, Failure, outcome, result
from .support import (
    ABORTED,
    CHANGING,
    NO_PRIMARY,
    NO_QUORUM_READ,
    NO_QUORUM_WRITE,
    SYSTEM,
    in_thread,
    under_way,
    unread,
    unsubscribed,
    unwritten,
)

# -- on a real cluster as well


def test_each_server_says_who_it_is_and_whom_it_sees(cluster: Any) -> None:
    for n, name in enumerate(cluster.names):
        with connected(cluster, n) as conn:
            assert conn.server()["name"] == name
            rows = {row["name"]: row for row in SYSTEM.table("server_status").run(conn)}
            assert set(rows) == set(cluster.names)
            for other in rows:
                network = rows[other]["network"]
                assert network["connected_to"] == {each: True for each in rows if each != other}
                assert network["canonical_addresses"][0].keys() == {"host", "port"}
            assert rows[name]["network"]["reql_port"] == port_of(cluster, n)
            config = SYSTEM.table("server_config").run(conn)
            assert sorted(row["name"] for row in config) == sorted(cluster.names)


def test_where_replicas_are(cluster: Any, conn: Any, database: str) -> None:
    db = r.db(database)
    created = db.table_create("a", replicas=3).run(conn)["config_changes"][0]["new_val"]
    (shard,) = created["shards"]
    assert sorted(shard["replicas"]) == sorted(cluster.names)
    assert shard["primary_replica"] == shard["replicas"][0]
    assert db.table("a").wait().run(conn) == {"ready": 1}
    status = db.table("a").status().run(conn)
    assert status["shards"] == [
        {
            "primary_replicas": [shard["primary_replica"]],
            "replicas": [{"server": name, "state": "ready"} for name in shard["replicas"]],
        }
    ]
    assert outcome(conn, db.table_create("b", replicas=4)) == Failure(
        ReqlOpFailedError,
        "Can't put 4 replicas on servers with the tag `default` because there are only 3 servers"
        " with the tag `default`. It's impossible to have more replicas of the data than there are"
        " servers.",
    )
    plan = db.table("a").reconfigure(shards=3, replicas=1, dry_run=True).run(conn)
    shards = plan["config_changes"][0]["new_val"]["shards"]
    assert sorted(each["primary_replica"] for each in shards) == sorted(cluster.names)


@pytest.mark.parametrize(
    ("shard", "said"),
    [
        ({"primary_replica": "nobody", "replicas": [0]}, "In `primary_replica`: Server `nobody`"),
        (
            {"primary_replica": 1, "replicas": [0]},
            "The server listed in the `primary_replica` field (`{1}`) must also appear in"
            " `replicas`.",
        ),
        (
            {"primary_replica": 0, "replicas": [0, 0]},
            "In `replicas`: Server `{0}` is listed more than once.",
        ),
        (
            {"primary_replica": 0, "replicas": [0, 1], "nonvoting_replicas": [2]},
            "Every server listed in the `nonvoting_replicas` field must also appear in `replicas`.",
        ),
    ],
)
def test_what_no_shard_can_be(
    cluster: Any, conn: Any, database: str, shard: dict[str, Any], said: str
) -> None:
    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(each) for each in value]
        return cluster.names[value] if isinstance(value, int) else value

    r.db(database).table_create("a").run(conn)
    written = {key: named(value) for key, value in shard.items()}
    answer = r.db(database).table("a").config().update({"shards": [written]}).run(conn)
    expected = (
        "The change you're trying to make to `rethinkdb.table_config` has the wrong format. In"
        f" `shards`: {said.format(*cluster.names)}"
    )
    assert answer["first_error"].startswith(expected)


def test_a_primary_that_moves_ends_feeds(cluster: Any, conn: Any, database: str) -> None:
    table = r.db(database).table("a")
    r.db(database).table_create("a", replicas=3).run(conn)
    table.wait().run(conn)
    feed = table.changes().run(conn)
    target = (cluster.primary(database, "a") + 1) % 3
    cluster.move_primary(database, "a", target)
    cluster.settle()
    with pytest.raises(ReqlOpFailedError, match=ABORTED):
        feed.next(wait=PATIENCE)
    assert table.wait().run(conn) == {"ready": 1}
    assert cluster.primary(database, "a") == target
    assert table.insert({"id": 1}).run(conn)["inserted"] == 1


@embedded_cluster_only
def test_figures_of_each_server(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.kill(2)
    rows = SYSTEM.table("stats").run(conn)
    there = {(row["id"][0], row.get("table"), row.get("server")) for row in rows}
    first, second, _ = cluster.names
    assert there == {
        ("cluster", None, None),
        ("server", None, first),
        ("server", None, second),
        ("table", "t", None),
        ("table_server", "t", first),
        ("table_server", "t", second),
    }


# -- moves


@embedded_cluster_only
def test_what_is_answered_while_a_primary_moves(cluster: Cluster, conn: Any, table: Any) -> None:
    feeds = [
        feed.changes().run(conn)
        for feed in (table, table.get(1), table.filter({"a": 1}), table.order_by(index="id")[:3])
    ]
    cluster.move_primary("test", "t", 2)
    assert outcome(conn, table.insert({"id": 50})) == unwritten(CHANGING)
    assert outcome(conn, table.get(1)) == {"id": 1}
    assert cluster.step()
    for feed in feeds:
        with pytest.raises(ReqlOpFailedError, match=ABORTED):
            feed.next(wait=PATIENCE)
    assert outcome(conn, table.insert({"id": 50})) == unwritten(NO_PRIMARY)
    assert outcome(conn, table.get(1).update({"a": 1})) == unwritten(NO_PRIMARY)
    assert outcome(conn, table.update({"a": 1})) == unread(NO_PRIMARY)
    for read in (table, table.get(1), table.get_all(1, 2), table.between(1, 2), table.count()):
        assert outcome(conn, read) == unread(NO_PRIMARY)
    failed = Failure(ReqlOpFailedError, unsubscribed(NO_PRIMARY), ())
    assert outcome(conn, table.changes()) == failed
    assert outcome(conn, table.get(1).changes()) == failed
    assert cluster.primary("test", "t") is None
    assert cluster.step()
    assert outcome(conn, table.get(1)) == unread(NO_QUORUM_READ)
    settling = unwritten(NO_QUORUM_WRITE, ReqlOpIndeterminateError)
    assert outcome(conn, table.insert({"id": 50})) == settling
    assert cluster.step()
    assert not cluster.step()
    assert cluster.primary("test", "t") == 2
    assert outcome(conn, table.get(50)) is None
    assert outcome(conn, table.insert({"id": 50}))["inserted"] == 1


@embedded_cluster_only
def test_a_configuration_moves_it_as_well(cluster: Cluster, conn: Any, table: Any) -> None:
    shard = {"primary_replica": cluster.names[2], "replicas": cluster.names}
    assert table.config().update({"shards": [shard]}).run(conn)["replaced"] == 1
    assert outcome(conn, table.insert({"id": 50})) == unwritten(CHANGING)
    cluster.settle()
    assert cluster.primary("test", "t") == 2


@embedded_cluster_only
def test_a_table_without_further_replicas_moves(cluster: Cluster, conn: Any) -> None:
    r.table_create("t").run(conn)
    cluster.move_primary("test", "t", 2)
    cluster.settle()
    (shard,) = r.table("t").config()["shards"].run(conn)
    assert shard["replicas"] == [shard["primary_replica"]] == [cluster.names[2]]


@embedded_cluster_only
def test_a_table_that_is_divided(cluster: Cluster, conn: Any, table: Any) -> None:
    feed = table.changes().run(conn)
    assert table.reconfigure(shards=2, replicas=3).run(conn)["reconfigured"] == 1
    with pytest.raises(ReqlOpFailedError, match=ABORTED):
        feed.next(wait=PATIENCE)
    for _ in range(2):  # no writes, then no primary
        cluster.step()
    first, second = (
        f"primary replica for shard [{keys}) not available"
        for keys in ('"", "Nc014000000000000\\x235"', '"Nc014000000000000\\x235", +inf')
    )
    while outcome(conn, table.get(1)) != {"id": 1}:  # one part after the other
        assert outcome(conn, table.get(1)).message in (
            f"Cannot perform read: {first}",
            f"Cannot perform read: {NO_QUORUM_READ}",
        )
        assert cluster.step()
    assert outcome(conn, table.get(7)).message in (
        f"Cannot perform read: {second}",
        f"Cannot perform read: {NO_QUORUM_READ}",
    )
    cluster.settle()
    assert outcome(conn, table.count()) == 10
    assert len(table.status()["shards"].run(conn)) == 2


@embedded_cluster_only
def test_a_part_that_is_gone(cluster: Cluster, conn: Any, table: Any) -> None:
    """As observed on a real cluster of two servers, each with one of the parts."""
    shards = [{"primary_replica": cluster.names[n], "replicas": [cluster.names[n]]} for n in (0, 1)]
    table.config().update({"shards": shards}).run(conn)
    cluster.settle()
    feeds = [feed.changes().run(conn) for feed in (table, table.get(1), table.between(0, 3))]
    cluster.kill(1)
    cluster.settle()
    for feed in feeds:  # those on the other part as well
        with pytest.raises(ReqlOpFailedError, match=ABORTED):
            feed.next(wait=PATIENCE)
    said = 'primary replica for shard ["Nc014000000000000\\x235", +inf) not available'
    gone, lost = unread(said), unwritten(said)
    cursor = table.between(0, 5).run(conn, max_batch_rows=2, min_batch_rows=2)
    assert len(list(cursor)) == 5
    for term, expected in (
        (table.get(1), {"id": 1}),
        (table.get(9), gone),
        (table.get_all(1, 2).count(), 2),
        (table.get_all(1, 9).count(), gone),
        (table.between(0, 5).count(), 5),
        (table.between(0, 5, right_bound="closed").count(), gone),
        (table.between(5, 9).count(), gone),
        (table.between(r.minval, 3).count(), 3),
        (table.count(), gone),
        (table.order_by(index="id").limit(2), gone),
        (table.get(1).update({"a": 1})["replaced"], 1),
        (table.get(9).update({"a": 1}), lost),
        (table.insert({"id": -6})["inserted"], 1),
        (table.insert([{"id": -5}, {"id": 1000}]), lost),
        (table.sync(), lost),
    ):
        assert outcome(conn, term) == expected, term
    assert outcome(conn, table.get(-5)) is None
    assert outcome(conn, table.get(1).changes()).message == unsubscribed(said)


# -- servers that go


@embedded_cluster_only
def test_a_primary_that_is_killed(cluster: Cluster, conn: Any, table: Any) -> None:
    feed = table.changes().run(conn)
    cluster.kill(1)
    with pytest.raises(ReqlOpFailedError, match=ABORTED):
        feed.next(wait=PATIENCE)
    assert outcome(conn, table.get(1)) == unread(NO_PRIMARY)
    outdated = r.table("t", read_mode="outdated")
    assert outcome(conn, outdated.count()) == 10
    dead = cluster.names[1]
    seen = SYSTEM.table("server_status")["name"].run(conn)
    assert sorted(seen) == [cluster.names[0], cluster.names[2]]
    status = table.status().run(conn)
    (shard,) = status["shards"]
    states = {replica["server"]: replica["state"] for replica in shard["replicas"]}
    waiting = "waiting_for_primary"
    assert states == dict(zip(cluster.names, (waiting, "disconnected", waiting), strict=True))
    assert shard["primary_replicas"] == []
    assert status["status"] == {
        "all_replicas_ready": False,
        "ready_for_outdated_reads": True,
        "ready_for_reads": False,
        "ready_for_writes": False,
    }
    (issue,) = result(SYSTEM.table("current_issues").run(conn))
    assert (issue["type"], issue["critical"]) == ("table_availability", True)
    assert issue["description"] == (
        "Table `test.t` is available for outdated reads, but not up-to-date reads or writes."
        f" The following servers are not reachable: {dead}"
    )
    assert issue["info"]["status"] == status["status"]
    cluster.settle()
    assert cluster.primary("test", "t") == 0
    assert outcome(conn, table.insert({"id": 50}))["inserted"] == 1
    (issue,) = result(SYSTEM.table("current_issues").run(conn))
    assert not issue["critical"]
    assert issue["description"].startswith("Table `test.t` is available for all operations, but")


@embedded_cluster_only
def test_it_leads_again_once_it_is_back(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.kill(1)
    cluster.settle()
    feed = table.changes().run(conn)
    cluster.start(1)
    assert cluster.primary("test", "t") == 0
    table.insert({"id": 50}).run(conn)
    assert feed.next(wait=PATIENCE)["new_val"] == {"id": 50}
    cluster.settle()
    with pytest.raises(ReqlOpFailedError, match=ABORTED):
        feed.next(wait=PATIENCE)
    assert cluster.primary("test", "t") == 1
    assert result(SYSTEM.table("current_issues").run(conn)) == []


@embedded_cluster_only
def test_without_a_majority_nothing_goes_on(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.kill(1)
    cluster.settle()
    feed = table.changes().run(conn)
    cluster.kill(2)
    cluster.settle()
    assert outcome(conn, table.get(1)) == unread(NO_QUORUM_READ)
    assert outcome(conn, table.insert({"id": 50})) == unwritten(NO_QUORUM_WRITE)
    assert table.status()["raft_leader"].run(conn) is None
    assert outcome(conn, r.table("t", read_mode="outdated").count()) == 10
    cluster.start(2)
    assert outcome(conn, table.insert({"id": 50}))["inserted"] == 1
    assert feed.next(wait=PATIENCE)["new_val"] == {"id": 50}  # it was never lost


@embedded_cluster_only
def test_both_others_at_once(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.kill(1)
    cluster.kill(2)
    cluster.settle()
    assert outcome(conn, table.get(1)) == unread(NO_PRIMARY)
    cluster.start(2)
    cluster.settle()
    assert outcome(conn, table.get(1)) == {"id": 1}


@embedded_cluster_only
def test_a_table_all_of_whose_replicas_are_gone(cluster: Cluster, conn: Any) -> None:
    r.table_create("t").run(conn)
    cluster.move_primary("test", "t", 1)
    cluster.settle()
    cluster.stop(1)
    cluster.settle()
    outdated = r.table("t", read_mode="outdated")
    assert outcome(conn, outdated.count()) == unread("no replica is available")
    (issue,) = result(SYSTEM.table("current_issues").run(conn))
    assert issue["description"].startswith("Table `test.t` is not available for any operations.")
    cluster.start(1)
    cluster.settle()
    assert outcome(conn, r.table("t").count()) == 0


@embedded_cluster_only
def test_a_secondary_that_goes_does_no_harm(cluster: Cluster, conn: Any, table: Any) -> None:
    feed = table.changes().run(conn)
    cluster.kill(2)
    table.insert({"id": 50}).run(conn)
    assert feed.next(wait=PATIENCE)["new_val"] == {"id": 50}


@embedded_cluster_only
def test_a_scan_under_way_ends(cluster: Cluster, conn: Any, table: Any) -> None:
    cursor = table.run(conn, max_batch_rows=2, min_batch_rows=2)
    cursor.next()
    cluster.kill(1)
    with pytest.raises(ReqlOpFailedError, match=r"^Cannot perform read: primary replica"):
        list(cursor)


# -- time


@embedded_cluster_only
def test_waiting_for_a_table(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.kill(1)
    timed_out = Failure(ReqlOpFailedError, "Timed out while waiting for tables.")
    assert outcome(conn, table.wait(timeout=0)) == timed_out
    ready = {"ready": 1}
    assert outcome(conn, table.wait(wait_for="ready_for_outdated_reads", timeout=1)) == ready
    thread, found = in_thread(cluster, table.wait(wait_for="ready_for_writes"))
    under_way(conn, "wait")
    cluster.settle()
    thread.join(PATIENCE)
    assert found == [ready]
    thread, found = in_thread(cluster, table.wait())
    under_way(conn, "wait")
    assert not found  # a replica is missing
    cluster.start(1)
    cluster.settle()
    thread.join(PATIENCE)
    assert found == [ready]


@embedded_cluster_only
def test_a_window_of_some_time_ends_by_itself(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.move_primary("test", "t", 2, seconds=0.01)
    assert table.wait().run(conn) == {"ready": 1}
    assert cluster.primary("test", "t") == 2
    cluster.kill(2, seconds=0)
    assert outcome(conn, table.get(1)) == {"id": 1}


@embedded_cluster_only
def test_those_who_watch_servers_and_tables_are_told(
    cluster: Cluster, conn: Any, table: Any
) -> None:
    servers = SYSTEM.table("server_status").changes().run(conn)
    tables = table.status().changes().run(conn)
    cluster.kill(2)
    gone = servers.next(wait=PATIENCE)
    while gone["new_val"] is not None:  # the others do not see it any more
        gone = servers.next(wait=PATIENCE)
    assert gone["old_val"]["name"] == cluster.names[2]
    status = tables.next(wait=PATIENCE)["new_val"]
    assert not status["status"]["all_replicas_ready"]


def test_no_time_at_all() -> None:
    with Cluster(3, pace=0) as cluster, connected(cluster, 0) as conn:
        r.table_create("t", replicas=3).run(conn)
        for n in (1, 2, 0):
            cluster.move_primary("test", "t", n)
            assert cluster.primary("test", "t") == n
            assert r.table("t").insert({"n": n}).run(conn)["inserted"] == 1
        cluster.kill(2)
        cluster.start(2)
        assert not cluster.step()


def test_it_starts_from_a_saved_state(tmp_path: Path) -> None:
    with Server() as server, r.connect(server.host, server.port) as conn:
        r.table_create("t").run(conn)
        r.table("t").insert({"id": 1}).run(conn)
        server.save(tmp_path / "state")
    with Cluster(2, load=tmp_path / "state", pace=0) as cluster, connected(cluster, 1) as conn:
        assert sorted(SYSTEM.table("server_status")["name"].run(conn)) == cluster.names
        cluster.move_primary("test", "t", 1)
        cluster.kill(0)
        assert r.table("t").get(1).run(conn) == {"id": 1}


# -- mistakes


def test_what_cannot_be_asked_of_a_cluster() -> None:
    with pytest.raises(ValueError, match="at least one server, not 0"):
        Cluster(0)
    with pytest.raises(TypeError, match="`servers` must be a whole number, not '3'"):
        Cluster("3")  # type: ignore[arg-type]  # as an untyped program calls it
    with pytest.raises(
        ValueError, match=re.escape("`pace` must be 0 or more, or math.inf, not nan")
    ):
        Cluster(pace=math.nan)
    with Cluster(2, pace=math.inf) as cluster, connected(cluster, 0) as conn:
        with pytest.raises(ValueError, match="There is no server 'server_1': they are 0 to 1"):
            cluster.kill("server_1")  # type: ignore[arg-type]  # as an untyped program calls it
        with pytest.raises(ValueError, match=re.escape("There is no server 2: they are 0 to 1")):
            cluster.kill(2)
        with pytest.raises(ValueError, match=re.escape("Table `test.t` does not exist")):
            cluster.move_primary("test", "t", 1)
        r.table_create("t").run(conn)
        with pytest.raises(ValueError, match="`seconds` must be 0 or more"):
            cluster.move_primary("test", "t", 1, seconds=-1)
        cluster.stop(1)
        with pytest.raises(ValueError, match="Server 1 does not run"):
            cluster.move_primary("test", "t", 1)
        with pytest.raises(ValueError, match="Server 1 does not run"):
            cluster.freeze(1)


def test_it_starts_again_with_its_data() -> None:
    cluster = Cluster(2)
    with cluster, connected(cluster, 1) as conn:
        r.table_create("t", replicas=2).run(conn)
    addresses = cluster.addresses
    with cluster, connected(cluster, 0) as conn:
        assert cluster.addresses == addresses
        assert r.table_list().run(conn) == ["t"]
        assert r.table("t").wait().run(conn) == {"ready": 1}
