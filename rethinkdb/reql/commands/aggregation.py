"""Aggregation: one value of a whole sequence, or of each group of it."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["AggregationCommands"]


class AggregationCommands:
    """Commands that make one value of a sequence."""

    __slots__ = ()

    @command(TermNumber.GROUP, rows=Rows.ALL)
    def group(
        self, /, *keys: Text | Function, index: Text = UNSET, multi: Flag = False
    ) -> RqlQuery:
        """Splits a sequence into groups. Commands called on them work on each group by itself.

        `ungroup` ends that.

        Args:
            keys: what to group by: field names or functions. With several keys a group is a list.
            index: the name of an index to group by. Either keys or an index must be given.
            multi: if a key is an array, put the element into a group for each element of it.

        Returns:
            A dict from each group to its result. As keys of a dict must be hashable, a group that
            is a list becomes a tuple, and an object becomes a frozenset of pairs. With the run
            option `group_format="raw"` the result comes as the server sends it.

        Raises:
            ReqlQueryLogicError: there is neither a key nor an index.

        Example:
            r.table("games").group("player").max("points").run(conn)
        """

    @command(TermNumber.UNGROUP)
    def ungroup(self, /) -> RqlQuery:
        """Makes an array of groups, so that commands work on all of them together.

        Returns:
            A list of `{"group": ..., "reduction": ...}`.

        Raises:
            ReqlQueryLogicError: it is not called on groups.

        Example:
            r.table("games").group("player").count().ungroup().order_by("reduction").run(conn)
        """

    @command(TermNumber.REDUCE, rows=Rows.ALL)
    def reduce(self, function: Function, /) -> RqlQuery:
        """Combines all elements to one by a function, in any order.

        Args:
            function: takes two values, each an element or an earlier result, and returns one.

        Returns:
            The last result of the function.

        Raises:
            ReqlNonExistenceError: the sequence is empty.

        Example:
            r.table("posts")["views"].reduce(lambda a, b: a + b).default(0).run(conn)
        """

    @command(TermNumber.FOLD, rows=Rows.LAST, option_rows=True)
    def fold(
        self,
        base: Value,
        function: Function,
        /,
        *,
        emit: Function = UNSET,
        final_emit: Function = UNSET,
    ) -> RqlQuery:
        """Combines all elements to one by a function, from the first to the last.

        Args:
            base: the result to begin with.
            function: takes the result so far and an element, and returns the next result.
            emit: takes the result so far, the element and the next result, and returns a list.
                The elements of all these lists are then the result of `fold`.
            final_emit: takes the last result, and returns a list of elements to add at the end.

        Returns:
            The last result of the function. With `emit` a sequence.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.

        Example:
            r.expr([1, 2, 3]).fold(0, lambda sum, n: sum + n).run(conn)  # 6
        """

    @command(TermNumber.COUNT, rows=Rows.ALL)
    def count(self, what: Value = UNSET, /) -> RqlQuery:
        """Counts the elements of a sequence.

        It also counts the characters of a string, the fields of an object, and bytes.

        Args:
            what: count only elements that are equal to this value. If it is a function, count
                only elements for which it returns True. Default: count all.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: it is called on a value that has no length.

        Example:
            r.table("users").count(lambda user: user["age"] > 30).run(conn)
        """

    @command(TermNumber.SUM, rows=Rows.ALL)
    def sum(self, what: Text | Function = UNSET, /) -> RqlQuery:
        """Adds the numbers in a sequence.

        Args:
            what: the name of the field with the number, or a function that returns the number.
                Default: the element itself.

        Returns:
            A number. The sum of an empty sequence is 0.

        Raises:
            ReqlQueryLogicError: a value is not a number.

        Example:
            r.table("games").sum("points").run(conn)
        """

    @command(TermNumber.AVG, rows=Rows.ALL)
    def avg(self, what: Text | Function = UNSET, /) -> RqlQuery:
        """Computes the mean of the numbers in a sequence.

        Args:
            what: the name of the field with the number, or a function that returns the number.
                Default: the element itself.

        Returns:
            A number.

        Raises:
            ReqlNonExistenceError: the sequence is empty.

        Example:
            r.table("games").avg("points").run(conn)
        """

    @command(TermNumber.MIN, rows=Rows.ALL)
    def min(self, what: Text | Function = UNSET, /, *, index: Text = UNSET) -> RqlQuery:
        """Finds the element with the least value.

        Args:
            what: the name of the field to compare by, or a function that returns the value to
                compare by. Default: the element itself.
            index: the name of an index to compare by, which is faster.

        Returns:
            The whole element.

        Raises:
            ReqlNonExistenceError: the sequence is empty.

        Example:
            r.table("games").min("points").run(conn)
        """

    @command(TermNumber.MAX, rows=Rows.ALL)
    def max(self, what: Text | Function = UNSET, /, *, index: Text = UNSET) -> RqlQuery:
        """Finds the element with the greatest value.

        Args:
            what: the name of the field to compare by, or a function that returns the value to
                compare by. Default: the element itself.
            index: the name of an index to compare by, which is faster.

        Returns:
            The whole element.

        Raises:
            ReqlNonExistenceError: the sequence is empty.

        Example:
            r.table("games").max(index="points").run(conn)
        """

    @command(TermNumber.DISTINCT, rows=Rows.ALL)
    def distinct(self, /, *, index: Text = UNSET) -> RqlQuery:
        """Leaves out elements that are equal to others.

        Args:
            index: on a table, the name of an index whose values are the result.

        Returns:
            A cursor on a table, otherwise a sorted list.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").distinct(index="author").run(conn)
        """

    @command(TermNumber.CONTAINS, rows=Rows.ALL)
    def contains(self, /, *what: Value) -> RqlQuery:
        """Tells whether a sequence contains all the given elements.

        Args:
            what: values to look for. A function stands for an element for which it returns True.

        Returns:
            True if all were found, otherwise False.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.

        Example:
            r.table("users").get("ada")["tags"].contains("admin").run(conn)
        """
