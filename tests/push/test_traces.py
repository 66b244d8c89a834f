"""Handlers on every loop: the same traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rethinkdb import loops
from rethinkdb.embedded import Server
from rethinkdb.loops.conformance import Scenario, Skip, name_of, run_scenario
from rethinkdb.loops.conformance.drivers import DRIVERS

from . import emitting, traces


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


SCENARIOS = (*traces.SCENARIOS, *emitting.SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_trace(loop: str, scenario: Scenario, server: Server) -> None:
    try:
        connection_type = loops.load(loop)
    except ImportError as exc:
        pytest.skip(str(exc))
    try:
        run_scenario(scenario, DRIVERS[loop](), connection_type, server)
    except Skip as exc:
        pytest.skip(str(exc))
