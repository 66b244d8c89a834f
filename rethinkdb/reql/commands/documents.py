"""Objects and arrays."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Integer, RqlQuery, Text, Value

__all__ = ["DocumentCommands"]


class DocumentCommands:
    """Commands on objects and arrays.

    Those on objects apply to each element when the subject is a sequence.
    """

    __slots__ = ()

    # --- objects

    @command(TermType.PLUCK)
    def pluck(self, /, *selectors: Value) -> RqlQuery:
        """Keeps some fields.

        Args:
            selectors: field names, lists of them, or objects that select inside:
                `{"address": {"city": True}}`, `{"address": ["city", "street"]}`.

        Returns:
            An object, or a sequence of them.

        Raises:
            ReqlQueryLogicError: the subject is no object, nor a sequence of objects.

        Example:
            r.table("users").pluck("name", {"address": "city"}).run(conn)
        """

    @command(TermType.WITHOUT)
    def without(self, /, *selectors: Value) -> RqlQuery:
        """Leaves out some fields.

        Args:
            selectors: as of `pluck`.

        Returns:
            An object, or a sequence of them.

        Raises:
            ReqlQueryLogicError: the subject is no object, nor a sequence of objects.

        Example:
            r.table("users").without("password").run(conn)
        """

    @command(TermType.MERGE, rows=Rows.ALL)
    def merge(self, /, *others: Value) -> RqlQuery:
        """Joins objects, nested ones field by field; later ones win.

        Args:
            others: objects, or functions from the object so far to one. `r.literal` in them
                replaces in place of merging, and `r.literal()` removes.

        Returns:
            An object, or a sequence of them.

        Raises:
            ReqlQueryLogicError: something is no object.

        Example:
            r.table("users").get("ada").merge({"seen": r.now()}).run(conn)
        """

    @command(TermType.GET_FIELD)
    def get_field(self, name: Text, /) -> RqlQuery:
        """A field of an object; of a sequence, that field of the elements that have it.

        Args:
            name: the field.

        Returns:
            The value, or a sequence of them.

        Raises:
            ReqlNonExistenceError: the object has no such field.

        Example:
            r.table("users").get("ada").get_field("name").run(conn)
        """

    @command(TermType.HAS_FIELDS)
    def has_fields(self, /, *selectors: Value) -> RqlQuery:
        """Whether an object has some fields; of a sequence, the elements that have them.

        Args:
            selectors: as of `pluck`. A field that is null counts as missing.

        Returns:
            A bool, or the sequence filtered.

        Raises:
            ReqlQueryLogicError: the subject is no object, nor a sequence of objects.

        Example:
            r.table("users").has_fields("email").run(conn)
        """

    @command(TermType.KEYS)
    def keys(self, /) -> RqlQuery:
        """The field names of an object.

        Returns:
            A list of str.

        Raises:
            ReqlQueryLogicError: the subject is no object.

        Example:
            r.expr({"a": 1, "b": 2}).keys().run(conn)  # ['a', 'b']
        """

    @command(TermType.VALUES)
    def values(self, /) -> RqlQuery:
        """The values of an object's fields.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the subject is no object.

        Example:
            r.expr({"a": 1, "b": 2}).values().run(conn)  # [1, 2]
        """

    # --- arrays

    @command(TermType.APPEND)
    def append(self, value: Value, /) -> RqlQuery:
        """Adds an element at the end of an array.

        Args:
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the subject is no array.

        Example:
            r.expr([1, 2]).append(3).run(conn)  # [1, 2, 3]
        """

    @command(TermType.PREPEND)
    def prepend(self, value: Value, /) -> RqlQuery:
        """Adds an element at the start of an array.

        Args:
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the subject is no array.

        Example:
            r.expr([1, 2]).prepend(0).run(conn)  # [0, 1, 2]
        """

    @command(TermType.DIFFERENCE)
    def difference(self, array: Value, /) -> RqlQuery:
        """Leaves out the elements that another array holds.

        Args:
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the argument is no array.

        Example:
            r.expr([1, 2, 1]).difference([1]).run(conn)  # [2]
        """

    @command(TermType.SET_INSERT)
    def set_insert(self, value: Value, /) -> RqlQuery:
        """Adds an element to an array, as to a set.

        Args:
            value: the element.

        Returns:
            A list without repetition.

        Raises:
            ReqlQueryLogicError: the subject is no array.

        Example:
            r.expr([1, 2]).set_insert(2).run(conn)  # [1, 2]
        """

    @command(TermType.SET_UNION)
    def set_union(self, array: Value, /) -> RqlQuery:
        """The elements of two arrays, as of sets.

        Args:
            array: the other array.

        Returns:
            A list without repetition.

        Raises:
            ReqlQueryLogicError: something is no array.

        Example:
            r.expr([1, 2]).set_union([2, 3]).run(conn)  # [1, 2, 3]
        """

    @command(TermType.SET_INTERSECTION)
    def set_intersection(self, array: Value, /) -> RqlQuery:
        """The elements that are in both arrays, as of sets.

        Args:
            array: the other array.

        Returns:
            A list without repetition.

        Raises:
            ReqlQueryLogicError: something is no array.

        Example:
            r.expr([1, 2]).set_intersection([2, 3]).run(conn)  # [2]
        """

    @command(TermType.SET_DIFFERENCE)
    def set_difference(self, array: Value, /) -> RqlQuery:
        """The elements that are not in the other array, as of sets.

        Args:
            array: the other array.

        Returns:
            A list without repetition.

        Raises:
            ReqlQueryLogicError: something is no array.

        Example:
            r.expr([1, 2]).set_difference([2, 3]).run(conn)  # [1]
        """

    @command(TermType.INSERT_AT)
    def insert_at(self, position: Integer, value: Value, /) -> RqlQuery:
        """Puts an element into an array.

        Args:
            position: where it will stand; negative counts from the end.
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "c"]).insert_at(1, "b").run(conn)  # ['a', 'b', 'c']
        """

    @command(TermType.SPLICE_AT)
    def splice_at(self, position: Integer, array: Value, /) -> RqlQuery:
        """Puts the elements of another array into an array.

        Args:
            position: where the first will stand; negative counts from the end.
            array: the elements.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "d"]).splice_at(1, ["b", "c"]).run(conn)  # ['a', 'b', 'c', 'd']
        """

    @command(TermType.CHANGE_AT)
    def change_at(self, position: Integer, value: Value, /) -> RqlQuery:
        """Puts another element in the place of one.

        Args:
            position: its place; negative counts from the end.
            value: the new element.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "x"]).change_at(1, "b").run(conn)  # ['a', 'b']
        """

    @command(TermType.DELETE_AT)
    def delete_at(self, start: Integer, end: Integer = UNSET, /) -> RqlQuery:
        """Removes one element of an array, or several.

        Args:
            start: position of the first; negative counts from the end.
            end: position behind the last. Default: only one is removed.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: a position is outside the array.

        Example:
            r.expr(["a", "b", "c"]).delete_at(1).run(conn)  # ['a', 'c']
        """
