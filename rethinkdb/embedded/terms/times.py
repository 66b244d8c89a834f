"""Dates and times."""

from __future__ import annotations

from collections.abc import Callable

from rethinkdb.embedded.data import datum, pseudotypes, temporal, timezones
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.temporal import LocalTime
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic
from rethinkdb.embedded.language.evaluation import Call, located
from rethinkdb.embedded.language.registry import term
from rethinkdb.ql2 import TermType

_LARGEST_INT = 2**31

# -- making times


@term(TermType.NOW, 0, determinism=Determinism.CONSTANT_NOW)
def now(call: Call) -> Datum:
    return call.environment.now


@term(TermType.TIME, 4, 7)
def time(call: Call) -> Datum:
    """A time from year, month, day and zone. Hours, minutes and seconds may precede the zone."""
    if call.count not in (4, 7):
        raise logic(f"Got {call.count} arguments to TIME (expected 4 or 7).")
    year, month, day = (_int(call, index) for index in range(3))
    if call.count == 4:
        return temporal.of_parts(year, month, day, 0, 0, 0, call.string(3))
    hours, minutes = _int(call, 3), _int(call, 4)
    return temporal.of_parts(year, month, day, hours, minutes, call.number(5), call.string(6))


def _int(call: Call, index: int) -> int:
    value = call.integer(index)
    if not -_LARGEST_INT <= value < _LARGEST_INT:
        raise logic(f"Integer too large: {value}", call.backtrace(index))
    return value


@term(TermType.EPOCH_TIME, 1)
def epoch_time(call: Call) -> Datum:
    return pseudotypes.make_time(call.number(0), timezones.UTC)


@term(TermType.ISO8601, 1, options=("default_timezone",))
def iso8601(call: Call) -> Datum:
    call.value(0)
    default = call.option_as("default_timezone", datum.as_string, "")
    return located(
        lambda text: temporal.of_iso8601(text, default), call.string(0), call.backtrace(0)
    )


# -- showing times


def _time(call: Call, index: int = 0) -> Datum:
    return located(
        lambda value: pseudotypes.as_pseudo_type(value, "TIME"),
        call.datum(index),
        call.backtrace(index),
    )


def _true_time(call: Call) -> Datum:
    """The time. Any other pseudo-type is an internal error, as on a real server."""
    time = _time(call)
    if not datum.is_time(time):
        message = f"Not a TIME pseudotype: `{datum.truncated(time)}`."
        raise QueryFailure(FailureKind.INTERNAL, message, ())
    return time


@term(TermType.TO_ISO8601, 1)
def to_iso8601(call: Call) -> str:
    return temporal.to_iso8601(_time(call))


@term(TermType.TO_EPOCH_TIME, 1)
def to_epoch_time(call: Call) -> Datum:
    return datum.field(_time(call), "epoch_time")


@term(TermType.TIMEZONE, 1)
def timezone(call: Call) -> Datum:
    return datum.field(_true_time(call), "timezone")


@term(TermType.IN_TIMEZONE, 2)
def in_timezone(call: Call) -> Datum:
    time, zone = _true_time(call), call.datum(1)
    return temporal.in_timezone(time, datum.as_string(zone))


@term(TermType.DATE, 1)
def date(call: Call) -> Datum:
    return LocalTime.of(_time(call)).midnight()


@term(TermType.TIME_OF_DAY, 1)
def time_of_day(call: Call) -> Datum:
    return temporal.seconds_of_day(_time(call))


@term(TermType.DURING, 3, options=("left_bound", "right_bound"))
def during(call: Call) -> bool:
    times = [_time(call, index) for index in range(3)]
    moment, start, end = (datum.field(time, "epoch_time") for time in times)
    if start > moment or (start == moment and is_open(call, "left_bound", default=False)):
        return False
    return bool(moment < end or (moment == end and not is_open(call, "right_bound", default=True)))


def is_open(call: Call, name: str, *, default: bool) -> bool:
    """Whether the range excludes the bound that an option is about."""
    value = call.option_as(name, datum.as_string)
    if value is None:
        return default
    if value not in ("open", "closed"):
        raise logic(
            f"Expected `open` or `closed` for optarg `{name}` (got `{datum.truncated(value)}`)."
        )
    return bool(value == "open")


def _portion(type: TermType, portion: Callable[[LocalTime], int]) -> None:
    term(type, 1)(lambda call: portion(LocalTime.of(_time(call))))


_SECOND = 1_000_000
_portion(TermType.YEAR, lambda local: local.date().year)
_portion(TermType.MONTH, lambda local: local.date().month)
_portion(TermType.DAY, lambda local: local.date().day)
_portion(TermType.DAY_OF_WEEK, lambda local: local.date().isoweekday())
_portion(TermType.DAY_OF_YEAR, lambda local: local.date().timetuple().tm_yday)
_portion(TermType.HOURS, lambda local: local.within_day // (3600 * _SECOND))
_portion(TermType.MINUTES, lambda local: local.within_day // (60 * _SECOND) % 60)


@term(TermType.SECONDS, 1)
def seconds(call: Call) -> Datum:
    return temporal.seconds_of_minute(_time(call))


# -- their numbers by name


def _constants(first: TermType, last: TermType) -> None:
    for value, number in enumerate(range(first, last + 1), start=1):
        term(TermType(number), 0)(_always(value))


def _always(value: int) -> Callable[[Call], int]:
    return lambda call: value


_constants(TermType.MONDAY, TermType.SUNDAY)
_constants(TermType.JANUARY, TermType.DECEMBER)
