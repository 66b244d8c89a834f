"""Connections and tables of a cluster; the cluster itself is a fixture of the whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster
from tests.clusters import connected

from ..support import names

_names = names("cl")


@pytest.fixture
def conn(cluster: Any) -> Iterator[Any]:
    """A connection to server 0, which leads no table of these tests."""
    with connected(cluster, 0) as conn:
        yield conn


@pytest.fixture
def table(conn: Any, cluster: Cluster) -> Any:
    """`test.t` with replicas on all servers of an embedded cluster, led by server 1."""
    r.table_create("t", replicas=3).run(conn)
    cluster.move_primary("test", "t", 1)
    cluster.settle()
    r.table("t").insert([{"id": number} for number in range(10)]).run(conn)
    return r.table("t")


@pytest.fixture
def database(conn: Any) -> Iterator[str]:
    name = next(_names)
    r.db_create(name).run(conn)
    yield name
    r.db_drop(name).run(conn)
