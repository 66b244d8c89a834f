"""OpenTelemetry: a span for each query, and metrics of queries and pools.

    from rethinkdb import otel

    otel.instrument()

Or run the program with `opentelemetry-instrument`, which finds this by itself. It needs the extra
`otel`, which is OpenTelemetry's API; where the data goes is set up with its SDK.
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
    """Make spans and metrics of what the driver does, from now on.

    Args:
        target: a connection, or a pool. Default: all of this process.
        tracer_provider: default: the one that is set up for the program.
        meter_provider: likewise.
        log_values: whether the values in queries, and the texts of errors, may stand in spans.

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
        # A meter's instruments are made once; asking for them again would measure twice.
        if meter_provider not in _pool_meters:
            _pool_meters[meter_provider] = PoolMeter(meter)
        _pool_meters[meter_provider].active = True


def uninstrument(target: Any = None) -> None:
    """Make no more of them. It is no error if nothing was instrumented.

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
    """What `opentelemetry-instrument` finds, by the entry point `opentelemetry_instrumentor`."""

    def instrument(self, **options: Any) -> None:
        """As `instrument()` does; options of other instrumentations are left aside."""
        known = {name: options[name] for name in _OPTIONS if name in options}
        uninstrument()
        instrument(**known)

    def uninstrument(self, **_: Any) -> None:
        """As `uninstrument()` does."""
        uninstrument()


_OPTIONS = ("tracer_provider", "meter_provider", "log_values")
