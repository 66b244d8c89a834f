"""Trying a scenario on a loop, on the server under test: shared by several directories of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from rethinkdb import loops
from rethinkdb.embedded import Server
from rethinkdb.net.connection import BaseConnection
from rethinkdb.testing.conformance import Driver, Scenario, Skip, run_scenario
from rethinkdb.testing.conformance import clusters as scenarios_of_clusters
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.trial import ServerAddress
from tests.clusters import REAL_CLUSTER, real_cluster

REAL_SERVER = os.environ.get("RETHINKDB_TEST_SERVER", "")
"""`host:port` of a server to test in place of an embedded one."""

if REAL_CLUSTER:
    scenarios_of_clusters.cluster_maker = real_cluster


@contextmanager
def server_under_test() -> Iterator[ServerAddress]:
    """The real one if there is one, else one of our own."""
    if REAL_SERVER:
        host, _, port = REAL_SERVER.rpartition(":")
        yield SimpleNamespace(host=host, port=int(port))
        return
    with Server() as embedded:
        yield embedded


def installed(loop: str) -> type[BaseConnection]:
    """A loop's connection; skips the test where the loop's library is not installed."""
    try:
        return loops.load(loop)
    except ImportError as exc:
        pytest.skip(str(exc))


def try_on(
    loop: str, scenario: Scenario, server: ServerAddress, driver: Driver | None = None
) -> None:
    """Runs a scenario; one that says that it is not about such a loop is skipped."""
    connection_type = installed(loop)
    try:
        run_scenario(scenario, driver or DRIVERS[loop](), connection_type, server)
    except Skip as exc:
        pytest.skip(str(exc))
