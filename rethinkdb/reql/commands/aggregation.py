"""Aggregation: from a sequence to a value, and groups."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["AggregationCommands"]


class AggregationCommands:
    """Commands that sum up sequences."""

    __slots__ = ()

    @command(TermType.GROUP, rows=Rows.ALL)
    def group(
        self, /, *keys: Text | Function, index: Text = UNSET, multi: Flag = False
    ) -> RqlQuery:
        """Splits a sequence into groups; what follows, up to `ungroup`, applies to each.

        Args:
            keys: field names or functions; a group is a list when there are several.
            index: group by an index (required without keys).
            multi: each element of a key that is an array is a group of its own.

        Returns:
            Run, a dict from group to result, whose keys are hashable forms of the groups. The run
            option `group_format="raw"` keeps the server's form.

        Raises:
            ReqlQueryLogicError: neither keys nor an index.

        Example:
            r.table("games").group("player").max("points").run(conn)
        """

    @command(TermType.UNGROUP)
    def ungroup(self, /) -> RqlQuery:
        """Turns groups into an array.

        Returns:
            A list of `{"group": ..., "reduction": ...}`.

        Raises:
            ReqlQueryLogicError: the subject is not grouped.

        Example:
            r.table("games").group("player").count().ungroup().order_by("reduction").run(conn)
        """

    @command(TermType.REDUCE, rows=Rows.ALL)
    def reduce(self, function: Function, /) -> RqlQuery:
        """Combines the elements by a function, in no certain order.

        Args:
            function: of two elements, or results of its own, to one.

        Returns:
            The last result.

        Raises:
            ReqlNonExistenceError: the sequence is empty.

        Example:
            r.table("posts")["views"].reduce(lambda a, b: a + b).default(0).run(conn)
        """

    @command(TermType.FOLD, rows=Rows.LAST, option_rows=True)
    def fold(
        self,
        base: Value,
        function: Function,
        /,
        *,
        emit: Function = UNSET,
        final_emit: Function = UNSET,
    ) -> RqlQuery:
        """Combines the elements by a function, in order.

        Args:
            base: what to begin with.
            function: of (result so far, element) to the next result.
            emit: of (result before, element, result after) to a list of elements to emit.
            final_emit: of the last result to a list of elements to emit at the end.

        Returns:
            The last result; with `emit` a sequence.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.

        Example:
            r.expr([1, 2, 3]).fold(0, lambda sum, n: sum + n).run(conn)  # 6
        """

    @command(TermType.COUNT, rows=Rows.ALL)
    def count(self, what: Value = UNSET, /) -> RqlQuery:
        """How many elements there are.

        Args:
            what: count only those equal to this value, or that this function returns True for.

        Returns:
            An int; of a string its characters, of an object its fields, of binary data its bytes.

        Raises:
            ReqlQueryLogicError: the subject has no length.

        Example:
            r.table("users").count(lambda user: user["age"] > 30).run(conn)
        """

    @command(TermType.SUM, rows=Rows.ALL)
    def sum(self, what: Text | Function = UNSET, /) -> RqlQuery:
        """The sum of numbers, of a field, or of what a function returns.

        Args:
            what: the field or function.

        Returns:
            A number; 0 for nothing.

        Raises:
            ReqlQueryLogicError: something is no number.

        Example:
            r.table("games").sum("points").run(conn)
        """

    @command(TermType.AVG, rows=Rows.ALL)
    def avg(self, what: Text | Function = UNSET, /) -> RqlQuery:
        """The mean of numbers, of a field, or of what a function returns.

        Args:
            what: the field or function.

        Returns:
            A number.

        Raises:
            ReqlNonExistenceError: there is nothing.

        Example:
            r.table("games").avg("points").run(conn)
        """

    @command(TermType.MIN, rows=Rows.ALL)
    def min(self, what: Text | Function = UNSET, /, *, index: Text = UNSET) -> RqlQuery:
        """The element with the least value.

        Args:
            what: a field, or a function, that gives the value. Default: the element itself.
            index: name of an index to look at in place of all documents.

        Returns:
            The element (not its value).

        Raises:
            ReqlNonExistenceError: there is nothing.

        Example:
            r.table("games").min("points").run(conn)
        """

    @command(TermType.MAX, rows=Rows.ALL)
    def max(self, what: Text | Function = UNSET, /, *, index: Text = UNSET) -> RqlQuery:
        """The element with the greatest value.

        Args:
            what: a field, or a function, that gives the value. Default: the element itself.
            index: name of an index to look at in place of all documents.

        Returns:
            The element (not its value).

        Raises:
            ReqlNonExistenceError: there is nothing.

        Example:
            r.table("games").max(index="points").run(conn)
        """

    @command(TermType.DISTINCT, rows=Rows.ALL)
    def distinct(self, /, *, index: Text = UNSET) -> RqlQuery:
        """The elements without repetition.

        Args:
            index: the values of this index in place of the documents (tables only).

        Returns:
            A sorted list; of a table, a cursor.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").distinct(index="author").run(conn)
        """

    @command(TermType.CONTAINS, rows=Rows.ALL)
    def contains(self, /, *what: Value) -> RqlQuery:
        """Whether a sequence has some elements.

        Args:
            what: values that must be there, or functions that must return True for an element.

        Returns:
            A bool: True when all were found.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.

        Example:
            r.table("users").get("ada")["tags"].contains("admin").run(conn)
        """
