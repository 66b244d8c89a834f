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
from rethinkdb.testing.proxy import FaultProxy

REAL_CLUSTER = os.environ.get("RETHINKDB_TEST_CLUSTER", "")
"""`host:port,host:port,host:port` of a cluster to test on in place of an embedded one."""

embedded_cluster_only = pytest.mark.skipif(
    bool(REAL_CLUSTER), reason="does what cannot be done to RETHINKDB_TEST_CLUSTER from outside"
)


class RealCluster:
    """A real cluster, with that part of `Cluster` which can be done from outside.

    A proxy stands before each server. So a server that is stopped or killed is gone for clients,
    though not for the rest of its cluster.

    Args:
        addresses: of its servers.
    """

    def __init__(self, addresses: list[str]) -> None:
        self.real = addresses
        self._proxies = [
            FaultProxy(host, int(port))
            for host, _, port in (address.rpartition(":") for address in addresses)
        ]
        self.addresses: list[str] = []

    def __enter__(self) -> RealCluster:
        for proxy in self._proxies:
            proxy.start()
        self.addresses = [f"{proxy.host}:{proxy.port}" for proxy in self._proxies]
        self.url = f"rethinkdb://{','.join(self.addresses)}"
        with self._asked() as conn:
            rows = r.db("rethinkdb").table("server_status").run(conn)
            ports = {row["network"]["reql_port"]: row["name"] for row in rows}
            self._tables = r.db("test").table_list().run(conn)
        self.names = [ports[int(address.rpartition(":")[2])] for address in self.real]
        return self

    def __exit__(self, *exc_info: object) -> None:
        for proxy in self._proxies:
            proxy.stop()
        with self._asked() as conn:
            for table in r.db("test").table_list().difference(self._tables).run(conn):
                r.db("test").table_drop(table).run(conn)

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        """A connection beside the proxies."""
        host, _, port = self.real[0].rpartition(":")
        with r.connect(host, int(port)) as conn:
            yield conn

    def kill(self, n: int) -> None:
        self._proxies[n].stop()

    stop = kill

    def cut(self, n: int) -> None:
        self._proxies[n].cut()

    def start(self, n: int) -> None:
        if not self._proxies[n].listening:
            self._proxies[n].start()

    def primary(self, db: str, table: str) -> int | None:
        with self._asked() as conn:
            leaders = r.db(db).table(table).status()["shards"][0]["primary_replicas"].run(conn)
        return self.names.index(leaders[0]) if leaders else None

    def move_primary(self, db: str, table: str, n: int, *, seconds: float | None = None) -> None:
        name = self.names[n]
        with self._asked() as conn:
            config = r.db(db).table(table).config()
            shards = config["shards"].run(conn)
            for shard in shards:
                shard["primary_replica"] = name
                shard["replicas"] = sorted({name, *shard["replicas"]})
            config.update({"shards": shards}).run(conn)

    def settle(self) -> None:
        with self._asked() as conn:
            for db in r.db_list().difference(["rethinkdb"]).run(conn):
                r.db(db).wait().run(conn)


def real_cluster(servers: int = 3) -> RealCluster:
    """The one that RETHINKDB_TEST_CLUSTER names, or the first of its servers."""
    return RealCluster(REAL_CLUSTER.split(",")[:servers])


@contextmanager
def cluster_under_test(pace: float = math.inf) -> Iterator[Cluster | RealCluster]:
    """The real one if there is one, else one of our own."""
    if REAL_CLUSTER:
        with real_cluster() as real:
            yield real
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


def port_of(cluster: Any, n: int) -> int:
    """The driver port of a server, as its cluster knows it: no proxy's."""
    places = cluster.real if isinstance(cluster, RealCluster) else cluster.addresses
    return int(places[n].rpartition(":")[2])


def connect(cluster: Any, n: int) -> Any:
    """The same, to be closed by the caller."""
    host, _, port = cluster.addresses[n].rpartition(":")
    return r.connect(host, int(port))
