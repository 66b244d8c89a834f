"""The batch options of a query: they decide how many rows go into one reply."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic

if TYPE_CHECKING:
    from rethinkdb.embedded.language.environment import Environment

_SECONDS_OF_A_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is sent: at `rows` rows, or at `size` bytes or after `seconds` once it has any.

    The size counts only from `least_rows` on. The first batch of a query is scaled down, so that it
    arrives early.
    """

    least_rows: int = 1
    rows: float = math.inf
    size: float = 1024 * 1024
    seconds: float = 0.5
    factor: int = 4
    """By which the first batch is smaller."""

    def of_first(self) -> BatchLimits:
        """The limits of the first batch."""
        factor = self.factor
        return BatchLimits(
            max(1, self.least_rows // factor),
            max(1, math.floor(self.rows / factor)) if self.rows < math.inf else math.inf,
            max(1, math.floor(self.size / factor)),
            self.seconds / factor,
        )


_DEFAULTS = BatchLimits()


def batch_limits(environment: Environment) -> BatchLimits:
    """What the run options of a query say. Their failures point at no term."""
    rows = _given(environment, "max_batch_rows", _count, _DEFAULTS.rows)
    return BatchLimits(
        least_rows=int(
            min(_given(environment, "min_batch_rows", _count, _DEFAULTS.least_rows), rows)
        ),
        rows=rows,
        size=_given(environment, "max_batch_bytes", _count, _DEFAULTS.size),
        seconds=_given(environment, "max_batch_seconds", _seconds, _DEFAULTS.seconds),
        factor=int(
            _given(environment, "first_batch_scaledown_factor", _count, float(_DEFAULTS.factor))
        ),
    )


def _given(
    environment: Environment, name: str, convert: Callable[[str, Datum], float], default: float
) -> float:
    if name not in environment.options:
        return default
    return convert(name, values.as_datum(environment.option(name)))


def _count(name: str, value: Datum) -> int:
    count = datum.as_integer(value)
    if count < 1:
        # A real server trips over an assertion here; its client gets the same class of error.
        raise QueryFailure(FailureKind.INTERNAL, f"Illegal {name} `{count}`.  (Must be >= 1.)", ())
    return count


def _seconds(name: str, value: Datum) -> float:
    seconds = datum.as_number(value)
    if seconds >= _SECONDS_OF_A_DAY:
        got = datum.print_double(seconds)
        raise logic(f"{name} is too large (got `{got}`, must be less than {_SECONDS_OF_A_DAY}).")
    if seconds < 0:
        raise logic(f"{name} must be positive (got `{datum.print_double(seconds)}`).")
    return seconds
