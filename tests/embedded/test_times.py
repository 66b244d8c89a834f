"""Dates and times."""

from __future__ import annotations

import contextlib
import datetime
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import r
from rethinkdb.embedded.data import temporal, timezones
from rethinkdb.embedded.failures import QueryFailure

from .cases import Cases, missing, parametrize, wrong
from .support import outcome

TOO_SHORT = (
    "Invalid time zone string `{}`. Valid time zones are `+hh:mm`, `-hh:mm`, `+hhmm`, `-hhmm`,"
    " `+hh`, `-hh` and `Z`."
)
OUT_OF_YEARS = "Error in time logic: Year is out of valid range: 1400..9999."
NO_ZONE = "ISO 8601 string has no time zone, and no default time zone was provided."


def iso(text: str, **options: Any) -> Any:
    return r.iso8601(text, **options).to_iso8601()


READ: Cases = {
    "year": (iso("2013", default_timezone="Z"), "2013-01-01T00:00:00+00:00"),
    "month": (iso("2013-08T20Z"), "2013-08-01T20:00:00+00:00"),
    "day": (iso("2013-08-13T20:30-07:30"), "2013-08-13T20:30:00-07:30"),
    "no hyphens, no colons": (iso("20130813T203015.5+0100"), "2013-08-13T20:30:15.500+01:00"),
    "ordinal": (iso("2013-225T00Z"), "2013-08-13T00:00:00+00:00"),
    "ordinal without hyphen": (iso("2013225T00Z"), "2013-08-13T00:00:00+00:00"),
    "ordinal of a leap year": (iso("2012-366T00Z"), "2012-12-31T00:00:00+00:00"),
    "hours run over": (iso("2013-12-31T25:61:61Z"), "2014-01-01T02:02:01+00:00"),
    "fraction is rounded": (iso("2013-12-31T23:59:59.9999Z"), "2014-01-01T00:00:00+00:00"),
    "loose default zone": (iso("2013", default_timezone="+1"), "2013-01-01T00:00:00+01:00"),
    "zone wins over default": (
        iso("2013-01-01T00Z", default_timezone="+01"),
        "2013-01-01T00:00:00+00:00",
    ),
}

NOT_READ = {
    "": TOO_SHORT.format(""),
    "201": TOO_SHORT.format("201"),
    "20x3": "Invalid date string `20x3` (got `x` but expected a digit).",
    "2013": NO_ZONE,
    "2013-01-01T00": NO_ZONE,
    "201308T00Z": TOO_SHORT.format("201308"),
    "2013-0813T00Z": "Date string `2013-0813` must have 0 or 2 hyphens.",
    "2013-08-131T00Z": "Garbage characters `1` at end of date string `2013-08-131`.",
    "2013-08-13T": TOO_SHORT.format(""),
    "2013-08-13T20:3015Z": "Time string `20:3015` must have 0 or 2 colons.",
    "2013-08-13T20:30:15,5Z": "Garbage characters `,5` at end of time string `20:30:15,5`.",
    "2013-08-13T20+1": TOO_SHORT.format("+1"),
    "2013-08-13T20-00": "`-00` is not a valid time offset.",
    "2013-08-13T20+25:00": "Hours out of range in `+25:00`.",
    "2013-08-13T20+01:60": "Minutes out of range in `+01:60`.",
    "2013-08-13T20+01:00:00": "Garbage characters `:00` at end of timezone string `+01:00:00`.",
    "2013-08-13T20+15:00": "Error in time logic: Offset out of range: 15:00:00.",
    "2013-08-13T20-12:30": "Error in time logic: Offset out of range: -12:30:00.",
    "2013-13-01T00Z": "Error in time logic: Month number is out of range 1..12.",
    "2013-02-29T00Z": "Error in time logic: Day of month is not valid for year.",
    "2013-02-32T00Z": "Error in time logic: Day of month value is out of range 1..31.",
    "1399-01-01T00Z": OUT_OF_YEARS,
    "9999-12-31T23:59:59-01:00": OUT_OF_YEARS,
    "2013-W33-2T00Z": (
        "Due to limitations in the boost time library we use for parsing, we cannot support ISO"
        " week dates right now.  Sorry about that!  Please use years, calendar dates, or ordinal"
        " dates instead."
    ),
}


@parametrize(READ)
def test_reading_iso8601(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


@pytest.mark.parametrize(("text", "message"), NOT_READ.items(), ids=repr)
def test_what_is_no_iso8601(conn: Any, text: str, message: str) -> None:
    assert outcome(conn, r.iso8601(text)) == wrong(message, 0)


MADE: Cases = {
    "day": (r.time(2013, r.august, 13, "Z").to_iso8601(), "2013-08-13T00:00:00+00:00"),
    "second": (
        r.time(2013, 8, 13, 20, 30, 15.25, "-07:00").to_iso8601(),
        "2013-08-13T20:30:15.250-07:00",
    ),
    "parts run over": (
        r.time(2013, 1, 1, 25, 70, -100.5, "+01:30").to_iso8601(),
        "2013-01-02T02:08:19.500+01:30",
    ),
    "epoch": (r.epoch_time(-1.5).to_iso8601(), "1969-12-31T23:59:58.500+00:00"),
    "fraction of a day": (
        r.time(2013, 1, 1.5, "Z"),
        wrong("Number not an integer: 1.5", 2),
    ),
    "day too large for anything": (
        r.time(2013, 1, 10**11, "Z"),
        wrong("Integer too large: 100000000000", 2),
    ),
    "day is checked before month": (
        r.time(1, 13, 32, "Z"),
        wrong("Error in time logic: Day of month value is out of range 1..31."),
    ),
    "month is checked before year": (
        r.time(1, 13, 1, "Z"),
        wrong("Error in time logic: Month number is out of range 1..12."),
    ),
    "year": (r.time(1399, 1, 1, "Z"), wrong(OUT_OF_YEARS)),
    "zone": (r.time(2013, 1, 1, "x"), wrong("Timezone `x` does not start with `-` or `+`.")),
    "null": (r.epoch_time(None), missing("Expected type NUMBER but found NULL.", 0)),
}

MOMENT = r.iso8601("2013-08-13T20:30:15.250-07:00")
TOLD: Cases = {
    "portions": (
        r.expr(
            [
                MOMENT.year(),
                MOMENT.month(),
                MOMENT.day(),
                MOMENT.hours(),
                MOMENT.minutes(),
                MOMENT.seconds(),
                MOMENT.day_of_week(),
                MOMENT.day_of_year(),
                MOMENT.timezone(),
                MOMENT.time_of_day(),
                MOMENT.to_epoch_time(),
            ]
        ),
        [2013, 8, 13, 20, 30, 15.25, 2, 225, "-07:00", 73815.25, 1376451015.25],
    ),
    "date": (MOMENT.date().to_iso8601(), "2013-08-13T00:00:00-07:00"),
    "elsewhere": (MOMENT.in_timezone("+02").to_iso8601(), "2013-08-14T05:30:15.250+02:00"),
    "elsewhere on the calendar": (
        r.expr([MOMENT.in_timezone("+02:00").day(), MOMENT.in_timezone("+02:00").day_of_week()]),
        [14, 3],
    ),
    "before 1970 the fraction counts backwards": (r.epoch_time(-1.5).seconds(), 57.5),
    "hours of any year": (r.epoch_time(253402300800 + 3600).hours(), 1),
    "years of the calendar only": (r.epoch_time(253402300800).year(), wrong(OUT_OF_YEARS)),
    "the first moment": (
        r.epoch_time(-17987443200).to_iso8601(),
        "1400-01-01T00:00:00+00:00",
    ),
    "before the first moment": (
        r.epoch_time(-17987443200.001).to_iso8601(),
        wrong(OUT_OF_YEARS),
    ),
    "no zone": (
        MOMENT.in_timezone("-00"),
        wrong("`-00` is not a valid time offset."),
    ),
    "no time": (r.expr(1).year(), wrong("Not a TIME pseudotype: `1`.", 0)),
    "another pseudo-type": (
        r.point(0, 0).to_epoch_time().default("none"),
        "none",
    ),
    "bytes": (
        r.binary(b"").year(),
        wrong("Expected type OBJECT but found PTYPE<BINARY>."),
    ),
}

COMPUTED: Cases = {
    "later": ((r.epoch_time(1) + 1.5).to_epoch_time(), 2.5),
    "later, the other way round": ((1.5 + r.epoch_time(1)).to_epoch_time(), 2.5),
    "earlier": ((r.epoch_time(1) - 1.5).to_epoch_time(), -0.5),
    "between": (r.epoch_time(3.25) - r.epoch_time(1), 2.25),
    "sum of times": (
        r.epoch_time(1) + r.epoch_time(1),
        wrong("Expected type NUMBER but found PTYPE<TIME>."),
    ),
    "number without time": (
        r.expr(1) - r.epoch_time(1),
        wrong("Expected type NUMBER but found PTYPE<TIME>."),
    ),
    "during": (r.epoch_time(2).during(r.epoch_time(2), r.epoch_time(3)), True),
    "during, the end is open": (r.epoch_time(3).during(r.epoch_time(2), r.epoch_time(3)), False),
    "during, the end closed": (
        r.epoch_time(3).during(r.epoch_time(2), r.epoch_time(3), right_bound="closed"),
        True,
    ),
    "during, the start open": (
        r.epoch_time(2).during(r.epoch_time(2), r.epoch_time(3), left_bound="open"),
        False,
    ),
    "during, bound unknown": (
        r.epoch_time(2).during(r.epoch_time(2), r.epoch_time(3), left_bound="x"),
        wrong('Expected `open` or `closed` for optarg `left_bound` (got `"x"`).'),
    ),
    "during, bound unknown but not needed": (
        r.epoch_time(2.5).during(r.epoch_time(2), r.epoch_time(3), left_bound="x"),
        True,
    ),
    "names of days": (r.expr([r.monday, r.sunday, r.january, r.december]), [1, 7, 1, 12]),
    "equal by instant": (MOMENT.in_timezone("Z") == MOMENT, True),
    "now is one time in a query": (r.now() - r.now(), 0),
}


@parametrize({**MADE, **TOLD, **COMPUTED})
def test_times(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_a_time_takes_four_or_seven_arguments(raw: Any) -> None:
    reply = raw.run(1, [136, [2013, 1, 1, 0, 0, "Z"]])
    assert reply["r"] == ["Got 6 arguments to TIME (expected 4 or 7)."]


# Doubles far from 1970 do not hold every millisecond, so whole seconds.
moments = st.datetimes(datetime.datetime(1400, 1, 2), datetime.datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(microsecond=0)
)
offsets = st.integers(-12 * 60, 14 * 60)


@given(moments, offsets)
def test_iso8601_reads_back(moment: datetime.datetime, minutes: int) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    written = moment.replace(tzinfo=zone).isoformat()
    time = temporal.of_iso8601(written, "")
    assert temporal.to_iso8601(time) == written
    shown = temporal.LocalTime.of(time)
    assert shown.date() == moment.date()
    assert time["epoch_time"] == pytest.approx(moment.replace(tzinfo=zone).timestamp())


@given(st.text("+-Z0123456789:x", max_size=7))
def test_any_zone_is_normalised_or_refused(text: str) -> None:
    with contextlib.suppress(QueryFailure):
        normal = timezones.normalized(text)
        assert re.fullmatch(r"[+-]\d\d:\d\d", normal)
