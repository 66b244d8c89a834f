"""Tables none, or too few, of whose replicas are there: what is said of their configuration, and
where in a query it is said that rows cannot be read.
"""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster
from rethinkdb.errors import ReqlInternalError, ReqlOpFailedError
from tests.clusters import embedded_cluster_only

from ..support import Failure, outcome
from .support import NO_PRIMARY, unread, unwritten

REPAIR = (
    " If you do not expect the server(s) to recover, you can use `emergency_repair` to restore"
    " availability of the table."
    " <http://rethinkdb.com/api/javascript/reconfigure/#emergency-repair-mode>"
)


def unreachable(table: str, failing: str, *frames: int) -> Failure:
    said = (
        f"The server(s) hosting table `test.{table}` are currently unreachable. {failing}{REPAIR}"
    )
    return Failure(ReqlOpFailedError, said, frames)


@pytest.fixture
def without_majority(cluster: Cluster, table: Any) -> Any:
    """`test.t`, of whose three replicas one is there."""
    cluster.kill(2)
    cluster.kill(1)
    cluster.settle()
    return table


@pytest.fixture
def gone(cluster: Cluster, conn: Any) -> Any:
    """`test.t`, whose only replica is not there."""
    r.table_create("t").run(conn)
    r.table("t").insert({"id": 1}).run(conn)
    cluster.move_primary("test", "t", 1)
    cluster.settle()
    cluster.kill(1)
    cluster.settle()
    return r.table("t")


@embedded_cluster_only
def test_without_a_majority_nothing_is_configured(conn: Any, without_majority: Any) -> None:
    table = without_majority
    for term, expected in (
        (table.index_create("b"), unreachable("b", "The secondary index was not created.")),
        (table.index_drop("b"), unreachable("b", "The secondary index was not dropped.")),
        (table.index_rename("b", "b"), unreachable("b", "The secondary index was not renamed.")),
        (table.rebalance(), unreachable("t", "The table was not rebalanced.")),
        (
            table.reconfigure(shards=1, replicas=1),
            unreachable("t", "The table was not reconfigured."),
        ),
    ):
        assert outcome(conn, term) == expected
    written = table.config().update({"durability": "soft"}).run(conn)
    failing = "The table's configuration was not changed."
    assert written["first_error"] == unreachable("t", failing).message
    assert outcome(conn, table.index_list()) == []
    assert outcome(conn, table.info()["doc_count_estimates"]) == [10]
    assert outcome(conn, table.reconfigure(shards=1, replicas=1, dry_run=True)["reconfigured"]) == 0


@embedded_cluster_only
def test_what_is_not_known_of_a_table_that_is_gone(conn: Any, gone: Any) -> None:
    indexes = "Failed to retrieve all secondary indexes."
    assert outcome(conn, gone.index_list()) == unreachable("t", indexes)
    assert outcome(conn, gone.index_status()) == unreachable("t", indexes)
    assert outcome(conn, gone.index_wait().count()) == unreachable("t", indexes, 0)
    assert outcome(conn, gone.info()) == unreachable("t", "")
    config = gone.config().run(conn)
    assert config["error"] == "None of the replicas for this table are accessible."
    assert set(config) == {"db", "error", "id", "name"}
    unknown = "Failed to retrieve the table's configuration, it was not changed."
    written = gone.config().update({"durability": "soft"}).run(conn)
    assert written["first_error"] == unreachable("t", unknown).message
    repaired = outcome(conn, gone.reconfigure(emergency_repair="unsafe_rollback"))
    assert "The table was not repaired. At least one" in repaired.message


@embedded_cluster_only
def test_whether_it_has_a_write_hook_is_not_known_either(conn: Any, gone: Any) -> None:
    said = (
        "Unexpected exception: The attempt to read or modify the table's configuration failed"
        " because none of the servers were accessible.  If it was an attempt to modify, the"
        " modification did not take place."
    )
    failure = Failure(ReqlInternalError, said, ())
    for term in (gone.insert({"id": 2}), gone.get(1).delete(), gone.get(1).update({"a": 1})):
        assert outcome(conn, term) == failure
    assert outcome(conn, gone.update({"a": 1})) == unread(NO_PRIMARY)
    assert outcome(conn, gone.get_write_hook()) == failure
    assert outcome(conn, gone.insert([]))["inserted"] == 0
    assert outcome(conn, gone.sync()) == unwritten(NO_PRIMARY)


@embedded_cluster_only
def test_servers_that_are_away_may_stay_in_a_configuration(
    cluster: Cluster, conn: Any, table: Any
) -> None:
    cluster.kill(2)
    written = table.config().update({"durability": "soft"}).run(conn)
    assert written["replaced"] == 1
    assert len(table.config()["shards"][0]["replicas"].run(conn)) == 3


@embedded_cluster_only
def test_where_it_is_said(conn: Any, gone: Any) -> None:
    """At the term that wanted the rows, as for rows that may not be read."""
    text = unread(NO_PRIMARY).message
    for term, *frames in (
        (gone.count(),),
        (gone.count() + 1, 0),
        (gone.count().default(7), 0),
        (r.branch(gone.count() > 1, 1, 2), 0, 0),
        (r.expr([gone.get(1)]),),
        (r.expr([1]).map(lambda key: gone.get(key)), 1),
        (gone.coerce_to("array").count(), 0),
        (gone.nth(0)["a"], 0, 0),
    ):
        assert outcome(conn, term) == Failure(ReqlOpFailedError, text, tuple(frames)), term
