"""How a call of a command becomes a term.

The arguments are converted, and what holds `r.row` becomes a function where the command takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rethinkdb.converters import JSON_TYPES
from rethinkdb.errors import ReqlDriverCompileError
from rethinkdb.reql.conversion import node
from rethinkdb.reql.declare import NO_OPTARGS, READY_TYPES, Rows
from rethinkdb.reql.families import RqlBoolOperQuery
from rethinkdb.reql.inserts import as_text
from rethinkdb.reql.refusals import place_of, placed
from rethinkdb.reql.rows import row_function
from rethinkdb.reql.term import RqlQuery, make
from rethinkdb.reql.truth import tests
from rethinkdb.typed.state import state as types

if TYPE_CHECKING:
    from rethinkdb.reql.types import Value

__all__ = ["OTHER_CALLS", "Call", "call", "typed_table"]

_new = object.__new__

# Constants, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_NO_ROWS, _ALL_ROWS = Rows.NONE, Rows.ALL

#: Makes a term of the given class; its further parameters are explained in `rethinkdb.reql.late`.
Call: TypeAlias = Callable[
    [type[RqlQuery], Sequence[Any], Mapping[str, Any], int],
    RqlQuery,
]


def call(
    cls: type[RqlQuery], args: Sequence[Value], options: Mapping[str, Value], subjects: int
) -> RqlQuery:
    """The term of a call. In the first `subjects` arguments (0 or 1) `r.row` stays as it is."""
    nodes: Sequence[Any] = args
    for arg in args:
        if type(arg) not in READY_TYPES:
            nodes = _nodes(cls, args)
            break
    optargs = _optargs(cls, options) if options else NO_OPTARGS
    if cls._takes_rows or cls._compares:
        nodes = [*nodes]
        optargs = _inspected(cls, nodes, optargs, subjects)
    if tests:
        return make(cls, nodes, optargs)
    made = _new(cls)  # as `make` does, which would be a call more for each term
    made._nodes = nodes
    made._optargs = optargs
    if not cls._sends_else:
        made._sent = (cls.term_type, nodes, optargs) if optargs else (cls.term_type, nodes)
    return made


def _nodes(cls: type[RqlQuery], args: Sequence[Value]) -> list[Any]:
    try:
        return [node(arg) for arg in args]
    except ReqlDriverCompileError as error:
        placed(error, place_of(cls, 0))
        raise


def _optargs(cls: type[RqlQuery], options: Mapping[str, Value]) -> dict[str, Any]:
    optargs = {}
    for name, value in options.items():
        try:
            optargs[name] = node(value)
        except ReqlDriverCompileError as error:
            placed(error, place_of(cls, name))
            raise
    return optargs


def _inspected(
    cls: type[RqlQuery], nodes: list[Any], optargs: dict[str, Any], subjects: int
) -> dict[str, Any]:
    """Makes functions of nodes that hold `r.row`, in the given list; returns the options likewise.

    Raises:
        ReqlDriverCompileError: a comparison has an operand made with `&` or `|`.
    """
    rows = cls._rows
    if rows is not _NO_ROWS:
        first = subjects if rows is _ALL_ROWS else max(subjects, len(nodes) - 1)
        nodes[first:] = map(row_function, nodes[first:])
    if cls._compares:
        _refuse_tight_operands(cls, nodes)
    if cls._option_rows:
        return {name: row_function(value) for name, value in optargs.items()}
    return optargs


def _refuse_tight_operands(cls: type[RqlQuery], nodes: Iterable[Any]) -> None:
    for operand in nodes:
        if isinstance(operand, RqlBoolOperQuery) and operand._by_operator:
            raise ReqlDriverCompileError(
                f"Calling '{cls._prints_as}' on result of infix bitwise operator:\n{operand}.\n"
                "This is almost always a precedence error: in Python `a < b | b < c` means"
                " `a < (b | b) < c`. Put parentheses around the comparisons, or use"
                " `.and_()` and `.or_()`."
            )


def _function_first(
    cls: type[RqlQuery], args: Sequence[Value], options: Mapping[str, Value], subjects: int
) -> RqlQuery:
    """The term of `do`: programs give the function last, but it is sent first."""
    if not args:
        raise ReqlDriverCompileError("Expected 1 or more arguments but found 0.")
    *arguments, function = call(cls, args, options, subjects)._nodes
    return make(cls, [function, *arguments], {})


def _documents_as_text(
    cls: type[RqlQuery], args: Sequence[Value], options: Mapping[str, Value], subjects: int
) -> RqlQuery:
    """The term of `insert`: long lists of documents are sent as a text."""
    if len(args) == 2:
        args = (args[0], as_text(_plain(args[1])))
    return call(cls, args, options, subjects)


def _with_document(
    cls: type[RqlQuery], args: Sequence[Value], options: Mapping[str, Value], subjects: int
) -> RqlQuery:
    """The term of `update` and `replace`, which may be given an object as well."""
    if len(args) == 2:
        args = (args[0], _plain(args[1]))
    return call(cls, args, options, subjects)


def _plain(given: Value) -> Value:
    """The same with documents in place of objects of the program's classes."""
    parts = given if type(given) in _SEQUENCES else (given,)
    if JSON_TYPES.issuperset(map(type, parts)) or isinstance(given, RqlQuery):
        return given
    from rethinkdb.typed.documents import documents  # here, as most programs have none

    return documents(given)


def typed_table(
    cls: type[RqlQuery], args: Sequence[Value], options: Mapping[str, Value], subjects: int
) -> RqlQuery:
    """The term of `table`: the type of its documents is not sent."""
    if "of" not in options:
        return call(cls, args, options, subjects)
    sent = {name: value for name, value in options.items() if name != "of"}
    made: Any = call(cls, args, sent, subjects)
    if options["of"] is not None:
        made._of = options["of"]
        types.tables = True
    typed: RqlQuery = made
    return typed


_SEQUENCES = frozenset({list, tuple})

#: What is called in place of `call`, by the name of the class.
OTHER_CALLS: Mapping[str, Call] = {
    "FunCall": _function_first,
    "Insert": _documents_as_text,
    "Replace": _with_document,
    "Update": _with_document,
    "Table": typed_table,
}
