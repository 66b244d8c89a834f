"""Dates and times."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, command
from rethinkdb.reql.printing import top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Bound, Integer, Number, RqlQuery, Text, Value

__all__ = ["TimeCommands", "epoch_time", "iso8601", "now", "time"]


class TimeCommands:
    """Commands on times. Each raises ReqlQueryLogicError when its subject is no time."""

    __slots__ = ()

    @command(TermType.IN_TIMEZONE)
    def in_timezone(self, timezone: Text, /) -> RqlQuery:
        """The same instant with another offset from UTC.

        Args:
            timezone: `"+HH:MM"`, `"-HH:MM"` or `"Z"`.

        Returns:
            A time.

        Raises:
            ReqlQueryLogicError: the timezone is not valid.

        Example:
            r.now().in_timezone("-08:00").hours().run(conn)
        """

    @command(TermType.TIMEZONE)
    def timezone(self, /) -> RqlQuery:
        """The offset from UTC of a time.

        Returns:
            A str such as `"+02:00"`.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.table("users")["born"].map(lambda born: born.timezone()).run(conn)
        """

    @command(TermType.DURING)
    def during(
        self,
        start: Value,
        end: Value,
        /,
        *,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> RqlQuery:
        """Whether a time lies between two others.

        Args:
            start, end: the times.
            left_bound: whether `start` itself does.
            right_bound: whether `end` itself does.

        Returns:
            A bool.

        Raises:
            ReqlQueryLogicError: something is no time.

        Example:
            r.now().during(r.time(2024, 1, 1, "Z"), r.time(2025, 1, 1, "Z")).run(conn)
        """

    @command(TermType.DATE)
    def date(self, /) -> RqlQuery:
        """Midnight of a time's day, in its timezone.

        Returns:
            A time.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().date().run(conn)
        """

    @command(TermType.TIME_OF_DAY)
    def time_of_day(self, /) -> RqlQuery:
        """The seconds since midnight.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            (r.now().time_of_day() / 3600).run(conn)
        """

    @command(TermType.YEAR)
    def year(self, /) -> RqlQuery:
        """The year of a time.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().year().run(conn)
        """

    @command(TermType.MONTH)
    def month(self, /) -> RqlQuery:
        """The month of a time, as `r.january` to `r.december`.

        Returns:
            1 to 12.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            (r.now().month() == r.december).run(conn)
        """

    @command(TermType.DAY)
    def day(self, /) -> RqlQuery:
        """The day of the month.

        Returns:
            1 to 31.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().day().run(conn)
        """

    @command(TermType.DAY_OF_WEEK)
    def day_of_week(self, /) -> RqlQuery:
        """The day of the week, as `r.monday` to `r.sunday`.

        Returns:
            1 to 7.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            (r.now().day_of_week() == r.tuesday).run(conn)
        """

    @command(TermType.DAY_OF_YEAR)
    def day_of_year(self, /) -> RqlQuery:
        """The day of the year.

        Returns:
            1 to 366.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().day_of_year().run(conn)
        """

    @command(TermType.HOURS)
    def hours(self, /) -> RqlQuery:
        """The hour of a time.

        Returns:
            0 to 23.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().hours().run(conn)
        """

    @command(TermType.MINUTES)
    def minutes(self, /) -> RqlQuery:
        """The minute of a time.

        Returns:
            0 to 59.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().minutes().run(conn)
        """

    @command(TermType.SECONDS)
    def seconds(self, /) -> RqlQuery:
        """The second of a time, with its fraction (milliseconds).

        Returns:
            A number from 0 to 59.999.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().seconds().run(conn)
        """

    @command(TermType.TO_ISO8601)
    def to_iso8601(self, /) -> RqlQuery:
        """A time as text.

        Returns:
            A str such as `"2024-05-06T07:08:09.000+00:00"`.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().to_iso8601().run(conn)
        """

    @command(TermType.TO_EPOCH_TIME)
    def to_epoch_time(self, /) -> RqlQuery:
        """The seconds since 1970, with their fraction (milliseconds).

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: the subject is no time.

        Example:
            r.now().to_epoch_time().run(conn)
        """


@command(TermType.NOW, style=top_level)
def now() -> RqlQuery:
    """The time at which the server got the query; the same everywhere in it.

    Returns:
        A datetime in UTC.

    Raises:
        ReqlQueryLogicError: it stands where only what is deterministic may.

    Example:
        r.table("log").insert({"at": r.now()}).run(conn)
    """


@command(TermType.TIME, style=top_level)
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
    """A time made of year, month, day and timezone, or with the time of day between these.

    Args:
        year, month, day: the date; a month may be `r.january` and so on.
        timezone_or_hour: `"Z"`, `"+HH:MM"` or `"-HH:MM"`; or the hour, and then follow
        minute, second, timezone: the rest.

    Returns:
        A datetime.

    Raises:
        ReqlQueryLogicError: there is no such date or timezone.

    Example:
        r.time(2024, r.may, 6, 7, 8, 9.5, "+02:00").run(conn)
    """


@command(TermType.EPOCH_TIME, style=top_level)
def epoch_time(seconds: Number, /) -> RqlQuery:
    """The time that is some seconds after 1970 began.

    Args:
        seconds: how many; milliseconds count.

    Returns:
        A datetime in UTC.

    Raises:
        ReqlQueryLogicError: it is no number.

    Example:
        r.epoch_time(531360000).run(conn)
    """


@command(TermType.ISO8601, style=top_level)
def iso8601(text: Text, /, *, default_timezone: Text = UNSET) -> RqlQuery:
    """The time that a text says.

    Args:
        text: as in ISO 8601, but no week dates.
        default_timezone: for a text without one.

    Returns:
        A datetime.

    Raises:
        ReqlQueryLogicError: the text is no time, or lacks a timezone.

    Example:
        r.iso8601("2024-05-06T07:08:09+02:00").run(conn)
    """
