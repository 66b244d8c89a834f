"""Evaluates Python code that a user has typed, as a Python shell does."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import Any

from rethinkdb.cli.failures import CommandError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.reql.term import RqlQuery


def namespace(conn: Any) -> dict[str, Any]:
    """The names that an expression may use: `r`, `rethinkdb` and `conn`."""
    import rethinkdb

    return {"r": rethinkdb.r, "rethinkdb": rethinkdb.r, "conn": conn}


NOTHING = object()
"""The result of statements without a value."""


# `r` has so many names that one of them is a little like any word: `errors` is like `heroes`.
_MUCH_ALIKE = 0.75


def evaluated(text: str, names: dict[str, Any], conn: Any) -> Any:
    """The value of Python code. If the value is a query, its result. `NOTHING` if there is none.

    Args:
        text: statements. The value is that of the last one, if it is an expression.
        names: the namespace of the code. Assignments add to it.
        conn: the connection that runs a query.
    """
    tree = ast.parse(text, "<typed>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<typed>", "exec"), names)
    if last is None:
        return NOTHING
    assert isinstance(last, ast.Expr)
    value = eval(compile(ast.Expression(last.value), "<typed>", "eval"), names)
    return value.run(conn) if isinstance(value, RqlQuery) else value


def mistake(error: Exception, names: dict[str, Any]) -> str:
    """Python's error message in one line, with a name that was perhaps meant.

    Args:
        error: the exception.
        names: the namespace of the code.
    """
    text = f"{type(error).__name__}: {error}"
    if meant := _meant(error, names):
        return f"{text}. Did you mean `{meant}`?"
    if isinstance(error, NameError) and error.name:
        return f'{text}. A table is written r.table("{error.name}")'
    return text


def _meant(error: Exception, names: dict[str, Any]) -> str | None:
    if isinstance(error, AttributeError):
        return _near(error.name, dir(error.obj))
    if not isinstance(error, NameError):
        return None
    known = [name for name in names if not name.startswith("__")]
    of_r = _near(error.name, dir(names["r"]), _MUCH_ALIKE)
    return _near(error.name, known) or (of_r and f"r.{of_r}")


def _near(name: str | None, known: list[str], alike: float = 0.6) -> str | None:
    return next(iter(get_close_matches(name or "", known, n=1, cutoff=alike)), None)


def query_of(text: str, conn: Any) -> Any:
    """The query in an argument of a command.

    Args:
        text: a Python expression.
        conn: the connection, for the namespace of the expression.

    Raises:
        CommandError: the text is no valid Python, fails, or is no query. The exit status is 2.
    """
    try:
        value = eval(compile(text, "<argument>", "eval"), namespace(conn))
    except Exception as error:
        raise CommandError(f"{mistake(error, namespace(conn))} in {text}", status=2) from error
    if not isinstance(value, (RqlQuery, BaseCursor)):
        advice = ": leave .run() out" if ".run(" in text else ""
        raise CommandError(
            f"{text} is not a query, it gives a value of the type {type(value).__name__}{advice}",
            status=2,
        )
    return value
