"""Dates and times."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, command
from rethinkdb.reql.printing import top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Bound, Integer, Number, RqlQuery, Text, Value

__all__ = ["TimeCommands", "epoch_time", "iso8601", "now", "time"]


class TimeCommands:
    """Commands on times."""

    __slots__ = ()

    @command(TermNumber.IN_TIMEZONE)
    def in_timezone(self, timezone: Text, /) -> RqlQuery:
        """Gives a time another timezone. The moment stays the same.

        Args:
            timezone: `"+HH:MM"`, `"-HH:MM"` or `"Z"`.

        Returns:
            A time.

        Raises:
            ReqlQueryLogicError: the timezone is not valid.

        Example:
            r.now().in_timezone("-08:00").hours().run(conn)
        """

    @command(TermNumber.TIMEZONE)
    def timezone(self, /) -> RqlQuery:
        """Gets the timezone of a time: how far it is from UTC.

        Returns:
            A str such as `"+02:00"`.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.table("users")["born"].map(lambda born: born.timezone()).run(conn)
        """

    @command(TermNumber.DURING)
    def during(
        self,
        start: Value,
        end: Value,
        /,
        *,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> RqlQuery:
        """Tells whether a time is between two others.

        Args:
            start, end: the two times.
            left_bound: `closed` includes `start` itself, `open` does not.
            right_bound: `closed` includes `end` itself, `open` does not.

        Returns:
            A bool.

        Raises:
            ReqlQueryLogicError: a value is not a time.

        Example:
            r.now().during(r.time(2024, 1, 1, "Z"), r.time(2025, 1, 1, "Z")).run(conn)
        """

    @command(TermNumber.DATE)
    def date(self, /) -> RqlQuery:
        """Gets the start of the day, in the timezone of the time.

        Returns:
            A time.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().date().run(conn)
        """

    @command(TermNumber.TIME_OF_DAY)
    def time_of_day(self, /) -> RqlQuery:
        """Gets the seconds since the start of the day.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            (r.now().time_of_day() / 3600).run(conn)
        """

    @command(TermNumber.YEAR)
    def year(self, /) -> RqlQuery:
        """Gets the year of a time.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().year().run(conn)
        """

    @command(TermNumber.MONTH)
    def month(self, /) -> RqlQuery:
        """Gets the month of a time. `r.january` to `r.december` can be compared with it.

        Returns:
            1 to 12.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            (r.now().month() == r.december).run(conn)
        """

    @command(TermNumber.DAY)
    def day(self, /) -> RqlQuery:
        """Gets the day of the month.

        Returns:
            1 to 31.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().day().run(conn)
        """

    @command(TermNumber.DAY_OF_WEEK)
    def day_of_week(self, /) -> RqlQuery:
        """Gets the day of the week. `r.monday` to `r.sunday` can be compared with it.

        Returns:
            1 to 7.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            (r.now().day_of_week() == r.tuesday).run(conn)
        """

    @command(TermNumber.DAY_OF_YEAR)
    def day_of_year(self, /) -> RqlQuery:
        """Gets the day of the year.

        Returns:
            1 to 366.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().day_of_year().run(conn)
        """

    @command(TermNumber.HOURS)
    def hours(self, /) -> RqlQuery:
        """Gets the hour of a time.

        Returns:
            0 to 23.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().hours().run(conn)
        """

    @command(TermNumber.MINUTES)
    def minutes(self, /) -> RqlQuery:
        """Gets the minute of a time.

        Returns:
            0 to 59.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().minutes().run(conn)
        """

    @command(TermNumber.SECONDS)
    def seconds(self, /) -> RqlQuery:
        """Gets the second of a time, with milliseconds.

        Returns:
            A number from 0 to 59.999.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().seconds().run(conn)
        """

    @command(TermNumber.TO_ISO8601)
    def to_iso8601(self, /) -> RqlQuery:
        """Writes a time as text, in ISO 8601.

        Returns:
            A str such as `"2024-05-06T07:08:09.000+00:00"`.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().to_iso8601().run(conn)
        """

    @command(TermNumber.TO_EPOCH_TIME)
    def to_epoch_time(self, /) -> RqlQuery:
        """Gets the seconds since the start of 1970 in UTC, with milliseconds.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: it is not called on a time.

        Example:
            r.now().to_epoch_time().run(conn)
        """


@command(TermNumber.NOW, style=top_level)
def now() -> RqlQuery:
    """Gets the time at which the server received the query. It is the same in the whole query.

    Returns:
        A datetime in UTC.

    Raises:
        ReqlQueryLogicError: it is used where only deterministic queries are allowed.

    Example:
        r.table("log").insert({"at": r.now()}).run(conn)
    """


@command(TermNumber.TIME, style=top_level)
def time(
    year: Integer,
    month: Integer,
    day: Integer,
    timezone_or_hour: Text | Integer,
    minute: Integer = UNSET,
    second: Number = UNSET,
    timezone: Text = UNSET,
    /,
) -> RqlQuery:
    """Makes a time of a date, optionally a time of day, and a timezone.

    Give `(year, month, day, timezone)` or `(year, month, day, hour, minute, second, timezone)`.

    Args:
        year, month, day: the date. The month may be `r.january` and so on.
        timezone_or_hour: the timezone, if there is no time of day; otherwise the hour.
        minute, second: the rest of the time of day.
        timezone: `"Z"`, `"+HH:MM"` or `"-HH:MM"`.

    Returns:
        A datetime.

    Raises:
        ReqlQueryLogicError: there is no such date or timezone.

    Example:
        r.time(2024, r.may, 6, 7, 8, 9.5, "+02:00").run(conn)
    """


@command(TermNumber.EPOCH_TIME, style=top_level)
def epoch_time(seconds: Number, /) -> RqlQuery:
    """Makes a time of a number of seconds.

    Args:
        seconds: the seconds since the start of 1970 in UTC. Milliseconds are kept.

    Returns:
        A datetime in UTC.

    Raises:
        ReqlQueryLogicError: the argument is not a number.

    Example:
        r.epoch_time(531360000).run(conn)
    """


@command(TermNumber.ISO8601, style=top_level)
def iso8601(text: Text, /, *, default_timezone: Text = UNSET) -> RqlQuery:
    """Makes a time of a text.

    Args:
        text: the time, as in ISO 8601. Dates by week are not allowed.
        default_timezone: the timezone to take if the text has none.

    Returns:
        A datetime.

    Raises:
        ReqlQueryLogicError: the text is not a time, or there is no timezone.

    Example:
        r.iso8601("2024-05-06T07:08:09+02:00").run(conn)
    """
