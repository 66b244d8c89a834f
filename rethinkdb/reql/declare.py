"""What a declaration of a command is.

A command is declared once, as a function with its true signature and docstring and no body:

    @command(TermType.FILTER, rows=Rows.ALL)
    def filter(self, predicate: Value, /, *, default: Value = False) -> RqlQuery:
        '''Keeps the elements ...'''

From that follow the method (or the `r.` function, when there is no `self`), the class of its
terms, their printing, and with `function` or `unbound` the `r.` form of a method.

Type checkers and `help()` see the declaration. At run time the callable is lenient: any number of
positional arguments goes to the server, which knows how many there must be, and options go as
given (so a default in a declaration is what the server takes in its absence; `UNSET` where there
is none). A command without options refuses keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rethinkdb.ql2 import TermType
from rethinkdb.reql import late, printing

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec

    from rethinkdb.reql.types import RqlQuery, Value

    P = ParamSpec("P")

__all__ = [
    "COMMANDS",
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

# Default of an option that has none.
UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()

_HAS_KEYWORDS = 0x08  # flag of a code object with **options


class Rows(IntEnum):
    """Which positional arguments become functions when they hold `r.row`."""

    NONE = 0
    ALL = 1
    LAST = 2


class Command:
    """A declared command.

    Attributes:
        term_type: its number.
        class_name: name of the class of its terms; refusals show it.
        class_attributes: what that class needs to know.
        make: makes its terms; see `rethinkdb.reql.late`.
    """

    __slots__ = ("class_attributes", "class_name", "make", "term_type")

    def __init__(
        self, term_type: TermType, class_name: str, class_attributes: dict[str, Any]
    ) -> None:
        self.term_type = term_type
        self.class_name = class_name
        self.class_attributes = {"_type": int(term_type), **class_attributes}
        self.make: late.Maker = self._make_first

    def _make_first(
        self, args: Sequence[Value], options: Mapping[str, Value], subjects: int
    ) -> RqlQuery:
        # A program uses a few of the 190 classes, and this is when one is made.
        self.make = late.maker(self.class_name)
        return self.make(args, options, subjects)


#: All commands, by the name of the class of their terms.
COMMANDS: dict[str, Command] = {}


def usual_class_name(term_type: TermType) -> str:
    """The usual name of the class of terms of a type: `GetAll` for `GET_ALL`."""
    if term_type is TermType.DB:
        return "DB"
    return term_type.name.title().replace("_", "")


def command(
    term_type: TermType,
    *,
    rows: Rows = Rows.NONE,
    option_rows: bool = False,
    style: printing.Style = printing.method,
    prints_as: str = "",
    compares: bool = False,
    binds_tight: bool = False,
    single: bool = False,
    class_name: str | None = None,
) -> Callable[[F], F]:
    """Makes a declaration into a command.

    Args:
        term_type: the term it builds.
        rows: arguments (the subject of a method aside) that may be written with `r.row`.
        option_rows: whether options may be, too.
        style: how its terms print.
        prints_as: the operator, when that style is `infix`.
        compares: refuse operands made by `&` and `|`, which bind tighter than comparisons.
        binds_tight: be such an operand.
        single: refuse more or less than one positional argument, in place of the server.
        class_name: name of the class of its terms, when another command sends the same term.
    """

    def declare(declaration: F) -> F:
        made = Command(
            term_type,
            class_name or usual_class_name(term_type),
            {
                "__doc__": declaration.__doc__,
                "_name": declaration.__name__,
                "_rows": rows,
                "_option_rows": option_rows,
                "_prints": staticmethod(style),
                "_prints_as": prints_as,
                "_compares": compares,
                "_inspects": rows is not Rows.NONE or option_rows or compares,
                "_binds_tight": binds_tight,
            },
        )
        COMMANDS[made.class_name] = made
        if single:
            return cast(F, _single_caller(made, declaration))
        is_method = declaration.__code__.co_varnames[:1] == ("self",)
        return cast(F, _caller(made, declaration, subjects=1 if is_method else 0))

    return declare


def _caller(made: Command, declaration: Callable[..., Any], subjects: int) -> Callable[..., Any]:
    """The callable of a command; its first arguments, if `subjects`, are not looked at for rows."""
    code = declaration.__code__

    def with_options(*args: Value, **options: Value) -> RqlQuery:
        return made.make(args, options, subjects)

    def without_options(*args: Value) -> RqlQuery:
        return made.make(args, {}, subjects)

    takes_options = code.co_kwonlyargcount or code.co_flags & _HAS_KEYWORDS
    return _dress(with_options if takes_options else without_options, made, declaration)


def _single_caller(made: Command, declaration: Callable[..., Any]) -> Callable[..., Any]:
    def single_argument(argument: Value, /, **options: Value) -> RqlQuery:
        return made.make((argument,), options, 0)

    return _dress(single_argument, made, declaration)


def _dress(call: Any, made: Command, declaration: Callable[..., Any]) -> Callable[..., Any]:
    # What functools.update_wrapper does, but it took a tenth of the time of importing `r`.
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
    """The `r.` form of a method: what was the subject is its first argument."""
    declared: Any = method
    return _caller(declared.command, declared.__wrapped__, subjects=0)


def unbound(method: Callable[Concatenate[Any, P], R]) -> Callable[P, R]:
    """The `r.` form of a method that does without a subject: the default database, no operands."""
    declared: Any = method
    call: Any = _caller(declared.command, declared.__wrapped__, subjects=0)
    call.__wrapped__ = partial(declared.__wrapped__, None)  # the signature without `self`
    return cast("Callable[P, R]", call)
