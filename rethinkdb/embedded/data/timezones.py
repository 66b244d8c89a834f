"""Reads and writes offsets from UTC.

ReQL writes them as `+HH:MM` or `-HH:MM`. It also reads the shorter forms of ISO 8601.
"""

from __future__ import annotations

import math

from rethinkdb.embedded.failures import logic

UTC = "+00:00"


def normalized(text: str) -> str:
    """A time zone as `+HH:MM`, from `Z`, `+HH`, `+HHMM` or `+HH:MM`. Raises for other forms."""
    if text in ("-00", "-00:00"):
        raise logic(f"`{text}` is not a valid time offset.")
    if text == "Z":
        return UTC
    if not text.startswith(("-", "+")):
        raise logic(f"Timezone `{text}` does not start with `-` or `+`.")
    hours = digits(text, 1, 2)
    if len(text) == 3:
        return f"{text[0]}{hours}:00"
    start = 4 if text[3] == ":" else 3
    minutes = digits(text, start, 2)
    if len(text) > start + 2:
        raise logic(f"Garbage characters `{text[start + 2 :]}` at end of timezone string `{text}`.")
    if int(hours) > 24:
        raise logic(f"Hours out of range in `{text}`.")
    if int(minutes) > 59:
        raise logic(f"Minutes out of range in `{text}`.")
    return f"{text[0]}{hours}:{minutes}"


def digits(text: str, start: int, count: int) -> str:
    """This many digits of a date, time or zone from a position on. Raises if there are fewer."""
    for place in range(start, start + count):
        if place >= len(text):
            # A real server says this of dates and times that are too short as well.
            raise logic(
                f"Invalid time zone string `{text}`. Valid time zones are `+hh:mm`, `-hh:mm`,"
                " `+hhmm`, `-hhmm`, `+hh`, `-hh` and `Z`."
            )
        if text[place] not in "0123456789":
            raise logic(f"Invalid date string `{text}` (got `{text[place]}` but expected a digit).")
    return text[start : start + count]


def offset_seconds(timezone: str) -> int:
    """The seconds a zone in normal form is ahead of UTC."""
    hours, _, minutes = timezone[1:].partition(":")
    seconds = int(hours) * 3600 + int(minutes) * 60
    return -seconds if timezone.startswith("-") else seconds


def to_milliseconds(seconds: float) -> float:
    """Seconds, rounded to milliseconds, the resolution of times. Halves go away from zero."""
    scaled = seconds * 1000
    if not math.isfinite(scaled):
        return scaled
    return math.copysign(math.floor(abs(scaled) + 0.5), scaled) / 1000
