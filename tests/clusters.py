"""A cluster under test: an embedded one, unless RETHINKDB_TEST_CLUSTER names a real one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster

REAL_CLUSTER = os.environ.get("RETHINKDB_TEST_CLUSTER", "")
"""`host:port,host:port,host:port` of a cluster to test on in place of an embedded one."""

embedded_cluster_only = pytest.mark.skipif(
    bool(REAL_CLUSTER), reason="does what cannot be done to RETHINKDB_TEST_CLUSTER from outside"
)


class RealCluster:
    """A real cluster, with that part of `Cluster` which queries can do.

    Args:
        addresses: of its servers.
    """

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.url = f"rethinkdb://{','.join(addresses)}"
        with connected(self, 0) as conn:
            rows = r.db("rethinkdb").table("server_status").run(conn)
            ports = {row["network"]["reql_port"]: row["name"] for row in rows}
        self.names = [ports[int(address.rpartition(":")[2])] for address in addresses]

    def primary(self, db: str, table: str) -> int | None:
        with connected(self, 0) as conn:
            leaders = r.db(db).table(table).status()["shards"][0]["primary_replicas"].run(conn)
        return self.names.index(leaders[0]) if leaders else None

    def move_primary(self, db: str, table: str, n: int, *, seconds: float | None = None) -> None:
        name = self.names[n]
        with connected(self, 0) as conn:
            config = r.db(db).table(table).config()
            shards = config["shards"].run(conn)
            for shard in shards:
                shard["primary_replica"] = name
                shard["replicas"] = sorted({name, *shard["replicas"]})
            config.update({"shards": shards}).run(conn)

    def settle(self) -> None:
        with connected(self, 0) as conn:
            for db in r.db_list().difference(["rethinkdb"]).run(conn):
                r.db(db).wait().run(conn)


@contextmanager
def cluster_under_test(pace: float = math.inf) -> Iterator[Cluster | RealCluster]:
    """The real one if there is one, else one of our own."""
    if REAL_CLUSTER:
        yield RealCluster(REAL_CLUSTER.split(","))
        return
    with Cluster(3, pace=pace) as cluster:
        yield cluster


@contextmanager
def connected(cluster: Any, n: int) -> Iterator[Any]:
    """A blocking connection to one server of a cluster."""
    conn = connect(cluster, n)
    try:
        yield conn
    finally:
        conn.close(noreply_wait=False)


def connect(cluster: Any, n: int) -> Any:
    """The same, to be closed by the caller."""
    host, _, port = cluster.addresses[n].rpartition(":")
    return r.connect(host, int(port))
