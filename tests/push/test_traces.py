"""Handlers on every loop: the same traces."""

from __future__ import annotations

import pytest

from rethinkdb.testing.conformance import Scenario, name_of
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.trial import ServerAddress
from tests.trying import try_on

from . import emitting, pooled, traces

SCENARIOS = (*traces.SCENARIOS, *emitting.SCENARIOS, *pooled.SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_trace(loop: str, scenario: Scenario, server: ServerAddress) -> None:
    try_on(loop, scenario, server)
