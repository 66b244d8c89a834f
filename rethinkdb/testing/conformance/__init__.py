"""Proof that a loop adapter behaves as all adapters do.

An adapter's author describes the loop by a `Driver` of four verbs, and runs the scenarios::

    from rethinkdb.testing.conformance import check

    def test_conformance():
        assert check(CurioDriver(), rethinkdb_curio.Connection).passed

or, one test each::

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
    def test_conformance(scenario, server):
        run_scenario(scenario, CurioDriver(), rethinkdb_curio.Connection, server)

The built-in loops: `python -m rethinkdb.testing.conformance asyncio`.

A scenario is a coroutine function over a `Trial`, written once; where methods return plain values
its awaits do not wait. Between adapter and server stands a `FaultProxy`. The server is the embedded
one (pip install 'rethinkdb-loops[embedded]') unless another is given. Scenarios look at the core
inside a connection where only that tells whether something leaked; never at the adapter.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from rethinkdb.loops.blocking import Connection as BlockingConnection
from rethinkdb.net.connection import BaseConnection

from ..proxy import Fault, FaultProxy
from . import (
    clusters,
    links,
    moments,
    pooling,
    queries,
    resuming,
    sharing,
    timing,
    typed,
    values,
    watching,
)
from .driver import Driver, Operation, complete
from .faults import FAULTS, Expectation, fault_scenario
from .trial import Scenario, ServerAddress, Skip, Trial

__all__ = [
    "FAULTS",
    "SCENARIOS",
    "Driver",
    "Expectation",
    "Fault",
    "FaultProxy",
    "Operation",
    "Report",
    "Scenario",
    "Skip",
    "Trial",
    "check",
    "complete",
    "name_of",
    "run_scenario",
]

#: All of them, in an order that shows simple failures first.
SCENARIOS: tuple[Scenario, ...] = (
    *queries.SCENARIOS,
    *values.SCENARIOS,
    *links.SCENARIOS,
    *moments.SCENARIOS,
    *timing.SCENARIOS,
    *pooling.SCENARIOS,
    *clusters.SCENARIOS,
    *sharing.SCENARIOS,
    *watching.SCENARIOS,
    *resuming.SCENARIOS,
    *typed.SCENARIOS,
    *(fault_scenario(expectation) for expectation in FAULTS),
)


@dataclass
class Report:
    """What came of `check`.

    Attributes:
        succeeded: names of scenarios.
        skipped: names, with the reason.
        failed: names, with the error.
    """

    succeeded: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, BaseException] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no scenario failed."""
        return not self.failed

    def __str__(self) -> str:
        lines = [f"skipped {name}: {reason}" for name, reason in self.skipped.items()]
        for name, error in self.failed.items():
            lines += [f"FAILED {name}", "".join(traceback.format_exception(error))]
        succeeded, skipped, failed = map(len, (self.succeeded, self.skipped, self.failed))
        return "\n".join([*lines, f"{succeeded} passed, {skipped} skipped, {failed} failed"])


def name_of(scenario: Scenario) -> str:
    """What a scenario is called."""
    return getattr(scenario, "__name__", repr(scenario))


def run_scenario(
    scenario: Scenario,
    driver: Driver,
    connection_type: type[BaseConnection],
    server: ServerAddress,
) -> None:
    """Try one scenario.

    Raises:
        Skip: it does not apply.
        Exception: the adapter failed it, most often AssertionError.
    """
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(server.host, server.port))
        admin = stack.enter_context(BlockingConnection.make(server.host, server.port))
        trial = Trial(driver, connection_type, proxy, admin)
        trial.directory = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(trial)
        driver.run(partial(_try, scenario, trial))


async def _try(scenario: Scenario, trial: Trial) -> None:
    try:
        await scenario(trial)
    finally:
        await trial.finish()


def check(
    driver: Driver,
    connection_type: type[BaseConnection],
    server: ServerAddress | None = None,
    scenarios: Iterable[Scenario] = SCENARIOS,
) -> Report:
    """Try all scenarios, and print how each of them ends.

    Args:
        driver: the loop.
        connection_type: the adapter's `Connection`.
        server: the embedded one if not given.
        scenarios: which ones.
    """
    if server is None:
        from rethinkdb.embedded import Server

        with Server() as embedded:
            return check(driver, connection_type, embedded, scenarios)
    report = Report()
    for scenario in scenarios:
        name = name_of(scenario)
        started = time.monotonic()
        try:
            run_scenario(scenario, driver, connection_type, server)
        except Skip as exc:
            report.skipped[name] = str(exc)
        except Exception as exc:
            report.failed[name] = exc
        else:
            report.succeeded.append(name)
        took = time.monotonic() - started
        print(f"{_word(report, name)} {name} ({took:.2f} s)", file=sys.stderr)
    return report


def _word(report: Report, name: str) -> str:
    if name in report.failed:
        return "FAILED"
    return "skipped" if name in report.skipped else "passed"
