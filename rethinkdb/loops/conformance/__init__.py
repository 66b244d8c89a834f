"""A face of `rethinkdb.testing.conformance`, for packages that find the suite here."""

from rethinkdb.testing.conformance import (
    FAULTS,
    SCENARIOS,
    Driver,
    Expectation,
    Fault,
    FaultProxy,
    Operation,
    Report,
    Scenario,
    Skip,
    Trial,
    check,
    complete,
    name_of,
    run_scenario,
)

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
