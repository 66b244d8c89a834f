"""The errors of a query: the kind, the message, and the place in the query.

The modules of plain data and of the storage do not know the query. They raise a `QueryFailure`
without a backtrace, and the innermost term that it passes adds its own. A real server locates
errors in the same way.
"""

from __future__ import annotations

import enum
from typing import Any, TypeAlias

from rethinkdb.ql2 import ErrorType

Backtrace: TypeAlias = "tuple[()] | tuple[Backtrace, int | str]"
"""The way from the root of a query to a term in it: empty for the root, otherwise the way to the
term around it, and which part of that it is, a position (wire order) or an option's name.

So each term of a query nested some thousand levels deep holds one step, not thousands.
"""


def frames(backtrace: Backtrace) -> list[int | str]:
    """The steps of a way, from the root on."""
    steps: list[int | str] = []
    while backtrace:
        backtrace, step = backtrace
        steps.append(step)
    return steps[::-1]


class FailureKind(enum.Enum):
    """What went wrong; decides the response's error type."""

    LOGIC = ErrorType.QUERY_LOGIC
    INTERNAL = ErrorType.INTERNAL
    RESOURCE = ErrorType.RESOURCE_LIMIT
    OP_FAILED = ErrorType.OP_FAILED
    OP_INDETERMINATE = ErrorType.OP_INDETERMINATE
    USER = ErrorType.USER
    NON_EXISTENCE = ErrorType.NON_EXISTENCE
    PERMISSION = ErrorType.PERMISSION_ERROR
    EMPTY_USER = "r.error() without arguments"
    """Only `default` understands it; anywhere else it counts as LOGIC."""
    COMPILE = "found before evaluation"
    """Answered with COMPILE_ERROR, which has no error type."""

    @property
    def error_type(self) -> ErrorType | None:
        """The wire's error type, None for compile errors."""
        if self is FailureKind.COMPILE:
            return None
        return ErrorType.QUERY_LOGIC if self is FailureKind.EMPTY_USER else ErrorType(self.value)


class QueryFailure(Exception):
    """One query failed; its client gets `kind`, `message` and `backtrace`.

    Attributes:
        precedes_reading: nothing was read, as that is not allowed, or not possible now. Such a
            failure is located at the term that wanted the rows, wherever they came from.
    """

    def __init__(self, kind: FailureKind, message: str, backtrace: Backtrace | None = None) -> None:
        super().__init__(message)
        self.precedes_reading = False
        self.kind = kind
        self.message = message
        self.backtrace = backtrace


class Interrupted(Exception):
    """The query was stopped, or its connection closed, while it was being evaluated."""


def logic(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """A query that makes no sense: wrong types, bad option values."""
    return QueryFailure(FailureKind.LOGIC, message, backtrace)


def non_existence(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """Something that was expected is not there; `default` catches it."""
    return QueryFailure(FailureKind.NON_EXISTENCE, message, backtrace)


def resource(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """A limit, such as the array limit, was exceeded."""
    return QueryFailure(FailureKind.RESOURCE, message, backtrace)


def op_failed(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """An operation on databases, tables, indexes or users could not be done."""
    return QueryFailure(FailureKind.OP_FAILED, message, backtrace)


def permission(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """The user may not do this."""
    return QueryFailure(FailureKind.PERMISSION, message, backtrace)


def compile_failure(message: str, backtrace: Backtrace) -> QueryFailure:
    """The query is malformed: unknown terms or options, wrong number of arguments."""
    return QueryFailure(FailureKind.COMPILE, message, backtrace)


def typed(found: Any, message: str) -> QueryFailure:
    """A wrong type: NON_EXISTENCE if null was found, so that `default` catches it, else LOGIC."""
    return non_existence(message) if found is None else logic(message)
