"""Values without a subject: JSON, objects, numbers, errors, JavaScript, HTTP."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command
from rethinkdb.reql.printing import method, top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import (
        Fields,
        Flag,
        Function,
        HttpMethod,
        Integer,
        Number,
        ResultFormat,
        RqlQuery,
        Text,
        Value,
    )

__all__ = ["args", "error", "format", "http", "js", "json", "literal", "object", "random", "range"]


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
