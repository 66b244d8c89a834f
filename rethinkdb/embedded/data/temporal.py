"""Computes with times: the calendar, ISO 8601, time zones.

A PTYPE<TIME> holds seconds since 1970 (UTC) and an offset. Dates are those of the proleptic
Gregorian calendar, in the years 1400 to 9999. Hours, minutes and seconds exist for any time.
"""

from __future__ import annotations

import datetime
import math
import time
from dataclasses import dataclass

from rethinkdb.embedded.data import datum, pseudotypes, timezones
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.isotime import Form, IsoTime, default_zone
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic

_FIRST_YEAR, _LAST_YEAR = 1400, 9999
_WESTMOST, _EASTMOST = -12 * 3600, 14 * 3600
_MICROSECOND = 1_000_000
_DAY = 86400 * _MICROSECOND
_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_WRAP = 0xFFFF
"""Years, months and days are sixteen bits wide on a real server."""


def _calendar_failure(problem: str) -> QueryFailure:
    return logic(f"Error in time logic: {problem}.")


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment as the clocks of its time zone show it."""

    microseconds: int
    """Since 1970, on those clocks."""
    offset: int
    """Of the zone, in seconds."""
    timezone: str

    @classmethod
    def of(cls, time: Datum) -> LocalTime:
        """A PTYPE<TIME> in its zone."""
        seconds = datum.as_number(datum.field(time, "epoch_time"))
        timezone = datum.as_string(datum.field(time, "timezone"))
        offset = checked_offset(timezone)
        return cls(_microseconds(seconds) + offset * _MICROSECOND, offset, timezone)

    def date(self) -> datetime.date:
        """The day. Raises outside the years of the calendar."""
        return _checked_date(self.microseconds)

    @property
    def within_day(self) -> int:
        """Microseconds since midnight."""
        return self.microseconds % _DAY

    def midnight(self) -> Datum:
        """The start of the day as a PTYPE<TIME>."""
        self.date()
        start = self.microseconds - self.within_day
        return _to_time(start - self.offset * _MICROSECOND, self.timezone)


def _checked_date(microseconds: int) -> datetime.date:
    ordinal = _EPOCH_ORDINAL + microseconds // _DAY
    if not _FIRST_ORDINAL <= ordinal <= _LAST_ORDINAL:
        raise _year_failure()
    return datetime.date.fromordinal(ordinal)


_FIRST_ORDINAL = datetime.date(_FIRST_YEAR, 1, 1).toordinal()
_LAST_ORDINAL = datetime.date(_LAST_YEAR, 12, 31).toordinal()


def _year_failure() -> QueryFailure:
    return _calendar_failure(f"Year is out of valid range: {_FIRST_YEAR}..{_LAST_YEAR}")


def _microseconds(seconds: float) -> int:
    whole = math.trunc(seconds)
    # Multiplied before subtracting, since a real server's rounding shows in the result.
    part = seconds * _MICROSECOND - float(whole * _MICROSECOND) + math.copysign(0.5, seconds)
    return whole * _MICROSECOND + math.trunc(part)


def _to_time(microseconds: int, timezone: str) -> Datum:
    return pseudotypes.make_time(microseconds / _MICROSECOND, timezone)


def checked_offset(timezone: str) -> int:
    """The seconds that a zone is ahead of UTC. Raises for zones that do not exist on Earth."""
    offset = timezones.offset_seconds(timezone)
    if not _WESTMOST <= offset <= _EASTMOST:
        raise _calendar_failure(f"Offset out of range: {_duration(offset)}")
    return offset


def _duration(seconds: int) -> str:
    sign = "-" if seconds < 0 else ""
    minutes = abs(seconds) // 60
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:00"


# -- making times


def now() -> Datum:
    """The time, to the millisecond."""
    return pseudotypes.make_time(time.time(), timezones.UTC)


def of_parts(
    year: int, month: int, day: int, hours: int, minutes: int, seconds: float, timezone: str
) -> Datum:
    """The time with these parts. Hours, minutes and seconds may be negative or too large; they then
    change the day.
    """
    days = _ordinal(year, month, day) - _EPOCH_ORDINAL
    whole_minutes = days * 1440 + hours * 60 + minutes
    local = whole_minutes * 60 * _MICROSECOND + _microseconds(seconds)
    normal = timezones.normalized(timezone)
    return _to_time(local - checked_offset(normal) * _MICROSECOND, normal)


def _ordinal(year: int, month: int, day: int) -> int:
    year, month, day = year & _WRAP, month & _WRAP, day & _WRAP
    if not 1 <= day <= 31:
        raise _calendar_failure("Day of month value is out of range 1..31")
    if not 1 <= month <= 12:
        raise _calendar_failure("Month number is out of range 1..12")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise _year_failure()
    try:
        return datetime.date(year, month, day).toordinal()
    except ValueError:
        raise _calendar_failure("Day of month is not valid for year") from None


def of_iso8601(text: str, default_timezone: str) -> Datum:
    """The time in an ISO 8601 text."""
    parsed = IsoTime.parse(text)
    ordinal = _iso_ordinal(parsed)
    zone = parsed.timezone or default_zone(default_timezone)
    offset = checked_offset(zone)
    local = (ordinal - _EPOCH_ORDINAL) * _DAY + parsed.microseconds
    moment = local - offset * _MICROSECOND
    _checked_date(local)
    _checked_date(moment)
    return _to_time(moment, timezones.normalized(zone))


def _iso_ordinal(parsed: IsoTime) -> int:
    year, *rest = parsed.date
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise _year_failure()
    if parsed.form is Form.DAY_OF_YEAR:
        if not 1 <= rest[0] <= 366:
            problem = "Unexpected exception: Day of year value is out of range 1..366"
            raise QueryFailure(FailureKind.INTERNAL, problem, ())
        return _ordinal(year, 1, 1) + rest[0] - 1
    month, day = rest
    if not 1 <= month <= 12:
        raise _calendar_failure("Month number is out of range 1..12")
    return _ordinal(year, month, day)


# -- telling and changing times


def to_iso8601(time: Datum) -> str:
    """The time as ISO 8601 text in its zone. Milliseconds are shown if there are any."""
    local = LocalTime.of(time)
    _checked_date(local.microseconds - local.offset * _MICROSECOND)
    date = local.date()
    seconds, microseconds = divmod(local.within_day, _MICROSECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    fraction = f".{microseconds // 1000:03}" if microseconds else ""
    return f"{date.isoformat()}T{clock}{fraction}{timezones.normalized(local.timezone)}"


def seconds_of_day(time: Datum) -> int | float:
    """The seconds since midnight in its zone."""
    local = LocalTime.of(time)
    local.date()
    return datum.number(timezones.to_milliseconds(local.within_day / _MICROSECOND))


def seconds_of_minute(time: Datum) -> int | float:
    """The seconds its clock shows, with their fraction.

    Before 1970 the fraction counts backwards, as on a real server.
    """
    shown = LocalTime.of(time).within_day // _MICROSECOND % 60
    fraction = math.modf(time["epoch_time"])[0]
    return datum.number(shown + timezones.to_milliseconds(fraction))


def shifted(time: Datum, seconds: float) -> Datum:
    """The time so many seconds later."""
    return pseudotypes.make_time(time["epoch_time"] + seconds, time["timezone"])


def elapsed(later: Datum, earlier: Datum) -> int | float:
    """The seconds between two times."""
    difference = later["epoch_time"] - earlier["epoch_time"]
    return datum.number(timezones.to_milliseconds(difference))


def in_timezone(time: Datum, timezone: str) -> Datum:
    """The same instant in another zone."""
    return pseudotypes.checked_object({**time, "timezone": timezones.normalized(timezone)})
