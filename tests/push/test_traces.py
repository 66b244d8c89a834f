"""Handlers on every loop: the same traces."""

from __future__ import annotations

import pytest

from rethinkdb import loops
from rethinkdb.loops.conformance import Scenario, Skip, name_of, run_scenario
from rethinkdb.loops.conformance.drivers import DRIVERS
from rethinkdb.loops.conformance.trial import ServerAddress

from . import emitting, traces

SCENARIOS = (*traces.SCENARIOS, *emitting.SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_trace(loop: str, scenario: Scenario, server: ServerAddress) -> None:
    try:
        connection_type = loops.load(loop)
    except ImportError as exc:
        pytest.skip(str(exc))
    try:
        run_scenario(scenario, DRIVERS[loop](), connection_type, server)
    except Skip as exc:
        pytest.skip(str(exc))
