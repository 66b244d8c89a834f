"""OpenTelemetry: a span for each query, and metrics of queries and pools.

    from rethinkdb import otel

    otel.instrument()

Or run the program with `opentelemetry-instrument`, which finds this module by itself.

It needs the extra `otel`, which installs OpenTelemetry's API. Use OpenTelemetry's SDK to set up
where the data goes.

============  ======================================================================
`tracing`     spans
`measuring`   metrics
`attributes`  the attributes of a query that both have
============  ======================================================================
"""

from __future__ import annotations

from threading import RLock
from typing import Any

from rethinkdb.errors import ReqlDriverError

try:
    from opentelemetry import metrics, trace
except ImportError as exc:
    raise ImportError(
        "OpenTelemetry is not installed. Install it: pip install 'rethinkdb-loops[otel]'"
    ) from exc

from rethinkdb import monitoring
from rethinkdb.version import __version__

from .measuring import PoolMeter, QueryMeter
from .tracing import Tracing

__all__ = ["RethinkDBInstrumentor", "instrument", "uninstrument"]

_NAME = "rethinkdb"
_SCHEMA = "https://opentelemetry.io/schemas/1.34.0"

_LOCK = RLock()
_listeners: list[tuple[Any, Any]] = []
_pool_meters: dict[Any, PoolMeter] = {}


def instrument(
    target: Any = None,
    *,
    tracer_provider: Any = None,
    meter_provider: Any = None,
    log_values: bool = False,
) -> None:
    """Make spans and metrics of what the driver does from now on.

    Args:
        target: a connection or a pool. Default: all connections and pools of this process.
        tracer_provider: gives the tracer. Default: the program's global one.
        meter_provider: gives the meter. Default: the program's global one.
        log_values: whether spans may contain the values in queries and the texts of errors.

    Raises:
        ReqlDriverError: `target` is instrumented already.

    Example:
        otel.instrument(pool)
    """
    tracer = trace.get_tracer(_NAME, __version__, tracer_provider, schema_url=_SCHEMA)
    meter = metrics.get_meter(_NAME, __version__, meter_provider, schema_url=_SCHEMA)
    with _LOCK:
        if any(of is target for of, _ in _listeners):
            what = "This process" if target is None else repr(target)
            raise ReqlDriverError(f"{what} is instrumented already: call uninstrument() before.")
        for listener in (Tracing(tracer, log_values), QueryMeter(meter)):
            monitoring.register(listener, target)
            _listeners.append((target, listener))
        # Make the instruments of a meter only once; else each pool would be measured twice.
        if meter_provider not in _pool_meters:
            _pool_meters[meter_provider] = PoolMeter(meter)
        _pool_meters[meter_provider].active = True


def uninstrument(target: Any = None) -> None:
    """Stop making spans and metrics. If nothing was instrumented, nothing happens.

    Args:
        target: as given to `instrument`.
    """
    with _LOCK:
        for entry in tuple(_listeners):
            of, listener = entry
            if of is target:
                monitoring.unregister(listener, target)
                _listeners.remove(entry)
        if not _listeners:
            for pool_meter in _pool_meters.values():
                pool_meter.active = False


class RethinkDBInstrumentor:
    """The class for `opentelemetry-instrument`: entry point `opentelemetry_instrumentor`."""

    def instrument(self, **options: Any) -> None:
        """Call `instrument()`. Options that it does not have are ignored."""
        known = {name: options[name] for name in _OPTIONS if name in options}
        uninstrument()
        instrument(**known)

    def uninstrument(self, **_: Any) -> None:
        """Call `uninstrument()`."""
        uninstrument()


_OPTIONS = ("tracer_provider", "meter_provider", "log_values")
