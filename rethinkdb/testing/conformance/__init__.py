"""Scenarios which prove that a loop adapter behaves as all others do.

To check an adapter, describe its loop by a subclass of `Driver` with four methods, and run the
scenarios::

    from rethinkdb.testing.conformance import check

    def test_conformance():
        assert check(CurioDriver(), rethinkdb_curio.Connection).passed

or as one test per scenario::

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
    def test_conformance(scenario, server):
        run_scenario(scenario, CurioDriver(), rethinkdb_curio.Connection, server)

To check a built-in loop, run `python -m rethinkdb.testing.conformance asyncio`.

A scenario is a coroutine function that gets a `Trial`. It is written once for all loops: on a
blocking loop, methods return plain values, and its `await` does not wait. A `FaultProxy` stands
between adapter and server. The server is an embedded one (pip install 'rethinkdb-loops[embedded]'),
unless you give another. Scenarios never look inside the adapter. They look at the core of a
connection only if nothing else shows whether something leaked.
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
    cursors,
    ending_feeds,
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

#: All scenarios, in an order that shows simple failures first.
SCENARIOS: tuple[Scenario, ...] = (
    *queries.SCENARIOS,
    *cursors.SCENARIOS,
    *values.SCENARIOS,
    *links.SCENARIOS,
    *moments.SCENARIOS,
    *timing.SCENARIOS,
    *pooling.SCENARIOS,
    *clusters.SCENARIOS,
    *sharing.SCENARIOS,
    *watching.SCENARIOS,
    *resuming.SCENARIOS,
    *ending_feeds.SCENARIOS,
    *typed.SCENARIOS,
    *(fault_scenario(expectation) for expectation in FAULTS),
)


@dataclass
class Report:
    """The result of `check`.

    Attributes:
        succeeded: the names of scenarios that passed.
        skipped: for each scenario that does not apply, the reason.
        failed: for each scenario that failed, the exception.
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
    """The name of a scenario, for instance for pytest's `ids=`."""
    return getattr(scenario, "__name__", repr(scenario))


def run_scenario(
    scenario: Scenario,
    driver: Driver,
    connection_type: type[BaseConnection],
    server: ServerAddress,
) -> None:
    """Run one scenario.

    Args:
        scenario: one of `SCENARIOS`.
        driver: the loop.
        connection_type: the adapter's `Connection`.
        server: the server to use; anything with `host` and `port`.

    Raises:
        Skip: the scenario does not apply to this loop.
        Exception: the adapter failed; most often this is an AssertionError.
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
    """Run scenarios one after the other, and print the result of each to stderr.

    Args:
        driver: the loop.
        connection_type: the adapter's `Connection`.
        server: the server to use. Default: an embedded one.
        scenarios: the scenarios to run. Default: all.

    Returns:
        A report. `check(...).passed` is true if no scenario failed.
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
