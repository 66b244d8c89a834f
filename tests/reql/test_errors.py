"""The tree of errors, their texts, and which reply raises which."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from rethinkdb import errors, r
from rethinkdb.errors import (
    QueryPrinter,
    ReqlAuthError,
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlError,
    ReqlQueryLogicError,
    ReqlRuntimeError,
    ReqlTimeoutError,
    error_from_response,
)

PARENTS: dict[str, tuple[Any, ...]] = {
    "ReqlCursorEmpty": (Exception,),
    "ReqlError": (Exception,),
    "ReqlCompileError": ("ReqlError",),
    "ReqlDriverCompileError": ("ReqlCompileError",),
    "ReqlTypeError": ("ReqlDriverCompileError", TypeError),
    "ReqlValueError": ("ReqlDriverCompileError", ValueError),
    "ReqlServerCompileError": ("ReqlCompileError",),
    "ReqlRuntimeError": ("ReqlError",),
    "ReqlQueryLogicError": ("ReqlRuntimeError",),
    "ReqlNonExistenceError": ("ReqlQueryLogicError",),
    "ReqlResourceLimitError": ("ReqlRuntimeError",),
    "ReqlUserError": ("ReqlRuntimeError",),
    "ReqlInternalError": ("ReqlRuntimeError",),
    "ReqlAvailabilityError": ("ReqlRuntimeError",),
    "ReqlOpFailedError": ("ReqlAvailabilityError",),
    "ReqlOpIndeterminateError": ("ReqlAvailabilityError",),
    "ReqlPermissionError": ("ReqlRuntimeError",),
    "ReqlDriverError": ("ReqlError",),
    "ReqlAuthError": ("ReqlDriverError",),
    "ReqlTimeoutError": ("ReqlDriverError", TimeoutError),
    "ReqlLoopTypeError": ("ReqlDriverError", ValueError),
    "ReqlConnectionLostError": ("ReqlDriverError",),
    "ReqlCursorLostError": ("ReqlConnectionLostError", "ReqlDriverError", "ReqlRuntimeError"),
}

ALIASES = {
    "RqlError": "ReqlError",
    "RqlClientError": "ReqlDriverError",
    "RqlDriverError": "ReqlDriverError",
    "RqlCompileError": "ReqlCompileError",
    "RqlRuntimeError": "ReqlRuntimeError",
    "RqlCursorEmpty": "ReqlCursorEmpty",
    "RqlTimeoutError": "ReqlTimeoutError",
}


@pytest.mark.parametrize("name", PARENTS)
def test_tree(name: str) -> None:
    for parent in PARENTS[name]:
        base = parent if isinstance(parent, type) else getattr(errors, parent)
        assert issubclass(getattr(errors, name), base)


def test_end_of_data_is_no_error() -> None:
    assert not issubclass(ReqlCursorEmpty, ReqlError)


@pytest.mark.parametrize("name", ALIASES)
def test_old_names(name: str) -> None:
    assert getattr(errors, name) is getattr(errors, ALIASES[name])


@pytest.mark.parametrize(
    ("response_type", "error_type", "name"),
    [
        (16, None, "ReqlDriverError"),
        (17, None, "ReqlServerCompileError"),
        (18, 1000000, "ReqlInternalError"),
        (18, 2000000, "ReqlResourceLimitError"),
        (18, 3000000, "ReqlQueryLogicError"),
        (18, 3100000, "ReqlNonExistenceError"),
        (18, 4100000, "ReqlOpFailedError"),
        (18, 4200000, "ReqlOpIndeterminateError"),
        (18, 5000000, "ReqlUserError"),
        (18, 6000000, "ReqlPermissionError"),
        (18, 7000000, "ReqlRuntimeError"),
        (18, None, "ReqlRuntimeError"),
    ],
)
def test_reply_to_class(response_type: int, error_type: int | None, name: str) -> None:
    error = error_from_response(response_type, error_type, "No.", r.expr(1), [0])
    assert type(error).__name__ == name
    assert (error.message, error.frames, error.args) == ("No.", [0], ("No.",))
    assert isinstance(error.query_printer, QueryPrinter)
    assert not hasattr(error, "term")


def test_unknown_reply() -> None:
    error = error_from_response(99, None, "?", None, None)
    assert type(error) is ReqlDriverError
    assert str(error) == "Unknown Response type 99 encountered in a response."


class TestText:
    def test_position_in_the_query(self) -> None:
        query = r.expr([1, 2, 3]).map(lambda x: x + "b")
        error = error_from_response(
            18, 3000000, "Expected type NUMBER but found STRING.", query, [1, 1]
        )
        head, printed, carets = str(error).split("\n")
        assert head == "Expected type NUMBER but found STRING in:"
        assert printed == str(query)
        start = printed.index("(var_")
        assert carets == " " * start + "^" * (len(printed) - 1 - start) + " "

    def test_whole_query(self) -> None:
        error = ReqlRuntimeError("Table `test.nope` does not exist...", r.table("nope"), [])
        assert str(error) == (
            "Table `test.nope` does not exist in:\nr.table('nope')\n^^^^^^^^^^^^^^^"
        )
        assert repr(error) == f"<ReqlRuntimeError instance: {error} >"

    def test_lines_of_the_message_are_kept(self) -> None:
        error = ReqlRuntimeError('No attribute `a` in object:\n{\n\t"b":\t1\n}', r.expr({}), [])
        assert str(error).startswith('No attribute `a` in object:\n{\n\t"b":\t1\n} in:\nr.expr({})')

    def test_without_position(self) -> None:
        assert str(ReqlError("Bad.", r.expr(1))) == "Bad."
        assert ReqlError("Bad.", r.expr(1)).frames is None
        assert not hasattr(ReqlError("Bad.", r.expr(1)), "query_printer")

    def test_without_query(self) -> None:
        error = ReqlError("Bad.", None, [])
        assert (str(error), error.frames) == ("Bad.", [])

    def test_timeout(self) -> None:
        assert str(ReqlTimeoutError()) == "Operation timed out."
        error = ReqlTimeoutError("h", 1)
        assert error.message == str(error) == "Could not connect to h:1, Operation timed out."
        assert error.args == (error.message,)

    def test_authentication(self) -> None:
        assert str(ReqlAuthError("Wrong password")) == "Wrong password"
        assert str(ReqlAuthError("Wrong password", "h", 1)) == (
            "Could not connect to h:1, Wrong password"
        )

    def test_a_lost_link(self) -> None:
        cause = OSError("Connection reset by peer.")
        error = ReqlConnectionLostError(host="h", port=1, cause=cause)
        assert error.message == "Connection is closed."
        assert error.args == (error.message,)
        assert (error.host, error.port, error.frames) == ("h", 1, None)
        assert error.__cause__ is cause
        assert error.reason == "The link to h:1 was lost: Connection reset by peer."
        assert str(error) == f"{error.message} {error.reason}"
        assert not isinstance(error, ReqlRuntimeError)
        silent = ReqlConnectionLostError(host="h", port=1, cause=TimeoutError())
        assert silent.reason == "The link to h:1 was lost: TimeoutError."

    def test_a_closed_link(self) -> None:
        error = ReqlConnectionLostError(host="h", port=1)
        assert error.__cause__ is None
        assert str(error) == "Connection is closed. This side closed the link to h:1."
        assert str(ReqlConnectionLostError()) == "Connection is closed."

    def test_a_lost_cursor(self) -> None:
        error = ReqlCursorLostError("Closed.", r.table("t"), [], host="h", port=1)
        assert str(error) == (
            "Closed in:\nr.table('t')\n^^^^^^^^^^^^\nClosed. This side closed the link to h:1."
        )

    def test_end_of_data(self) -> None:
        assert str(ReqlCursorEmpty()) == ReqlCursorEmpty().message == "Cursor is empty."


@pytest.mark.parametrize(
    "error",
    [
        ReqlCursorEmpty(),
        ReqlTimeoutError(),
        ReqlTimeoutError("h", 1),
        ReqlAuthError("no", "h", 1),
        ReqlQueryLogicError("No.", r.table("t").get(1), [1]),
        ReqlDriverError("No."),
        ReqlConnectionLostError(host="h", port=1, cause=OSError("reset")),
        ReqlCursorLostError("Closed.", r.table("t"), [], host="h", port=1),
        *(getattr(errors, name)("x") for name in PARENTS if name not in ("ReqlCursorEmpty",)),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy]
)
def test_errors_survive_pickle_and_copy(error: Any, again: Any) -> None:
    twin = again(error)
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert getattr(twin, "frames", None) == getattr(error, "frames", None)
