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
"""The path from the root of a query to a term. It is empty for the root. Otherwise it is the path
to the enclosing term, and a step: the position (in wire order) or the name of an optarg.

So each term stores only one step, even in a query that is nested some thousand levels deep.
"""


def frames(backtrace: Backtrace) -> list[int | str]:
    """The steps of a backtrace, from the root on."""
    steps: list[int | str] = []
    while backtrace:
        backtrace, step = backtrace
        steps.append(step)
    return steps[::-1]


class FailureKind(enum.Enum):
    """The kind of an error. It decides the error type of the response."""

    LOGIC = ErrorType.QUERY_LOGIC
    INTERNAL = ErrorType.INTERNAL
    RESOURCE = ErrorType.RESOURCE_LIMIT
    OP_FAILED = ErrorType.OP_FAILED
    OP_INDETERMINATE = ErrorType.OP_INDETERMINATE
    USER = ErrorType.USER
    NON_EXISTENCE = ErrorType.NON_EXISTENCE
    PERMISSION = ErrorType.PERMISSION_ERROR
    EMPTY_USER = "r.error() without arguments"
    """`default` handles it. Everywhere else it counts as LOGIC."""
    COMPILE = "found before evaluation"
    """Answered with COMPILE_ERROR, which has no error type."""

    @property
    def error_type(self) -> ErrorType | None:
        """The error type on the wire. None for compile errors."""
        if self is FailureKind.COMPILE:
            return None
        return ErrorType.QUERY_LOGIC if self is FailureKind.EMPTY_USER else ErrorType(self.value)


class QueryFailure(Exception):
    """A query failed. Its client gets `kind`, `message` and `backtrace`.

    Attributes:
        at_user: whether the backtrace shows the term that uses a value, not the term that made it.
            So it is with a failure before a read, because reading is not allowed or not possible
            now, and with a value that no message can show.
    """

    def __init__(self, kind: FailureKind, message: str, backtrace: Backtrace | None = None) -> None:
        super().__init__(message)
        self.at_user = False
        self.kind = kind
        self.message = message
        self.backtrace = backtrace


class Interrupted(Exception):
    """The query was stopped, or its connection closed, while it was being evaluated."""


def logic(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """The query has wrong types or invalid option values."""
    return QueryFailure(FailureKind.LOGIC, message, backtrace)


def non_existence(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """An expected value does not exist. `default` catches this error."""
    return QueryFailure(FailureKind.NON_EXISTENCE, message, backtrace)


def resource(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """A limit, such as the array limit, was exceeded."""
    return QueryFailure(FailureKind.RESOURCE, message, backtrace)


def op_failed(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """An operation on databases, tables, indexes or users failed."""
    return QueryFailure(FailureKind.OP_FAILED, message, backtrace)


def permission(message: str, backtrace: Backtrace | None = None) -> QueryFailure:
    """The user may not do this."""
    return QueryFailure(FailureKind.PERMISSION, message, backtrace)


def compile_failure(message: str, backtrace: Backtrace) -> QueryFailure:
    """The query is malformed: unknown terms or options, wrong number of arguments."""
    return QueryFailure(FailureKind.COMPILE, message, backtrace)


def typed(found: Any, message: str) -> QueryFailure:
    """A value has a wrong type. For null NON_EXISTENCE, which `default` catches, else LOGIC."""
    return non_existence(message) if found is None else logic(message)


def about_user(failure: QueryFailure) -> QueryFailure:
    """The failure, located at the term that uses a value rather than at the one that made it."""
    failure.at_user = True
    return failure
