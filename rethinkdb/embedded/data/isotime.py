"""Parses ISO 8601 texts. It does not check whether the calendar has such a day.

It accepts years, months, days and ordinal dates (`2013`, `2013-08`, `2013-08-13`, `20130813`,
`2013-225`), and times (`T20`, `T20:30`, `T20:30:15.5`, also without colons) with a zone. It
recognises week dates and refuses them.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from rethinkdb.embedded.data import timezones
from rethinkdb.embedded.data.timezones import digits
from rethinkdb.embedded.failures import logic

_NO_TIMEZONE = "ISO 8601 string has no time zone, and no default time zone was provided."
_NO_WEEK_DATES = (
    "Due to limitations in the boost time library we use for parsing, we cannot support ISO week"
    " dates right now.  Sorry about that!  Please use years, calendar dates, or ordinal dates"
    " instead."
)
_LOOSE_OFFSET = re.compile(r"([+-])(\d+)(?::(\d+))?")


class Form(enum.Enum):
    """The meaning of the numbers of a date."""

    MONTH_AND_DAY = "year, month, day"
    DAY_OF_YEAR = "year, day"


@dataclass(frozen=True, slots=True)
class IsoTime:
    """The parts of the text."""

    date: tuple[int, ...]
    form: Form
    microseconds: int
    """Since midnight; may exceed a day."""
    timezone: str
    """In normal form; empty if the text has none."""

    @classmethod
    def parse(cls, text: str) -> IsoTime:
        """Parses the text. Raises at the place where it breaks the grammar."""
        day, separator, rest = text.partition("T")
        date, form = _date(day)
        microseconds, timezone = 0, ""
        if separator:
            clock, zone = _split_zone(rest)
            microseconds = _clock(clock)
            timezone = timezones.normalized(zone) if zone else ""
        if form is None:
            raise logic(_NO_WEEK_DATES)
        return cls(date, form, microseconds, timezone)


def _date(text: str) -> tuple[tuple[int, ...], Form | None]:
    year = int(digits(text, 0, 4))
    at = 4
    if at == len(text):
        return (year, 1, 1), Form.MONTH_AND_DAY
    hyphen = text[at] == "-"
    at += hyphen
    if text[at : at + 1] == "W":
        return _week_date(text, at + 1)
    if len(text) - at == 3:
        return (year, int(digits(text, at, 3))), Form.DAY_OF_YEAR
    month = int(digits(text, at, 2))
    at += 2
    if hyphen and at == len(text):
        return (year, month, 1), Form.MONTH_AND_DAY
    second_hyphen = text[at : at + 1] == "-"
    if hyphen != second_hyphen:
        raise logic(f"Date string `{text}` must have 0 or 2 hyphens.")
    at += second_hyphen
    day = int(digits(text, at, 2))
    _refuse_rest(text, at + 2, "date")
    return (year, month, day), Form.MONTH_AND_DAY


def _week_date(text: str, at: int) -> tuple[tuple[int, ...], None]:
    digits(text, at, 2)
    at += 2
    if at < len(text):
        at += text[at] == "-"
        digits(text, at, 1)
        _refuse_rest(text, at + 1, "date")
    return (), None


def _refuse_rest(text: str, at: int, what: str) -> None:
    if at < len(text):
        raise logic(f"Garbage characters `{text[at:]}` at end of {what} string `{text}`.")


def _split_zone(text: str) -> tuple[str, str]:
    places = (text.find(sign) for sign in "-+Z")
    at = next((place for place in places if place >= 0), len(text))
    return text[:at], text[at:]


def _clock(text: str) -> int:
    hours = int(digits(text, 0, 2))
    at = 2
    if at == len(text):
        return _microseconds(hours)
    colon = text[at] == ":"
    at += colon
    minutes = int(digits(text, at, 2))
    at += 2
    if at == len(text):
        return _microseconds(hours, minutes)
    second_colon = text[at] == ":"
    if colon != second_colon:
        raise logic(f"Time string `{text}` must have 0 or 2 colons.")
    at += second_colon
    seconds = int(digits(text, at, 2))
    at += 2
    fraction = ""
    if text[at : at + 1] == ".":
        fraction = digits(text, at + 1, len(text) - at - 1)
        at = len(text)
    _refuse_rest(text, at, "time")
    return _microseconds(hours, minutes, seconds) + int(f"{fraction:0<6}"[:6])


def _microseconds(hours: int, minutes: int = 0, seconds: int = 0) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000


def default_zone(timezone: str) -> str:
    """The zone for a text without a zone. Raises if it is invalid.

    It is read as loosely as a real server does: `+1` will do, `+0100` is a hundred hours.
    """
    if timezone in ("", "UTC"):
        raise logic(_NO_TIMEZONE)
    if timezone == "Z":
        return timezones.UTC
    match = _LOOSE_OFFSET.fullmatch(timezone)
    if match is None:
        offset = "" if "+" in timezone or "-" in timezone else "+00"
        raise logic(f"Invalid ISO 8601 timezone: `{timezone}{offset}`.")
    sign, hours, minutes = match.groups()
    whole, rest = divmod(int(hours) * 60 + int(minutes or 0), 60)
    return f"{sign}{whole:02}:{rest:02}"
