"""Sequences: picking elements, transforming, sorting."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command
from rethinkdb.reql.printing import top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Bound, Fields, Flag, Function, Integer, RqlQuery, Text, Value

__all__ = ["SequenceCommands", "asc", "desc"]


class SequenceCommands:
    """Commands from sequence to sequence.

    Where nothing else is said the result is a list when the subject is an array, and a cursor when
    it is a table, selection or stream.
    """

    __slots__ = ()

    # --- selecting

    @command(TermType.FILTER, rows=Rows.ALL)
    def filter(self, predicate: Fields | Function | Flag, /, *, default: Value = False) -> RqlQuery:
        """Keeps the elements that meet a condition.

        Args:
            predicate: a function, an `r.row` expression, or an object whose fields must match.
            default: the answer for an element that lacks a field the predicate uses: False skips
                it, True keeps it, `r.error()` raises.

        Returns:
            The same kind as the subject: selection, stream or array.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.
            ReqlNonExistenceError: a field is missing and `default` is `r.error()`.

        Example:
            r.table("users").filter(r.row["age"] > 30).run(conn)
        """

    @command(TermType.BETWEEN)
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
        """The documents whose key lies between two values.

        Args:
            lower, upper: keys, or `r.minval` and `r.maxval` for no limit.
            index: name of a secondary index. Default: the primary key.
            left_bound: whether `lower` itself belongs to it.
            right_bound: whether `upper` itself does.

        Returns:
            A cursor.

        Raises:
            ReqlQueryLogicError: the subject is no table, or a key is null.

        Example:
            r.table("posts").between(10, r.maxval, index="views").run(conn)
        """

    @command(TermType.WITH_FIELDS)
    def with_fields(self, /, *selectors: Value) -> RqlQuery:
        """Keeps the elements that have some fields, and of them those fields only.

        Args:
            selectors: as of `pluck`.

        Returns:
            A sequence of objects.

        Raises:
            ReqlQueryLogicError: the subject is no sequence of objects.

        Example:
            r.table("users").with_fields("name", "email").run(conn)
        """

    @command(TermType.SKIP)
    def skip(self, count: Integer, /) -> RqlQuery:
        """Leaves out the first elements.

        Args:
            count: how many.

        Returns:
            The rest.

        Raises:
            ReqlQueryLogicError: the count is negative, the subject a stream counted from its end.

        Example:
            r.table("posts").order_by("day").skip(10).run(conn)
        """

    @command(TermType.LIMIT)
    def limit(self, count: Integer, /) -> RqlQuery:
        """Keeps the first elements.

        Args:
            count: how many at most.

        Returns:
            The elements.

        Raises:
            ReqlQueryLogicError: the count is negative.

        Example:
            r.table("posts").order_by(index=r.desc("day")).limit(3).run(conn)
        """

    @command(TermType.SLICE)
    def slice(
        self,
        start: Integer,
        end: Integer = UNSET,
        /,
        *,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> RqlQuery:
        """A part of a sequence, string or binary value; `q[start:end]` is short for it.

        Args:
            start: position of the first element; negative counts from the end.
            end: position of the last one. Default: the end.
            left_bound: whether the first one belongs to it.
            right_bound: whether the last one does.

        Returns:
            The same kind as the subject.

        Raises:
            ReqlQueryLogicError: a negative position on a stream.

        Example:
            r.expr("abcdef").slice(1, 3).run(conn)  # 'bc'
        """

    @command(TermType.NTH)
    def nth(self, position: Integer, /) -> RqlQuery:
        """One element of a sequence; `q[position]` is short for it.

        Args:
            position: from 0; negative counts from the end.

        Returns:
            The element.

        Raises:
            ReqlNonExistenceError: there are not so many.

        Example:
            r.expr([10, 20, 30]).nth(-1).run(conn)  # 30
        """

    @command(TermType.SAMPLE)
    def sample(self, count: Integer, /) -> RqlQuery:
        """Elements picked at random, none twice.

        Args:
            count: how many at most.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the count is negative.

        Example:
            r.table("users").sample(3).run(conn)
        """

    @command(TermType.OFFSETS_OF, rows=Rows.ALL)
    def offsets_of(self, what: Value, /) -> RqlQuery:
        """The positions of elements.

        Args:
            what: a value to compare with, or a function from an element to a bool.

        Returns:
            A sequence of ints.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.

        Example:
            r.expr(["a", "b", "a"]).offsets_of("a").run(conn)  # [0, 2]
        """

    @command(TermType.IS_EMPTY)
    def is_empty(self, /) -> RqlQuery:
        """Whether a sequence has no elements.

        Returns:
            A bool.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.

        Example:
            r.table("users").is_empty().run(conn)
        """

    # --- transforming

    @command(TermType.MAP, rows=Rows.LAST)
    def map(self, /, *sequences_then_function: Value) -> RqlQuery:
        """Applies a function to each element, or to elements of several sequences side by side.

        Args:
            sequences_then_function: further sequences, then a function of as many arguments as
                there are sequences. The shortest sequence ends it.

        Returns:
            A sequence of what the function returns.

        Raises:
            ReqlQueryLogicError: the subject is no sequence.

        Example:
            r.expr([1, 2]).map([10, 20], lambda a, b: a + b).run(conn)  # [11, 22]
        """

    @command(TermType.CONCAT_MAP, rows=Rows.ALL)
    def concat_map(self, function: Function, /) -> RqlQuery:
        """Applies a function to each element, and joins the sequences it returns.

        Args:
            function: from an element to a sequence.

        Returns:
            A sequence.

        Raises:
            ReqlQueryLogicError: the function returns no sequence.

        Example:
            r.table("posts").concat_map(lambda post: post["tags"]).run(conn)
        """

    @command(TermType.ORDER_BY, rows=Rows.ALL)
    def order_by(self, /, *keys: Value, index: Value = UNSET) -> RqlQuery:
        """Sorts a sequence.

        Args:
            keys: field names, functions, or `r.asc(...)` and `r.desc(...)` of these.
            index: name of an index to sort by first, or `r.asc(name)`, `r.desc(name)`.

        Returns:
            A list without `index`; with it a cursor, which leaves out documents that the index
            does not hold.

        Raises:
            ReqlResourceLimitError: without `index` there are more than `array_limit` elements.
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").order_by("author", index=r.desc("day")).run(conn)
        """

    @command(TermType.UNION, option_rows=True)
    def union(self, /, *sequences: Value, interleave: Value = True) -> RqlQuery:
        """Joins sequences.

        Args:
            sequences: the others.
            interleave: True mixes them as they come, False keeps their order; a field name,
                function, `r.asc(...)`, `r.desc(...)` or a list of these merges sorted ones.

        Returns:
            A sequence.

        Raises:
            ReqlQueryLogicError: something is no sequence, or sequences to merge are not sorted.

        Example:
            r.table("heroes").union(r.table("villains"), interleave="name").run(conn)
        """


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
