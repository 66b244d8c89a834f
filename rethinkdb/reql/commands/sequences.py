"""Sequences: choosing elements, transforming and sorting them."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command
from rethinkdb.reql.printing import part, top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Bound, Fields, Flag, Function, Integer, RqlQuery, Text, Value

__all__ = ["SequenceCommands", "asc", "desc"]


class SequenceCommands:
    """Commands on tables, selections, streams and arrays.

    Where nothing else is said, the result of a command on an array is an array, which the driver
    returns as a list, and otherwise a stream, which it returns as a cursor.
    """

    __slots__ = ()

    # --- choosing

    @command(TermNumber.FILTER, rows=Rows.ALL)
    def filter(self, predicate: Fields | Function | Flag, /, *, default: Value = False) -> RqlQuery:
        """Keeps the elements that meet a condition.

        Args:
            predicate: a function, an `r.row` expression, or an object whose fields an element
                must have with the same values.
            default: what to do with an element that lacks a field which the predicate uses: False
                leaves it out, True keeps it, and `r.error()` raises an error.

        Returns:
            A selection, stream or array, as the one it is called on.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.
            ReqlNonExistenceError: a field is missing and `default` is `r.error()`.

        Example:
            r.table("users").filter(r.row["age"] > 30).run(conn)
        """

    @command(TermNumber.BETWEEN)
    def between(
        self,
        lower: Value,
        upper: Value,
        /,
        *,
        index: Text = UNSET,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> RqlQuery:
        """Gets the documents whose key is between two keys.

        Args:
            lower, upper: the two keys. `r.minval` and `r.maxval` mean that there is no limit.
            index: the name of a secondary index. Default: the primary key.
            left_bound: `closed` includes documents with the key `lower`, `open` does not.
            right_bound: `closed` includes documents with the key `upper`, `open` does not.

        Returns:
            A cursor.

        Raises:
            ReqlQueryLogicError: it is not called on a table, or a key is null.

        Example:
            r.table("posts").between(10, r.maxval, index="views").run(conn)
        """

    @command(TermNumber.WITH_FIELDS)
    def with_fields(self, /, *selectors: Value) -> RqlQuery:
        """Keeps the elements that have all given fields, and of these elements only the fields.

        Args:
            selectors: as for `pluck`.

        Returns:
            A sequence of objects.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence of objects.

        Example:
            r.table("users").with_fields("name", "email").run(conn)
        """

    @command(TermNumber.SKIP)
    def skip(self, count: Integer, /) -> RqlQuery:
        """Leaves out the first elements.

        Args:
            count: how many elements to leave out. On an array a negative number counts from the
                end.

        Returns:
            The other elements.

        Raises:
            ReqlQueryLogicError: the number is negative, and it is not called on an array.

        Example:
            r.table("posts").order_by("day").skip(10).run(conn)
        """

    @command(TermNumber.LIMIT)
    def limit(self, count: Integer, /) -> RqlQuery:
        """Keeps the first elements.

        Args:
            count: the greatest number of elements to keep.

        Returns:
            These elements.

        Raises:
            ReqlQueryLogicError: the number is negative.

        Example:
            r.table("posts").order_by(index=r.desc("day")).limit(3).run(conn)
        """

    @command(TermNumber.SLICE, style=part)
    def slice(
        self,
        start: Integer,
        end: Integer = UNSET,
        /,
        *,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> RqlQuery:
        """Takes a part of a sequence, a string or binary data. `q[start:end]` is a short form.

        Args:
            start: the position at which the part starts. A negative one counts from the end.
            end: the position at which it ends. Default: the end of the sequence.
            left_bound: `closed` includes the element at `start`, `open` does not.
            right_bound: `closed` includes the element at `end`, `open` does not.

        Returns:
            A sequence, string or binary data, as the one it is called on.

        Raises:
            ReqlQueryLogicError: a position is negative, and it is called on a stream.

        Example:
            r.expr("abcdef").slice(1, 3).run(conn)  # 'bc'
        """

    @command(TermNumber.NTH)
    def nth(self, position: Integer, /) -> RqlQuery:
        """Takes one element of a sequence. `q[position]` is a short form.

        Args:
            position: the position, counted from 0. A negative one counts from the end.

        Returns:
            The element.

        Raises:
            ReqlNonExistenceError: the sequence has no such position.

        Example:
            r.expr([10, 20, 30]).nth(-1).run(conn)  # 30
        """

    @command(TermNumber.SAMPLE)
    def sample(self, count: Integer, /) -> RqlQuery:
        """Picks elements at random, each at most once.

        Args:
            count: how many elements to pick. If there are fewer, all are picked.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the number is negative.

        Example:
            r.table("users").sample(3).run(conn)
        """

    @command(TermNumber.OFFSETS_OF, rows=Rows.ALL)
    def offsets_of(self, what: Value, /) -> RqlQuery:
        """Finds the positions of elements.

        Args:
            what: the value to look for, or a function that takes an element and returns a bool.

        Returns:
            A sequence of ints.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.

        Example:
            r.expr(["a", "b", "a"]).offsets_of("a").run(conn)  # [0, 2]
        """

    @command(TermNumber.IS_EMPTY)
    def is_empty(self, /) -> RqlQuery:
        """Tells whether a sequence has no elements.

        Returns:
            A bool.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.

        Example:
            r.table("users").is_empty().run(conn)
        """

    # --- transforming

    @command(TermNumber.MAP, rows=Rows.LAST)
    def map(self, /, *sequences_then_function: Value) -> RqlQuery:
        """Calls a function with each element, or with one element of each of several sequences.

        Args:
            sequences_then_function: more sequences if there are several, then the function. It
                takes one argument for each sequence. The shortest sequence decides how often it
                is called.

        Returns:
            A sequence of what the function returns.

        Raises:
            ReqlQueryLogicError: it is not called on a sequence.

        Example:
            r.expr([1, 2]).map([10, 20], lambda a, b: a + b).run(conn)  # [11, 22]
        """

    @command(TermNumber.CONCAT_MAP, rows=Rows.ALL)
    def concat_map(self, function: Function, /) -> RqlQuery:
        """Calls a function with each element, and joins the sequences that it returns.

        Args:
            function: takes an element, and returns a sequence.

        Returns:
            A sequence.

        Raises:
            ReqlQueryLogicError: the function returns something else than a sequence.

        Example:
            r.table("posts").concat_map(lambda post: post["tags"]).run(conn)
        """

    @command(TermNumber.ORDER_BY, rows=Rows.ALL)
    def order_by(self, /, *keys: Value, index: Value = UNSET) -> RqlQuery:
        """Sorts a sequence.

        Args:
            keys: what to sort by: field names, functions, or `r.asc(...)` and `r.desc(...)` of
                these. Later keys count where the earlier ones are equal.
            index: the name of an index to sort by first, or `r.asc(name)` or `r.desc(name)`.
                Documents that are not in the index are left out.

        Returns:
            With `index` a cursor, otherwise a list.

        Raises:
            ReqlResourceLimitError: there is no `index`, and there are more elements than the run
                option `array_limit` allows.
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").order_by("author", index=r.desc("day")).run(conn)
        """

    @command(TermNumber.UNION, option_rows=True)
    def union(self, /, *sequences: Value, interleave: Value = True) -> RqlQuery:
        """Makes one sequence of several.

        Args:
            sequences: the other sequences.
            interleave: in which order elements come. True: as they arrive. False: one sequence
                after the other. A field name, a function, `r.asc(...)`, `r.desc(...)` or a list
                of these: sorted by it, if the sequences are so.

        Returns:
            A sequence.

        Raises:
            ReqlQueryLogicError: a value is not a sequence, or it is not sorted by `interleave`.

        Example:
            r.table("heroes").union(r.table("villains"), interleave="name").run(conn)
        """


@command(TermNumber.ASC, rows=Rows.ALL, style=top_level)
def asc(key: Text | Function, /) -> RqlQuery:
    """In an `order_by`, sorts from the least to the greatest. This is the default.

    Args:
        key: the name of a field or index, or a function.

    Returns:
        An argument for `order_by`.

    Raises:
        ReqlQueryLogicError: it is used elsewhere.

    Example:
        r.table("users").order_by(r.asc("age")).run(conn)
    """


@command(TermNumber.DESC, rows=Rows.ALL, style=top_level)
def desc(key: Text | Function, /) -> RqlQuery:
    """In an `order_by`, sorts from the greatest to the least.

    Args:
        key: the name of a field or index, or a function.

    Returns:
        An argument for `order_by`.

    Raises:
        ReqlQueryLogicError: it is used elsewhere.

    Example:
        r.table("users").order_by(index=r.desc("age")).run(conn)
    """
