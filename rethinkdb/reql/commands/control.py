"""Control: functions, conditions, defaults, types."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import Rows, command
from rethinkdb.reql.printing import funcall, top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Function, RqlQuery, Text, Value

__all__ = ["ControlCommands"]


class ControlCommands:
    """Commands on values of any type."""

    __slots__ = ()

    @command(TermType.FUNCALL, rows=Rows.LAST, style=funcall)
    def do(self, /, *arguments_then_function: Value) -> RqlQuery:
        """Calls a function with the subject, and further arguments.

        Args:
            arguments_then_function: further arguments, then a function of as many parameters as
                there are arguments (or any value, which is the result then).

        Returns:
            What the function returns.

        Raises:
            ReqlDriverCompileError: `r.do` was given nothing.

        Example:
            r.table("games").get(1).do(lambda game: game["won"] - game["lost"]).run(conn)
        """

    @command(TermType.BRANCH, style=top_level)
    def branch(self, value: Value, /, *more: Value) -> RqlQuery:
        """Chooses by conditions; only what is chosen is run.

        Args:
            value: what it is when the subject is true.
            more: further pairs of condition and value, and at last the value for none of them.

        Returns:
            The value chosen.

        Raises:
            ReqlServerCompileError: the number of arguments is even.

        Example:
            r.branch(r.row["age"] < 18, "minor", "adult")
        """

    @command(TermType.DEFAULT)
    def default(self, value: Value | Function, /) -> RqlQuery:
        """Another value where the subject is null or missing.

        Args:
            value: the other value, or a function from the error's message to it; `r.error()`
                raises the error again.

        Returns:
            The subject, or the other value.

        Raises:
            ReqlRuntimeError: the subject fails in a way other than non-existence.

        Example:
            r.table("users").get("ada")["age"].default(0).run(conn)
        """

    @command(TermType.COERCE_TO)
    def coerce_to(self, type: Text, /) -> RqlQuery:
        """Turns a value into another type.

        Args:
            type: `array object string number binary bool`.

        Returns:
            The value in that type.

        Raises:
            ReqlQueryLogicError: it cannot be turned into that type.

        Example:
            r.table("users").coerce_to("array").run(conn)
        """

    @command(TermType.TYPE_OF)
    def type_of(self, /) -> RqlQuery:
        """The name of a value's type.

        Returns:
            A str such as `"STRING"` or `"PTYPE<TIME>"`.

        Raises:
            ReqlRuntimeError: the subject fails.

        Example:
            r.expr("a").type_of().run(conn)  # 'STRING'
        """

    @command(TermType.INFO)
    def info(self, /) -> RqlQuery:
        """What there is to know about a value.

        Returns:
            An object with `type`, and more by type: of a table its name, database, primary key,
            indexes and an estimated count.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("users").info()["primary_key"].run(conn)
        """

    @command(TermType.TO_JSON_STRING)
    def to_json_string(self, /) -> RqlQuery:
        """A value as JSON text.

        Returns:
            A str, without spaces, keys sorted.

        Raises:
            ReqlQueryLogicError: the value is no data (a function, a table).

        Example:
            r.expr({"a": 1}).to_json_string().run(conn)  # '{"a":1}'
        """

    to_json = to_json_string
