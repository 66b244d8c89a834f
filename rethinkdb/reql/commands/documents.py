"""Objects and arrays."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Integer, RqlQuery, Text, Value

__all__ = ["DocumentCommands"]


class DocumentCommands:
    """Commands on objects and arrays.

    Called on a sequence, the commands on objects work on each of its elements.
    """

    __slots__ = ()

    # --- objects

    @command(TermNumber.PLUCK)
    def pluck(self, /, *selectors: Value) -> RqlQuery:
        """Keeps some fields, and leaves out all others.

        Args:
            selectors: names of fields, or lists of them. An object keeps fields of an object in a
                field: `{"address": {"city": True}}` or `{"address": ["city", "street"]}`.

        Returns:
            An object, or a sequence of objects.

        Raises:
            ReqlQueryLogicError: it is not called on an object or a sequence of objects.

        Example:
            r.table("users").pluck("name", {"address": "city"}).run(conn)
        """

    @command(TermNumber.WITHOUT)
    def without(self, /, *selectors: Value) -> RqlQuery:
        """Leaves out some fields.

        Args:
            selectors: names of fields and the like, as for `pluck`.

        Returns:
            An object, or a sequence of objects.

        Raises:
            ReqlQueryLogicError: it is not called on an object or a sequence of objects.

        Example:
            r.table("users").without("password").run(conn)
        """

    @command(TermNumber.MERGE, rows=Rows.ALL)
    def merge(self, /, *others: Value) -> RqlQuery:
        """Makes one object of several. Where several have a field, the last one counts.

        If the field holds objects, these are merged in the same way.

        Args:
            others: the other objects, or functions that take the object so far and return one.
                `r.literal(value)` in a field replaces what is there without merging, and
                `r.literal()` removes the field.

        Returns:
            An object, or a sequence of objects.

        Raises:
            ReqlQueryLogicError: a value is not an object.

        Example:
            r.table("users").get("ada").merge({"seen": r.now()}).run(conn)
        """

    @command(TermNumber.GET_FIELD)
    def get_field(self, name: Text, /) -> RqlQuery:
        """Takes the value of a field.

        Called on a sequence, it takes the value from each element that has the field.

        Args:
            name: the name of the field.

        Returns:
            The value, or a sequence of values.

        Raises:
            ReqlNonExistenceError: the object has no such field.

        Example:
            r.table("users").get("ada").get_field("name").run(conn)
        """

    @command(TermNumber.HAS_FIELDS)
    def has_fields(self, /, *selectors: Value) -> RqlQuery:
        """Tells whether an object has all given fields.

        Called on a sequence, it keeps the elements that have them.

        Args:
            selectors: names of fields and the like, as for `pluck`. A field that is null counts
                as missing.

        Returns:
            A bool, or a sequence.

        Raises:
            ReqlQueryLogicError: it is not called on an object or a sequence of objects.

        Example:
            r.table("users").has_fields("email").run(conn)
        """

    @command(TermNumber.KEYS)
    def keys(self, /) -> RqlQuery:
        """Lists the names of an object's fields.

        Returns:
            A list of str.

        Raises:
            ReqlQueryLogicError: it is not called on an object.

        Example:
            r.expr({"a": 1, "b": 2}).keys().run(conn)  # ['a', 'b']
        """

    @command(TermNumber.VALUES)
    def values(self, /) -> RqlQuery:
        """Lists the values of an object's fields.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: it is not called on an object.

        Example:
            r.expr({"a": 1, "b": 2}).values().run(conn)  # [1, 2]
        """

    # --- arrays

    @command(TermNumber.APPEND)
    def append(self, value: Value, /) -> RqlQuery:
        """Adds an element at the end of an array.

        Args:
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: it is not called on an array.

        Example:
            r.expr([1, 2]).append(3).run(conn)  # [1, 2, 3]
        """

    @command(TermNumber.PREPEND)
    def prepend(self, value: Value, /) -> RqlQuery:
        """Adds an element at the start of an array.

        Args:
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: it is not called on an array.

        Example:
            r.expr([1, 2]).prepend(0).run(conn)  # [0, 1, 2]
        """

    @command(TermNumber.DIFFERENCE)
    def difference(self, array: Value, /) -> RqlQuery:
        """Leaves out the elements that are in another array, too.

        Args:
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: the argument is not an array.

        Example:
            r.expr([1, 2, 1]).difference([1]).run(conn)  # [2]
        """

    @command(TermNumber.SET_INSERT)
    def set_insert(self, value: Value, /) -> RqlQuery:
        """Adds an element to an array unless it is there, and leaves out repeated elements.

        Args:
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: it is not called on an array.

        Example:
            r.expr([1, 2]).set_insert(2).run(conn)  # [1, 2]
        """

    @command(TermNumber.SET_UNION)
    def set_union(self, array: Value, /) -> RqlQuery:
        """Joins two arrays, and leaves out repeated elements.

        Args:
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: a value is not an array.

        Example:
            r.expr([1, 2]).set_union([2, 3]).run(conn)  # [1, 2, 3]
        """

    @command(TermNumber.SET_INTERSECTION)
    def set_intersection(self, array: Value, /) -> RqlQuery:
        """Keeps the elements that are in both arrays, each once.

        Args:
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: a value is not an array.

        Example:
            r.expr([1, 2]).set_intersection([2, 3]).run(conn)  # [2]
        """

    @command(TermNumber.SET_DIFFERENCE)
    def set_difference(self, array: Value, /) -> RqlQuery:
        """Keeps the elements that are not in the other array, each once.

        Args:
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlQueryLogicError: a value is not an array.

        Example:
            r.expr([1, 2]).set_difference([2, 3]).run(conn)  # [1]
        """

    @command(TermNumber.INSERT_AT)
    def insert_at(self, position: Integer, value: Value, /) -> RqlQuery:
        """Inserts an element into an array.

        Args:
            position: the position of the new element. A negative one counts from the end.
            value: the element.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "c"]).insert_at(1, "b").run(conn)  # ['a', 'b', 'c']
        """

    @command(TermNumber.SPLICE_AT)
    def splice_at(self, position: Integer, array: Value, /) -> RqlQuery:
        """Inserts the elements of another array into an array.

        Args:
            position: the position of the first new element. A negative one counts from the end.
            array: the other array.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "d"]).splice_at(1, ["b", "c"]).run(conn)  # ['a', 'b', 'c', 'd']
        """

    @command(TermNumber.CHANGE_AT)
    def change_at(self, position: Integer, value: Value, /) -> RqlQuery:
        """Replaces an element of an array.

        Args:
            position: the position of the element. A negative one counts from the end.
            value: the new element.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: the position is outside the array.

        Example:
            r.expr(["a", "x"]).change_at(1, "b").run(conn)  # ['a', 'b']
        """

    @command(TermNumber.DELETE_AT)
    def delete_at(self, start: Integer, end: Integer = UNSET, /) -> RqlQuery:
        """Removes an element of an array, or several in a row.

        Args:
            start: the position of the first one. A negative one counts from the end.
            end: the position after the last one. Default: only one element is removed.

        Returns:
            A list.

        Raises:
            ReqlNonExistenceError: a position is outside the array.

        Example:
            r.expr(["a", "b", "c"]).delete_at(1).run(conn)  # ['a', 'c']
        """
