"""Scenarios: pools of connections."""

from __future__ import annotations

from ..trial import Scenario
from . import cancelling, closing, lending, losing, objects, queries, retiring, retrying, waiting

__all__ = ["SCENARIOS"]

#: All scenarios of pools, in an order that shows simple failures first.
SCENARIOS: tuple[Scenario, ...] = (
    *queries.SCENARIOS,
    *objects.SCENARIOS,
    *waiting.SCENARIOS,
    *cancelling.SCENARIOS,
    *retiring.SCENARIOS,
    *losing.SCENARIOS,
    *retrying.SCENARIOS,
    *lending.SCENARIOS,
    *closing.SCENARIOS,
)
