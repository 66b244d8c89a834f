"""Every loop passes the same scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rethinkdb import loops
from rethinkdb.embedded import Server
from rethinkdb.testing import conformance
from rethinkdb.testing.conformance import Scenario, name_of
from rethinkdb.testing.conformance.drivers import DRIVERS
from tests.trying import try_on

SCENARIOS = [
    *conformance.queries.SCENARIOS,
    *conformance.cursors.SCENARIOS,
    *conformance.values.SCENARIOS,
    *conformance.links.SCENARIOS,
    *conformance.moments.SCENARIOS,
    *conformance.timing.SCENARIOS,
    *conformance.sharing.SCENARIOS,
    *conformance.watching.SCENARIOS,
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


def test_every_built_in_loop_has_a_driver() -> None:
    assert set(DRIVERS) == set(loops.BUILT_IN)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_scenario(loop: str, scenario: Scenario, server: Server) -> None:
    try_on(loop, scenario, server)
