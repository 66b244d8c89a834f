"""The classes of terms that are written out here; all others are made of declarations.

They are the literals, functions and their variables, databases and tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rethinkdb.errors import ReqlDriverCompileError
from rethinkdb.ql2 import TermNumber
from rethinkdb.reql import late, printing
from rethinkdb.reql.commands.databases import DatabaseCommands
from rethinkdb.reql.commands.indexes import IndexCommands
from rethinkdb.reql.commands.tables import TableCommands
from rethinkdb.reql.families import RqlTopLevelQuery
from rethinkdb.reql.term import RqlQuery, Unbuilt, build_fields, built

__all__ = [
    "DB",
    "MAKE_ARRAY",
    "Binary",
    "Constant",
    "Datum",
    "Foreign",
    "FunCall",
    "Func",
    "ImplicitVar",
    "MakeArray",
    "MakeObj",
    "Table",
    "Var",
]

MAKE_ARRAY = int(TermNumber.MAKE_ARRAY)


class Datum(RqlQuery):
    """A number, string, boolean or null."""

    __slots__ = ()
    _prints = staticmethod(printing.datum)

    def __init__(self, val: Any) -> None:
        self._nodes = (val,)
        self._optargs = {}

    @property
    def data(self) -> Any:
        """The scalar."""
        return self._nodes[0]

    _args = args = property(lambda self: [])  # as a scalar is no term

    def build(self) -> Any:
        """The scalar itself."""
        (value,) = self._nodes
        return value

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """The scalar itself."""
        return self.build()


class Foreign(Datum):
    """A value that the connection may know. Beside it is the depth that it may be nested to."""

    __slots__ = ()
    _hides_row = True  # it holds no terms

    def build(self) -> Any:
        """What is sent where the connection knows nothing of such values."""
        return built(self)

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """What is sent, by the connection that the query is built for."""
        value, depth = self._nodes
        try:
            node = late.resolved(value, depth, unbuilt.values)
        except ReqlDriverCompileError as error:
            error._value = value  # type: ignore[attr-defined]  # for `start_body`, which tells where
            raise
        return node._outline(unbuilt) if isinstance(node, RqlQuery) else node


class MakeArray(RqlQuery):
    """An array."""

    __slots__ = ()
    term_type = MAKE_ARRAY
    _prints = staticmethod(printing.array)


class MakeObj(RqlQuery):
    """An object. Its fields are kept as the options of the term."""

    __slots__ = ()
    _prints = staticmethod(printing.mapping)

    def __init__(self, obj_dict: Mapping[str, Any]) -> None:
        self._nodes = ()
        self._optargs = {key: late.node(value) for key, value in obj_dict.items()}

    def build(self) -> Any:
        """A JSON object, which servers accept in place of the term MAKE_OBJ."""
        try:
            return build_fields(self._optargs)
        except (AttributeError, RecursionError):
            return built(self)

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """A JSON object, in which the fields are as they are."""
        fields = dict(self._optargs)
        unbuilt.append(fields)
        return fields


class Func(RqlQuery):
    """A function. Its two arguments are an array of its variables' numbers, and its body."""

    __slots__ = ()
    term_type = int(TermNumber.FUNC)
    _hides_row = True  # an `r.row` inside a function belongs to that function
    _prints = staticmethod(printing.function)

    def __init__(self, lmbd: Callable[..., Any]) -> None:
        made = late.node(lmbd)
        self._nodes, self._optargs = made._nodes, made._optargs


class Var(RqlQuery):
    """A variable: a parameter of a function, known by its number."""

    __slots__ = ()
    term_type = int(TermNumber.VAR)
    _prints = staticmethod(printing.variable)


class Binary(RqlTopLevelQuery):
    """Binary data: bytes in the form in which they are sent, or a term that is made binary."""

    __slots__ = ()
    term_type = int(TermNumber.BINARY)
    statement = "binary"
    _prints = staticmethod(printing.binary)

    def __init__(self, data: Any) -> None:
        made = late.binary(data)
        self._nodes, self._optargs = made._nodes, made._optargs

    @property
    def base64_data(self) -> str:
        """The bytes as they are sent."""
        return str(self._nodes[0]["data"])

    # Bytes are no term.
    _args = args = property(lambda self: [] if type(self._nodes[0]) is dict else [*self._nodes])

    def build(self) -> Any:
        """The bytes as they are sent, or the term BINARY."""
        (node,) = self._nodes
        return node if type(node) is dict else super().build()

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """The bytes as they are sent, or the term BINARY with its argument as it is."""
        (node,) = self._nodes
        return node if type(node) is dict else super()._outline(unbuilt)


class FunCall(RqlQuery):
    """`do`: the call of a function. The function is the first argument, as it is sent."""

    __slots__ = ()

    def __init__(self, *args: Any) -> None:
        super().__init__(*args[-1:], *args[:-1])


class Constant(RqlQuery):
    """A term that is written without parentheses: `r.monday`, `r.minval`."""

    __slots__ = ()
    _prints = staticmethod(printing.constant)


class ImplicitVar(Constant):
    """`r.row`, the document that a command looks at."""

    __slots__ = ()
    term_type = int(TermNumber.IMPLICIT_VAR)
    statement = "row"
    _is_row = True

    def __call__(self, *args: object, **kwargs: object) -> RqlQuery:
        """Raises: drivers in other languages write `r.row('field')`, in Python it is `[...]`.

        Raises:
            TypeError: always.
        """
        raise TypeError("'r.row' is not callable, use 'r.row[...]' instead")


class Table(TableCommands, IndexCommands, RqlQuery):
    """A table."""

    __slots__ = ("_of",)

    _of: Any  # the type of its documents, if it was made with `of`


class DB(DatabaseCommands, RqlTopLevelQuery):
    """A database."""

    __slots__ = ()
