"""Control: calling functions, conditions, defaults, types."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import Rows, command
from rethinkdb.reql.printing import funcall, top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Function, RqlQuery, Text, Value

__all__ = ["ControlCommands"]


class ControlCommands:
    """Commands on values of any type."""

    __slots__ = ()

    @command(TermNumber.FUNCALL, rows=Rows.LAST, style=funcall)
    def do(self, /, *arguments_then_function: Value) -> RqlQuery:
        """Calls a function with the value that it is called on.

        Args:
            arguments_then_function: more arguments for the function if it takes several, then the
                function. If the last one is no function, it is the result itself.

        Returns:
            What the function returns.

        Raises:
            ReqlDriverCompileError: `r.do` was called without arguments.

        Example:
            r.table("games").get(1).do(lambda game: game["won"] - game["lost"]).run(conn)
        """

    @command(TermNumber.BRANCH, style=top_level)
    def branch(self, value: Value, /, *more: Value) -> RqlQuery:
        """Chooses a value by conditions: if, else if, else.

        The condition is what it is called on, or the first argument of `r.branch`. Only the value
        that is chosen gets computed.

        Args:
            value: the value to choose if the condition is true.
            more: more pairs of a condition and a value, then the value to choose if no condition
                is true.

        Returns:
            The value chosen.

        Raises:
            ReqlServerCompileError: the last value is missing.

        Example:
            r.branch(r.row["age"] < 18, "minor", "adult")
        """

    @command(TermNumber.DEFAULT)
    def default(self, value: Value | Function, /) -> RqlQuery:
        """Gives another value in place of one that is null or does not exist.

        Args:
            value: the other value, or a function that takes the error's message and returns it.
                `r.error()` raises the error after all.

        Returns:
            The value that it is called on, or else the other value.

        Raises:
            ReqlRuntimeError: there is an error of another kind than ReqlNonExistenceError.

        Example:
            r.table("users").get("ada")["age"].default(0).run(conn)
        """

    @command(TermNumber.COERCE_TO)
    def coerce_to(self, type: Text, /) -> RqlQuery:
        """Converts a value to another type.

        Args:
            type: one of `array object string number binary bool`.

        Returns:
            The value as that type.

        Raises:
            ReqlQueryLogicError: the value cannot be converted to that type.

        Example:
            r.table("users").coerce_to("array").run(conn)
        """

    @command(TermNumber.TYPE_OF)
    def type_of(self, /) -> RqlQuery:
        """Gets the name of a value's type.

        Returns:
            A str such as `"STRING"` or `"PTYPE<TIME>"`.

        Raises:
            ReqlRuntimeError: the value cannot be computed.

        Example:
            r.expr("a").type_of().run(conn)  # 'STRING'
        """

    @command(TermNumber.INFO)
    def info(self, /) -> RqlQuery:
        """Describes a value.

        Returns:
            An object with the field `type` and others. That of a table has its name, database,
            primary key, indexes, and about how many documents it has.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("users").info()["primary_key"].run(conn)
        """

    @command(TermNumber.TO_JSON_STRING)
    def to_json_string(self, /) -> RqlQuery:
        """Writes a value as JSON text.

        Returns:
            A str. It has no spaces, and keys are sorted.

        Raises:
            ReqlQueryLogicError: the value is a function, a table or a stream.

        Example:
            r.expr({"a": 1}).to_json_string().run(conn)  # '{"a":1}'
        """

    to_json = to_json_string
