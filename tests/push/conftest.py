"""The server that callbacks are tried on: embedded, unless RETHINKDB_TEST_SERVER names another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rethinkdb.testing.conformance.trial import ServerAddress
from tests.trying import server_under_test


@pytest.fixture(scope="session")
def server() -> Iterator[ServerAddress]:
    with server_under_test() as tested:
        yield tested
