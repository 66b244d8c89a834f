"""Functions of `r` that make values: JSON, objects, numbers, errors, JavaScript, HTTP."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
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


@command(TermNumber.ARGS, style=top_level)
def args(array: Value, /) -> RqlQuery:
    """Passes the elements of an array as arguments of a command, as `*` does in Python.

    Args:
        array: the arguments.

    Returns:
        An argument for any command.

    Raises:
        ReqlQueryLogicError: the argument is not an array.

    Example:
        r.table("users").get_all(r.args(["ada", "grace"])).run(conn)
    """


@command(TermNumber.JSON, style=top_level)
def json(text: Text, /) -> RqlQuery:
    """Makes a value of JSON text. The server parses it.

    Args:
        text: the JSON text.

    Returns:
        The value.

    Raises:
        ReqlQueryLogicError: the text is not valid JSON.

    Example:
        r.json("[1, 2, 3]").run(conn)
    """


@command(TermNumber.OBJECT, style=method)
def object(*keys_and_values: Value) -> RqlQuery:
    """Makes an object of keys and values.

    Args:
        keys_and_values: a key, its value, the next key, its value, and so on.

    Returns:
        An object.

    Raises:
        ReqlQueryLogicError: a key is not a string, or comes twice.

    Example:
        r.object("name", "Ada", "age", 36).run(conn)
    """


@command(TermNumber.LITERAL, style=top_level)
def literal(value: Value = UNSET, /) -> RqlQuery:
    """In an `update` or a `merge`, replaces an object without merging it with the old one.

    Args:
        value: the new value of the field. Without it the field is removed.

    Returns:
        A value for a field of the object that is given to `update` or `merge`.

    Raises:
        ReqlQueryLogicError: it is used elsewhere.

    Example:
        r.table("users").get(1).update({"data": r.literal({"age": 19})}).run(conn)
    """


@command(TermNumber.RANGE, style=top_level)
def range(start_or_end: Integer = UNSET, end: Integer = UNSET, /) -> RqlQuery:
    """Makes a stream of integers, as Python's `range` does.

    Without arguments it starts with 0 and does not end.

    Args:
        start_or_end: the end, if it is the only argument, and the stream starts with 0; otherwise
            the first integer.
        end: the end. It is not in the stream itself.

    Returns:
        A cursor.

    Raises:
        ReqlQueryLogicError: a value is not an integer.

    Example:
        r.range(1, 4).run(conn)  # 1, 2, 3
    """


@command(TermNumber.RANDOM, style=top_level)
def random(
    limit_or_start: Number = UNSET, limit: Number = UNSET, /, *, float: Flag = False
) -> RqlQuery:
    """Makes a random number.

    Without arguments it is a float from 0 to 1.

    Args:
        limit_or_start: the limit, if it is the only one; otherwise the least possible number.
        limit: the limit. The number is less than it.
        float: True makes a float, False an integer.

    Returns:
        A number.

    Raises:
        ReqlQueryLogicError: a limit is not an integer, and `float` is not set.

    Example:
        r.random(1, 7).run(conn)
    """


@command(TermNumber.ERROR, style=top_level)
def error(message: Text = UNSET, /) -> RqlQuery:
    """Raises an error in a query.

    Args:
        message: the error's message. Inside `default` it may be left out: then the error that
            `default` caught is raised again.

    Returns:
        It never returns.

    Raises:
        ReqlUserError: the server gets to this part of the query.

    Example:
        r.branch(r.row["n"] > 0, r.row["n"], r.error("not positive"))
    """


@command(TermNumber.FORMAT, style=top_level)
def format(template: Text, fields: Fields, /) -> RqlQuery:
    """Puts fields of an object into a text. Servers up to 2.4.4 do not have this command.

    Args:
        template: the text. `{name}` stands for the field `name`.
        fields: the object with the fields.

    Returns:
        A str.

    Raises:
        ReqlNonExistenceError: a field is missing.
        ReqlServerCompileError: the server does not know this command.

    Example:
        r.format("Hello {name}", {"name": "Ada"}).run(conn)
    """


@command(TermNumber.JAVASCRIPT, style=top_level)
def js(code: Text, /, *, timeout: Number = 5) -> RqlQuery:
    """Evaluates a JavaScript expression.

    Args:
        code: the expression.
        timeout: how many seconds it may take.

    Returns:
        The value of the expression. If it is a function, it can be used as an argument wherever a
        command takes a function.

    Raises:
        ReqlQueryLogicError: the code raised an error, or took too long.

    Example:
        r.table("users").filter(r.js("(function (user) { return user.age > 30; })")).run(conn)
    """


@command(TermNumber.HTTP, rows=Rows.ALL, style=top_level, single=True)
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
    """Makes the database server send an HTTP request, and gets the answer.

    Args:
        url: the address.
        timeout: how many seconds it may take.
        attempts: how often to try if there is no answer.
        redirects: how many redirects to follow.
        verify: whether to check the server's certificate.
        result_format: how to read the answer. `auto` decides by its content type.
        method: the HTTP method.
        auth: `{"type": "basic" or "digest", "user": ..., "pass": ...}`.
        params: an object with the parameters in the URL's query.
        header: an object with headers, or a list of strings `"Name: value"`.
        data: the body of the request: a str, or an object with the fields of a form.
        page: how to find the next page of an answer in pages. `"link-next"` follows the header
            `Link`. A function takes `{"params": ..., "header": ..., "body": ...}`, and returns
            the address of the next page, or None after the last one.
        page_limit: the greatest number of pages to get; -1 means all. It is required with `page`.

    Returns:
        The content of the answer. With `page` a cursor.

    Raises:
        ReqlNonExistenceError: the request failed.

    Example:
        r.http("https://example.org/data.json", params={"day": 1}).run(conn)
    """
