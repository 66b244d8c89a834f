"""Old place of `rethinkdb.testing.conformance`: other packages import the suite from here."""

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
