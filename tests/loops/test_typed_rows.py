"""Rows as objects: every loop passes the same scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rethinkdb.embedded import Server
from rethinkdb.testing.conformance import Scenario, name_of, typed
from rethinkdb.testing.conformance.drivers import DRIVERS
from tests.trying import try_on


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("scenario", typed.SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_scenario(loop: str, scenario: Scenario, server: Server) -> None:
    try_on(loop, scenario, server)
