"""Old place of `rethinkdb.testing.conformance.drivers`."""

from rethinkdb.testing.conformance.drivers import (
    DRIVERS,
    AsyncioDriver,
    BlockingDriver,
    GeventDriver,
    TornadoDriver,
    TrioDriver,
    TwistedDriver,
)

__all__ = [
    "DRIVERS",
    "AsyncioDriver",
    "BlockingDriver",
    "GeventDriver",
    "TornadoDriver",
    "TrioDriver",
    "TwistedDriver",
]
