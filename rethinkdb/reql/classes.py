"""The classes of terms by name. This module also completes `rethinkdb.reql.late`.

Most classes are made of the declaration of a command, when a program first needs them. There are
190, of which most programs need few. To make all of them took 5 of the 26 ms that importing took.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverCompileError
from rethinkdb.ql2 import TERM_NAMES, TermNumber
from rethinkdb.reql import late
from rethinkdb.reql.calls import OTHER_CALLS, call, typed_table
from rethinkdb.reql.commands import values  # noqa: F401  # declares what no term inherits
from rethinkdb.reql.conversion import binary, node, resolved, term
from rethinkdb.reql.declare import (
    COMMANDS,
    READY_OPERANDS,
    READY_TYPES,
    Command,
    usual_class_name,
)
from rethinkdb.reql.families import (
    RqlBiCompareOperQuery,
    RqlBiOperQuery,
    RqlBoolOperQuery,
    RqlBracketQuery,
    RqlMethodQuery,
    RqlTopLevelQuery,
    family,
)
from rethinkdb.reql.inserts import Documents
from rethinkdb.reql.literals import (
    DB,
    Binary,
    Constant,
    Datum,
    Foreign,
    Func,
    FunCall,
    ImplicitVar,
    MakeArray,
    MakeObj,
    Table,
    Var,
)
from rethinkdb.reql.pickling import unpickled
from rethinkdb.reql.run_options import start_options
from rethinkdb.reql.term import RqlQuery, make
from rethinkdb.reql.truth import Tested

if TYPE_CHECKING:
    from rethinkdb.reql.row_types import RowType

__all__ = ["class_names", "constant", "term_class"]

# The module in which programs, and pickled terms, find the classes.
_PLACE = "rethinkdb.ast"

_PUBLIC: dict[str, Any] = {"__slots__": (), "__module__": _PLACE}

_WRITTEN: tuple[type[RqlQuery], ...] = (
    *(RqlQuery, Datum, Foreign, MakeArray, MakeObj, Binary, Documents),
    *(Func, FunCall, Var, Constant, ImplicitVar, Table, DB),
    *(RqlTopLevelQuery, RqlMethodQuery, RqlBracketQuery, RqlBoolOperQuery),
    *(RqlBiOperQuery, RqlBiCompareOperQuery),
)

_CONSTANTS = {
    usual_class_name(term_type): term_type
    for term_type in (
        *(TermNumber.MINVAL, TermNumber.MAXVAL),
        *(TermNumber.MONDAY, TermNumber.TUESDAY, TermNumber.WEDNESDAY, TermNumber.THURSDAY),
        *(TermNumber.FRIDAY, TermNumber.SATURDAY, TermNumber.SUNDAY),
        *(TermNumber.JANUARY, TermNumber.FEBRUARY, TermNumber.MARCH, TermNumber.APRIL),
        *(TermNumber.MAY, TermNumber.JUNE, TermNumber.JULY, TermNumber.AUGUST),
        *(TermNumber.SEPTEMBER, TermNumber.OCTOBER, TermNumber.NOVEMBER, TermNumber.DECEMBER),
    )
}

# Methods that print otherwise if they were written with an operator.
_ALSO_OPERATORS = frozenset({TermNumber.AND, TermNumber.OR, TermNumber.SLICE})

# What people mistake for something true or false.
_CONDITIONS = frozenset(
    {
        *(TermNumber.EQ, TermNumber.NE, TermNumber.LT, TermNumber.LE, TermNumber.GT, TermNumber.GE),
        *(TermNumber.AND, TermNumber.OR, TermNumber.NOT),
    }
)


# The classes that have been made.
_classes: dict[str, type[RqlQuery]] = {}


def term_class(name: str) -> type[RqlQuery]:
    """The class with a name, such as `GetAll`.

    Raises:
        AttributeError: there is none.
    """
    found = _classes.get(name)
    if found is not None:
        return found
    if name in COMMANDS:
        made = _made(name, COMMANDS[name])
    elif name in _CONSTANTS:
        term_type = _CONSTANTS[name]
        attributes = {"term_type": int(term_type), "statement": TERM_NAMES[term_type].lower()}
        made = type(name, (Constant,), {**_PUBLIC, **attributes})
    else:
        raise AttributeError(f"module {_PLACE!r} has no attribute {name!r}")
    # If two threads make the class at the same time, both get the first one.
    made = _classes.setdefault(name, made)
    _say_ready(made)
    return made


def _made(name: str, command: Command) -> type[RqlQuery]:
    """The class of a command's terms."""
    attributes = {**_PUBLIC, **command.class_attributes}
    bases: tuple[type, ...] = (
        family(name, attributes["_prints"].__func__, attributes["_compares"]),
    )
    if command.term_type in _CONDITIONS:
        bases = (Tested, *bases)
        attributes["__slots__"] += ("_test",)
    if command.term_type in _ALSO_OPERATORS:
        attributes["__slots__"] += ("_operator",)
        attributes["_by_operator"] = property(lambda term: getattr(term, "_operator", False))
    return type(name, bases, attributes)


def _say_ready(cls: type[RqlQuery]) -> None:
    READY_TYPES.add(cls)
    if not issubclass(cls, RqlBoolOperQuery):
        READY_OPERANDS.add(cls)


def class_names() -> set[str]:
    """The names of all classes, whether they have been made or not."""
    return {*_classes, *COMMANDS, *_CONSTANTS}


def constant(term_type: TermNumber) -> RqlQuery:
    """A term that is written without parentheses, such as `r.monday`."""
    return make(term_class(usual_class_name(term_type)), (), {})


def _maker(name: str) -> tuple[late.Maker, type[RqlQuery] | None]:
    cls, other = term_class(name), OTHER_CALLS.get(name, call)
    is_simple = other in (call, typed_table) and not (cls._takes_rows or cls._sends_else)
    # A bound method, as Python calls these faster than a `partial` or a lambda.
    return MethodType(other, cls), cls if is_simple else None


def _locate(error: UnicodeEncodeError | ReqlDriverCompileError, term: RqlQuery) -> None:
    from rethinkdb.reql.locating import locate  # here, as few programs need it

    locate(error, term)


def _row_type(term: RqlQuery, given: Any) -> RowType:
    from rethinkdb.reql.row_types import row_type  # here, as most programs have no types

    return row_type(term, given)


def _complete(written: type[RqlQuery]) -> None:
    """Gives a class its public place, and the attributes of its declaration if it has one."""
    declared = COMMANDS.get(written.__name__)
    for attribute, value in declared.class_attributes.items() if declared else ():
        setattr(written, attribute, value)
    written.__module__ = _PLACE
    _classes[written.__name__] = written
    _say_ready(written)


for _written in _WRITTEN:
    _complete(_written)
unpickled.__module__ = _PLACE

# What the modules below call; see `rethinkdb.reql.late`.
late.maker = _maker
late.node = node
late.binary = binary
late.resolved = resolved
late.row_type = _row_type
late.locate = _locate
late.term = term
late.start_options = start_options
