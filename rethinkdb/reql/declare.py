"""How a command of ReQL is declared.

A command is declared once, as a function that has a signature and a docstring, but no body:

    @command(TermNumber.FILTER, rows=Rows.ALL)
    def filter(self, predicate: Value, /, *, default: Value = False) -> RqlQuery:
        '''Keeps the elements ...'''

The decorator makes of it the method (or the `r.` function, if there is no `self`), and what the
class of its terms needs. `function` and `unbound` make the `r.` function of a method.

Type checkers and `help()` see the declaration. Calls are checked less strictly. All positional
arguments are sent, however many there are: the server knows how many it needs. Options are sent as
given. A default in a declaration is never sent: it documents what the server uses when the option
is absent, and `UNSET` stands for an option without a default. Only a command that declares no
options refuses keyword arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rethinkdb.ql2 import TERM_NAMES, TermNumber
from rethinkdb.reql import late, printing
from rethinkdb.reql.truth import tests

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec

    from rethinkdb.reql.types import RqlQuery, Value

    P = ParamSpec("P")

__all__ = [
    "COMMANDS",
    "NO_OPTARGS",
    "READY_OPERANDS",
    "READY_TYPES",
    "UNSET",
    "Command",
    "Rows",
    "command",
    "function",
    "unbound",
    "usual_class_name",
]

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

# The default of an option for which the server has none.
UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()

_new = object.__new__

_HAS_KEYWORDS = 0x08  # the flag of a code object that has **options


class Rows(IntEnum):
    """Which positional arguments become functions if `r.row` is in them."""

    NONE = 0
    ALL = 1
    LAST = 2


#: The types of arguments that need no conversion. `classes` adds the classes of terms. To look in a
#: set takes half the time that `isinstance` takes; classes that programs derive are not in it.
READY_TYPES: set[type] = {str, int, bool, type(None)}

#: Those among them that comparisons take unseen: not what may have been made with `&` or `|`.
READY_OPERANDS: set[type] = {*READY_TYPES}

#: The options of all terms that have none; as terms never change, they can share it.
NO_OPTARGS: dict[str, Any] = {}


class Command:
    """A declared command.

    Attributes:
        term_type: the number of the command on the wire.
        class_name: the name of the class of its terms.
        class_attributes: the attributes of that class.
        make: makes a term of a call; see `rethinkdb.reql.late`.
        ready: the class, if a call without options is nothing but a term of it with these arguments
            when all their types are among the ready ones.
        ready_types: the ready ones.
    """

    __slots__ = ("class_attributes", "class_name", "make", "ready", "ready_types", "term_type")

    def __init__(
        self, term_type: TermNumber, class_name: str, class_attributes: dict[str, Any]
    ) -> None:
        self.term_type = term_type
        self.class_name = class_name
        self.class_attributes = {"term_type": int(term_type), **class_attributes}
        self.make: late.Maker = self._make_first
        self.ready: type[RqlQuery] | None = None
        self.ready_types = READY_OPERANDS if class_attributes["_compares"] else READY_TYPES

    def _make_first(
        self, args: Sequence[Value], options: Mapping[str, Value], subjects: int
    ) -> RqlQuery:
        # The class of the command's terms is made at the first call: most programs use few of them.
        self.make, self.ready = late.maker(self.class_name)
        return self.make(args, options, subjects)


#: All declared commands by the names of their classes.
COMMANDS: dict[str, Command] = {}


# The classes whose names follow from nothing.
_UNUSUAL_NAMES = {
    TermNumber.DB: "DB",
    TermNumber.ERROR: "UserError",
    TermNumber.FUNCALL: "FunCall",
    TermNumber.GEOJSON: "GeoJson",
    TermNumber.ISO8601: "ISO8601",
    TermNumber.JAVASCRIPT: "JavaScript",
    TermNumber.TO_GEOJSON: "ToGeoJson",
    TermNumber.TO_ISO8601: "ToISO8601",
    TermNumber.UUID: "UUID",
}


def usual_class_name(term_type: TermNumber) -> str:
    """The name of the class that sends a term: `GetAll` sends `GET_ALL`."""
    unusual = _UNUSUAL_NAMES.get(term_type)
    return unusual or TERM_NAMES[term_type].title().replace("_", "")


def command(
    term_type: TermNumber,
    *,
    rows: Rows = Rows.NONE,
    option_rows: bool = False,
    style: printing.Style = printing.method,
    prints_as: str = "",
    compares: bool = False,
    single: bool = False,
    class_name: str | None = None,
) -> Callable[[F], F]:
    """Makes a command of a declaration.

    Args:
        term_type: the term that the command sends.
        rows: which arguments, not counting `self`, become functions if `r.row` is in them.
        option_rows: whether options do so, too.
        style: how the command's terms print.
        prints_as: the operator to print, if the style is `infix`.
        compares: whether the command is a comparison. It then refuses operands made with `&` or
            `|`: Python applies these before comparisons, which is seldom what was meant.
        single: whether to check here that there is exactly one positional argument.
        class_name: the name of the class, if the usual one belongs to another command.
    """

    def declare(declaration: F) -> F:
        made = Command(
            term_type,
            class_name or usual_class_name(term_type),
            {
                "__doc__": declaration.__doc__,
                "statement": declaration.__name__,
                "_rows": rows,
                "_option_rows": option_rows,
                "_prints": staticmethod(style),
                "_prints_as": prints_as,
                "_compares": compares,
                "_takes_rows": rows is not Rows.NONE or option_rows,
            },
        )
        COMMANDS[made.class_name] = made
        if single:
            return cast(F, _single_caller(made, declaration))
        is_method = declaration.__code__.co_varnames[:1] == ("self",)
        return cast(F, _caller(made, declaration, subjects=1 if is_method else 0))

    return declare


def _caller(made: Command, declaration: Callable[..., Any], subjects: int) -> Callable[..., Any]:
    """What programs call; `r.row` stays as it is in the first `subjects` arguments (0 or 1)."""
    code, number = declaration.__code__, int(made.term_type)

    # What `make` does for most calls is done here, too, which takes three quarters of the time: it
    # is two Python calls less. So it stands here twice: to share it would be one call more. Two
    # functions are needed, as Python itself refuses options where none are declared.

    def with_options(*args: Value, **options: Value) -> RqlQuery:
        cls = made.ready
        if options or cls is None or tests:
            return made.make(args, options, subjects)
        ready_types = made.ready_types
        for arg in args:
            if type(arg) not in ready_types:
                return made.make(args, options, subjects)
        term = _new(cls)
        term._nodes = args
        term._optargs = NO_OPTARGS
        term._sent = number, args
        return term

    def without_options(*args: Value) -> RqlQuery:
        cls = made.ready
        if cls is None or tests:
            return made.make(args, NO_OPTARGS, subjects)
        ready_types = made.ready_types
        for arg in args:
            if type(arg) not in ready_types:
                return made.make(args, NO_OPTARGS, subjects)
        term = _new(cls)
        term._nodes = args
        term._optargs = NO_OPTARGS
        term._sent = number, args
        return term

    takes_options = code.co_kwonlyargcount or code.co_flags & _HAS_KEYWORDS
    return _dress(with_options if takes_options else without_options, made, declaration)


def _single_caller(made: Command, declaration: Callable[..., Any]) -> Callable[..., Any]:
    def single_argument(argument: Value, /, **options: Value) -> RqlQuery:
        return made.make((argument,), options, 0)

    return _dress(single_argument, made, declaration)


def _dress(call: Any, made: Command, declaration: Callable[..., Any]) -> Callable[..., Any]:
    # As functools.update_wrapper does, which took a tenth of the time that importing `r` takes.
    call.__module__ = declaration.__module__
    call.__name__ = declaration.__name__
    call.__qualname__ = declaration.__qualname__
    call.__doc__ = declaration.__doc__
    call.__annotations__ = declaration.__annotations__
    call.__wrapped__ = declaration
    call.command = made
    return cast("Callable[..., Any]", call)


def function(
    method: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate[Value, P], R]:
    """The `r.` function of a method; it takes as first argument what was before the dot."""
    declared: Any = method
    return _caller(declared.command, declared.__wrapped__, subjects=0)


def unbound(
    method: Callable[Concatenate[Any, P], R], class_name: str | None = None
) -> Callable[P, R]:
    """The `r.` function of a method that can do without what was before the dot.

    `r.table("t")` is a table of the default database, and `r.union()` is the union of nothing.

    Args:
        method: the method.
        class_name: the name of the class of its terms, if it is not that of the method's.
    """
    declared: Any = method
    made: Command = declared.command
    if class_name is not None:
        attributes = {**made.class_attributes, "_prints": staticmethod(printing.top_level)}
        made = COMMANDS[class_name] = Command(made.term_type, class_name, attributes)
    call: Any = _caller(made, declared.__wrapped__, subjects=0)
    call.__wrapped__ = partial(declared.__wrapped__, None)  # the signature without `self`
    return cast("Callable[P, R]", call)
