"""One table of faults, and on every loop the same outcomes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rethinkdb.embedded import Server
from rethinkdb.testing.conformance import FAULTS, Expectation, fault_scenario
from rethinkdb.testing.conformance.drivers import DRIVERS
from tests.trying import try_on


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("expectation", FAULTS, ids=str)
@pytest.mark.parametrize("loop", DRIVERS)
def test_outcome(loop: str, expectation: Expectation, server: Server) -> None:
    try_on(loop, fault_scenario(expectation), server)
