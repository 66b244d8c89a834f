"""The table of ReQL terms: for each term, its rules of form and its implementation.

An implementation is a small function, declared with its rules in a module of `terms/`:

    @term(TermType.UPCASE, 1)
    def upcase(call: Call) -> Datum:
        return ascii_upper(call.string(0))
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.ql2 import TermType

if TYPE_CHECKING:
    from rethinkdb.embedded.language.calls import Call

Implementation: TypeAlias = "Callable[[Call], Any]"

MANY = -1
"""No limit, as the highest number of arguments."""


class Grouping(enum.Enum):
    """What a term does when its first argument is grouped data."""

    EACH = "run once per group"
    STREAM = "takes grouped streams itself, runs once per group of grouped data"
    WHOLE = "takes grouped data as it is"


@dataclass(frozen=True, slots=True)
class TermRules:
    """One row of the table."""

    type: TermType
    least: int
    most: int
    options: frozenset[str]
    implementation: Implementation
    determinism: Determinism
    grouping: Grouping
    writes: bool
    """The term changes data or configuration. It is refused in functions of stream operations."""
    forbids_writes: bool
    """The term runs its functions for each row, so they must not write."""
    depends_on_arguments: bool = False
    """With arguments, it depends only on them. `determinism` is then that without arguments."""
    rewritten: bool = False
    """A real server makes other terms of it before it compiles the arguments. So it complains about
    their number before it complains about anything in them."""

    def arity(self) -> str:
        """The number of arguments, as error messages show it."""
        if self.least == self.most:
            return f"{self.least} argument{'' if self.least == 1 else 's'}"
        if self.most == MANY:
            return f"{self.least} or more arguments"
        return f"between {self.least} and {self.most} arguments"

    def accepts(self, count: int) -> bool:
        """Whether this many arguments are fine."""
        return self.least <= count and (self.most == MANY or count <= self.most)


class Shortcut(enum.Enum):
    """What plain data stands for where a term expects a function."""

    NONE = "an error"
    CONSTANT = "a function that ignores its arguments"
    GET_FIELD = "a function that gets the field of this name"
    PLUCK = "a function that plucks these fields"
    PAGE = "a paging strategy of r.http"


SHORTCUTS: dict[Shortcut, Callable[[Any], Any]] = {}
"""For each shortcut, what makes a `NativeFunction` of a datum.

Filled by importing `rethinkdb.embedded.terms`.
"""

TERMS: dict[TermType, TermRules] = {}
"""Filled by importing `rethinkdb.embedded.terms`."""


def term(
    type: TermType,
    least: int,
    most: int | None = None,
    *,
    options: Collection[str] = (),
    determinism: Determinism = Determinism.ALWAYS,
    grouping: Grouping = Grouping.EACH,
    writes: bool = False,
    forbids_writes: bool = False,
    depends_on_arguments: bool = False,
    rewritten: bool = False,
) -> Callable[[Implementation], Implementation]:
    """Puts the function below it in the table.

    Args:
        type: the term.
        least: the lowest number of arguments, the subject included.
        most: the highest (`MANY`: no limit); exactly `least` if not given.
        options: the names of the optional arguments it takes.
        determinism: what to join to its arguments' own.
        grouping: what it does with grouped data as first argument.
        writes: see `TermRules`.
        forbids_writes: see `TermRules`.
        depends_on_arguments: see `TermRules`.
        rewritten: see `TermRules`.
    """

    def register(implementation: Implementation) -> Implementation:
        TERMS[type] = TermRules(
            type=type,
            least=least,
            most=least if most is None else most,
            options=frozenset(options),
            implementation=implementation,
            determinism=determinism,
            grouping=grouping,
            writes=writes,
            forbids_writes=forbids_writes,
            depends_on_arguments=depends_on_arguments,
            rewritten=rewritten,
        )
        return implementation

    return register
