"""Several servers of the same data: what was under way when one went, links, standing still."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlInternalError,
    ReqlOpIndeterminateError,
)
from tests.clusters import connect, connected, embedded_cluster_only

from ..support import PATIENCE, Failure, outcome
from .support import LOST, SYSTEM, in_thread, under_way, unread, unwritten


@embedded_cluster_only
@pytest.mark.parametrize("done", [False, True])
def test_a_write_under_way_is_indeterminate(
    cluster: Cluster, conn: Any, table: Any, done: bool
) -> None:
    cluster.freeze(1, takes_writes=done)
    thread, found = in_thread(cluster, table.insert({"id": 50}))
    under_way(conn, "insert")
    if done:  # seen by nobody but the frozen server, and in the store
        deadline = time.monotonic() + PATIENCE
        while len(cluster.store.table("test", "t").rows) == 10:
            assert time.monotonic() < deadline
    assert not found
    cluster.kill(1)
    thread.join(PATIENCE)
    assert found == [unwritten(LOST, ReqlOpIndeterminateError)]
    cluster.settle()
    assert outcome(conn, table.get(50)) == ({"id": 50} if done else None)


@embedded_cluster_only
def test_a_read_under_way_fails(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.freeze(1)
    thread, found = in_thread(cluster, table.get(1))
    under_way(conn, r"get\(1\)")
    cluster.stop(1)
    thread.join(PATIENCE)
    assert found == [unread(LOST)]


@embedded_cluster_only
def test_a_frozen_primary_goes_on(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.freeze(1)
    thread, found = in_thread(cluster, table.insert({"id": 50}))
    under_way(conn, "insert")
    cluster.thaw(1)
    thread.join(PATIENCE)
    assert found[0]["inserted"] == 1


@embedded_cluster_only
def test_without_a_majority_awake_writes_wait(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.freeze(2)
    table.insert({"id": 50}).run(conn)
    cluster.kill(0)
    with connected(cluster, 1) as other:
        thread, found = in_thread(cluster, table.insert({"id": 51}), 1)
        under_way(other, "51")
        cluster.thaw(2)
        thread.join(PATIENCE)
    assert found[0]["inserted"] == 1


@embedded_cluster_only
def test_a_table_dropped_under_a_write(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.freeze(1)
    thread, found = in_thread(cluster, table.insert({"id": 50}))
    under_way(conn, "insert")
    r.table_drop("t").run(conn)
    thread.join(PATIENCE)
    text = "Unexpected exception: There is no table with the given name / UUID"
    assert found == [Failure(ReqlInternalError, text)]


@embedded_cluster_only
def test_a_query_that_waits_can_be_stopped(cluster: Cluster, conn: Any, table: Any) -> None:
    cluster.freeze(1)
    thread, found = in_thread(cluster, table.get(1))
    under_way(conn, r"get\(1\)")
    SYSTEM.table("jobs").filter(r.row["info"]["query"].match(r"get\(1\)")).delete().run(conn)
    thread.join(PATIENCE)
    assert isinstance(found[0], Failure)
    assert found[0].message == "Query terminated by the `rethinkdb.jobs` table."


# -- links


@embedded_cluster_only
def test_a_stopped_server_refuses_and_comes_back(cluster: Cluster) -> None:
    address = cluster.addresses[2]
    lost = connect(cluster, 2)
    cluster.stop(2)
    cluster.stop(2)
    assert not cluster.running(2)
    with pytest.raises(ReqlConnectionLostError):
        r.expr(1).run(lost)
    lost.close()
    with pytest.raises(ReqlDriverError):
        connect(cluster, 2)
    cluster.start(2)
    assert cluster.running(2)
    assert cluster.addresses[2] == address
    with connected(cluster, 2) as conn:
        assert r.expr(1).run(conn) == 1


@embedded_cluster_only
def test_a_server_that_is_cut_off_goes_on(cluster: Cluster) -> None:
    lost = connect(cluster, 2)
    cluster.cut(2)
    with pytest.raises(ReqlConnectionLostError):
        r.expr(1).run(lost)
    lost.close()
    with connected(cluster, 2) as conn:
        assert r.expr(1).run(conn) == 1


@embedded_cluster_only
def test_a_frozen_server_is_silent(cluster: Cluster) -> None:
    found: list[int] = []
    with connected(cluster, 2) as conn:
        cluster.freeze(2)
        thread = threading.Thread(target=lambda: found.append(r.expr(1).run(conn)))
        thread.start()
        with pytest.raises(ReqlDriverError):
            r.connect("127.0.0.1", int(cluster.addresses[2].rpartition(":")[2]), timeout=0.05)
        assert not found
        cluster.thaw(2)
        thread.join(PATIENCE)
        assert found == [1]
    with connected(cluster, 2) as conn:
        assert r.expr(2).run(conn) == 2
