"""Commands that exist as `r.name(...)` only."""
# Declarations have no bodies (see rethinkdb.terms.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.terms.declare import UNSET, Rows, command
from rethinkdb.terms.printing import method, top_level

if TYPE_CHECKING:
    from rethinkdb.ast import DB, RqlQuery
    from rethinkdb.terms.types import (
        Fields,
        Flag,
        Function,
        GeoSystem,
        HttpMethod,
        Integer,
        Number,
        ResultFormat,
        Text,
        Unit,
        Value,
    )

__all__ = [
    "args",
    "asc",
    "circle",
    "db",
    "db_create",
    "db_drop",
    "db_list",
    "desc",
    "epoch_time",
    "error",
    "format",
    "geojson",
    "http",
    "iso8601",
    "js",
    "json",
    "line",
    "literal",
    "now",
    "object",
    "point",
    "polygon",
    "random",
    "range",
    "time",
]

# --- databases


@command(TermType.DB, style=top_level)
def db(name: Text, /) -> DB:
    """A database.

    Args:
        name: its name.

    Returns:
        The database, to be used as `r.db(...).table(...)`; it cannot be run alone.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db("blog").table("posts").run(conn)
    """


@command(TermType.DB_CREATE, style=top_level)
def db_create(name: Text, /) -> RqlQuery:
    """Makes a database.

    Args:
        name: letters, digits, `_` and `-`.

    Returns:
        `{"dbs_created": 1, "config_changes": [{"old_val": None, "new_val": {...}}]}`.

    Raises:
        ReqlOpFailedError: it exists.

    Example:
        r.db_create("blog").run(conn)
    """


@command(TermType.DB_DROP, style=top_level)
def db_drop(name: Text, /) -> RqlQuery:
    """Removes a database with all its tables.

    Args:
        name: its name.

    Returns:
        `{"dbs_dropped": 1, "tables_dropped": n, "config_changes": [...]}`.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db_drop("blog").run(conn)
    """


@command(TermType.DB_LIST, style=top_level)
def db_list() -> RqlQuery:
    """The names of all databases, `rethinkdb` (the system's) among them.

    Returns:
        A list of str.

    Raises:
        ReqlAvailabilityError: the server cannot tell.

    Example:
        r.db_list().run(conn)
    """


# --- values


@command(TermType.ARGS, style=top_level)
def args(array: Value, /) -> RqlQuery:
    """Splices an array into the arguments of the command it is given to.

    Args:
        array: the arguments.

    Returns:
        Something to be given to a command.

    Raises:
        ReqlQueryLogicError: it is no array.

    Example:
        r.table("users").get_all(r.args(["ada", "grace"])).run(conn)
    """


@command(TermType.JSON, style=top_level)
def json(text: Text, /) -> RqlQuery:
    """The value of a JSON text, parsed on the server.

    Args:
        text: the text.

    Returns:
        The value.

    Raises:
        ReqlQueryLogicError: it is no JSON.

    Example:
        r.json("[1, 2, 3]").run(conn)
    """


@command(TermType.OBJECT, style=method)
def object(*keys_and_values: Value) -> RqlQuery:
    """An object made of keys and values in turn.

    Args:
        keys_and_values: a key, its value, the next key and so on.

    Returns:
        An object.

    Raises:
        ReqlQueryLogicError: a key is no string, or comes twice.

    Example:
        r.object("name", "Ada", "age", 36).run(conn)
    """


@command(TermType.LITERAL, style=top_level)
def literal(value: Value = UNSET, /) -> RqlQuery:
    """Within `update` and `merge`, a value that replaces in place of being merged.

    Args:
        value: the value; none removes the field.

    Returns:
        Something to be put into an object.

    Raises:
        ReqlQueryLogicError: it stands elsewhere.

    Example:
        r.table("users").get(1).update({"data": r.literal({"age": 19})}).run(conn)
    """


@command(TermType.RANGE, style=top_level)
def range(start_or_end: Integer = UNSET, end: Integer = UNSET, /) -> RqlQuery:
    """A stream of integers.

    Args:
        start_or_end: alone it is the end, and the start is 0; without any it never ends.
        end: the end, which does not belong to it.

    Returns:
        A cursor.

    Raises:
        ReqlQueryLogicError: something is no integer.

    Example:
        r.range(1, 4).run(conn)  # 1, 2, 3
    """


@command(TermType.RANDOM, style=top_level)
def random(
    limit_or_start: Number = UNSET, limit: Number = UNSET, /, *, float: Flag = False
) -> RqlQuery:
    """A random number.

    Args:
        limit_or_start: alone it is the limit, and the start is 0; without any the number is a
            float from 0 to 1.
        limit: the limit, which does not belong to it.
        float: not only integers.

    Returns:
        A number.

    Raises:
        ReqlQueryLogicError: a limit is no integer, and `float` is not set.

    Example:
        r.random(1, 7).run(conn)
    """


@command(TermType.ERROR, style=top_level)
def error(message: Text = UNSET, /) -> RqlQuery:
    """Fails.

    Args:
        message: the error's message; without one, inside `default`, the error at hand goes on.

    Returns:
        Nothing ever.

    Raises:
        ReqlUserError: when run.

    Example:
        r.branch(r.row["n"] > 0, r.row["n"], r.error("not positive"))
    """


@command(TermType.FORMAT, style=top_level)
def format(template: Text, fields: Fields, /) -> RqlQuery:
    """A text with fields of an object put in. Servers up to 2.4.4 do not know it.

    Args:
        template: text with `{name}` where a field goes.
        fields: the object.

    Returns:
        A str.

    Raises:
        ReqlNonExistenceError: a field is missing.
        ReqlServerCompileError: the server does not know this command.

    Example:
        r.format("Hello {name}", {"name": "Ada"}).run(conn)
    """


@command(TermType.JAVASCRIPT, style=top_level)
def js(code: Text, /, *, timeout: Number = 5) -> RqlQuery:
    """The value of a JavaScript expression, or a function made of one.

    Args:
        code: the expression.
        timeout: seconds it may take.

    Returns:
        A value; a function can be used wherever ReQL takes one.

    Raises:
        ReqlQueryLogicError: the code fails, or takes too long.

    Example:
        r.table("users").filter(r.js("(function (user) { return user.age > 30; })")).run(conn)
    """


@command(TermType.HTTP, rows=Rows.ALL, style=top_level, single=True)
def http(
    url: Text,
    /,
    *,
    timeout: Number = 30,
    attempts: Integer = 5,
    redirects: Integer = 1,
    verify: Flag = True,
    result_format: ResultFormat = "auto",
    method: HttpMethod = "GET",
    auth: Fields = UNSET,
    params: Fields = UNSET,
    header: Value = UNSET,
    data: Value = UNSET,
    page: Text | Function = UNSET,
    page_limit: Integer = UNSET,
) -> RqlQuery:
    """What an HTTP server answers to the RethinkDB server.

    Args:
        url: the address.
        timeout: seconds it may take.
        attempts: how often to try.
        redirects: how many to follow.
        verify: check the certificate.
        result_format: what to take the answer for; `auto` goes by its type.
        method: the HTTP method.
        auth: `{"type": "basic" or "digest", "user": ..., "pass": ...}`.
        params: query parameters.
        header: an object, or a list of str.
        data: the body: a str, or an object of form fields.
        page: how to get the next page: `"link-next"`, or a function from
            `{"params": ..., "header": ..., "body": ...}` to its address, or None at the end.
        page_limit: how many pages at most, -1 for all; required with `page`.

    Returns:
        The answer; a cursor with `page`.

    Raises:
        ReqlNonExistenceError: the request failed.

    Example:
        r.http("https://example.org/data.json", params={"day": 1}).run(conn)
    """


# --- sorting


@command(TermType.ASC, rows=Rows.ALL, style=top_level)
def asc(key: Text | Function, /) -> RqlQuery:
    """Within `order_by`: from the least to the greatest.

    Args:
        key: a field, index or function.

    Returns:
        Something to be given to `order_by`.

    Raises:
        ReqlQueryLogicError: it stands elsewhere.

    Example:
        r.table("users").order_by(r.asc("age")).run(conn)
    """


@command(TermType.DESC, rows=Rows.ALL, style=top_level)
def desc(key: Text | Function, /) -> RqlQuery:
    """Within `order_by`: from the greatest to the least.

    Args:
        key: a field, index or function.

    Returns:
        Something to be given to `order_by`.

    Raises:
        ReqlQueryLogicError: it stands elsewhere.

    Example:
        r.table("users").order_by(index=r.desc("age")).run(conn)
    """


# --- times


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


# --- geometries


@command(TermType.GEOJSON, style=top_level)
def geojson(geojson: Fields, /) -> RqlQuery:
    """The geometry that a GeoJSON object describes.

    Args:
        geojson: a Point, LineString or Polygon.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: it is none of these.

    Example:
        r.geojson({"type": "Point", "coordinates": [-117, 32]}).run(conn)
    """


@command(TermType.POINT, style=top_level)
def point(longitude: Number, latitude: Number, /) -> RqlQuery:
    """A point on the earth.

    Args:
        longitude: -180 to 180.
        latitude: -90 to 90.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: it is outside these limits.

    Example:
        r.point(-117.16, 32.72).run(conn)
    """


@command(TermType.LINE, style=top_level)
def line(first: Value, second: Value, /, *more: Value) -> RqlQuery:
    """A line along points.

    Args:
        first, second, more: the points.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: something is no point.

    Example:
        r.line([0, 0], [1, 1]).run(conn)
    """


@command(TermType.POLYGON, style=top_level)
def polygon(first: Value, second: Value, third: Value, /, *more: Value) -> RqlQuery:
    """A polygon; the last point need not repeat the first.

    Args:
        first, second, third, more: the points.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: something is no point, or lines cross.

    Example:
        r.polygon([0, 0], [1, 0], [1, 1]).run(conn)
    """


@command(TermType.CIRCLE, style=top_level)
def circle(
    center: Value,
    radius: Number,
    /,
    *,
    num_vertices: Integer = 32,
    geo_system: GeoSystem = "WGS84",
    unit: Unit = "m",
    fill: Flag = True,
) -> RqlQuery:
    """A circle, approximated by a polygon.

    Args:
        center: a point.
        radius: how far, in `unit`.
        num_vertices: how many corners the polygon has.
        geo_system: the shape of the earth.
        unit: unit of the radius.
        fill: False makes a line.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: the radius is too great.

    Example:
        r.circle([-117, 32], 10, unit="km").run(conn)
    """
