"""The server that callbacks are tried on: embedded, unless RETHINKDB_TEST_SERVER names another."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from rethinkdb.embedded import Server
from rethinkdb.loops.conformance.trial import ServerAddress
from tests.embedded.support import REAL_SERVER


@pytest.fixture(scope="session")
def server() -> Iterator[ServerAddress]:
    """Has `host` and `port`."""
    if REAL_SERVER:
        host, _, port = REAL_SERVER.rpartition(":")
        yield SimpleNamespace(host=host, port=int(port))
        return
    with Server() as embedded:
        yield embedded
