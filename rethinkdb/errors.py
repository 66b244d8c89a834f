"""The errors of this driver.

    Exception
      ReqlCursorEmpty                    end of data; not a ReqlError
      ReqlError
        ReqlCompileError
          ReqlDriverCompileError         the query could not be built
            ReqlTypeError                ... from this type of Python value (also a TypeError)
            ReqlValueError               ... from this Python value (also a ValueError)
          ReqlServerCompileError         the server found the query malformed
        ReqlRuntimeError                 the query failed while it ran
          ReqlQueryLogicError
            ReqlNonExistenceError
          ReqlResourceLimitError
          ReqlUserError
          ReqlInternalError
          ReqlAvailabilityError
            ReqlOpFailedError
            ReqlOpIndeterminateError
          ReqlPermissionError
        ReqlDriverError                  connection, protocol, wrong use of the driver
          ReqlConnectionLostError        the connection was lost or closed during a query
            ReqlCursorLostError          ... with a cursor or feed open (also a ReqlRuntimeError)
          ReqlAuthError
          ReqlTimeoutError               also a TimeoutError
          ReqlLoopTypeError              an unknown loop type (also a ValueError)
          ReqlRowError                   a row does not fit its type (also a ValueError)
    UserWarning
      ReqlTruthWarning                   Python tested a condition that was meant for the server
      ReqlRunOptionWarning               a run option has no effect

The `Rql...` names are the old spellings of the same classes. All are in one module, long as it is,
so that the tree can be read in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rethinkdb.ql2 import ErrorType, ResponseType

__all__ = [
    "QueryPrinter",
    "ReqlAuthError",
    "ReqlAvailabilityError",
    "ReqlCompileError",
    "ReqlConnectionLostError",
    "ReqlCursorEmpty",
    "ReqlCursorLostError",
    "ReqlDriverCompileError",
    "ReqlDriverError",
    "ReqlError",
    "ReqlInternalError",
    "ReqlLoopTypeError",
    "ReqlNonExistenceError",
    "ReqlOpFailedError",
    "ReqlOpIndeterminateError",
    "ReqlPermissionError",
    "ReqlQueryLogicError",
    "ReqlResourceLimitError",
    "ReqlRowError",
    "ReqlRunOptionWarning",
    "ReqlRuntimeError",
    "ReqlServerCompileError",
    "ReqlTimeoutError",
    "ReqlTruthWarning",
    "ReqlTypeError",
    "ReqlUserError",
    "ReqlValueError",
    "RqlClientError",
    "RqlCompileError",
    "RqlCursorEmpty",
    "RqlDriverError",
    "RqlError",
    "RqlRuntimeError",
    "RqlTimeoutError",
    "error_from_response",
]

Frames = Sequence["int | str"]


class Printable(Protocol):
    """What an error needs from a query to show it. Terms (`rethinkdb.ast`) have this method."""

    def render(
        self, frames: Frames | None = None, enough: int | None = None
    ) -> tuple[str, tuple[int, int] | None]:
        """The query's text, and the start and end of the part that `frames` leads to.

        If the text has more than `enough` characters, it may be cut there.
        """
        ...


class QueryPrinter:
    """Prints a query and marks the part of it in which an error happened.

    Args:
        term: the query.
        frames: the path from the query's root to that part, as the server sends it. Each step is
            the position of an argument on the wire (int), or the name of an optarg or of an object
            key (str). Empty: the whole query.
    """

    def __init__(self, term: Printable, frames: Frames | None = None) -> None:
        self.term = term
        self.frames = list(frames or [])

    def print_query(self) -> str:
        """The query as Python text."""
        text, _ = self._rendered(None)
        return text

    def print_carrots(self) -> str:
        """A line as long as the query's text, with `^` under the marked part.

        If the frames lead nowhere, it has only spaces.
        """
        text, span = self._rendered(self.frames)
        start, end = span or (len(text), len(text))
        return " " * start + "^" * (end - start) + " " * (len(text) - end)

    def _rendered(self, frames: Frames | None) -> tuple[str, tuple[int, int] | None]:
        render = getattr(self.term, "render", None)
        if render is not None:
            return render(frames)  # type: ignore[no-any-return]  # found by its name only
        # Not a term of this driver: mock servers in tests of programs make errors with their own.
        compose = getattr(self.term, "compose", None)
        text = repr(self.term) if compose is None else str(compose([], {}))
        return text, None if frames else (0, len(text))


class ReqlCursorEmpty(Exception):
    """The cursor has no more items. This is not a `ReqlError`, on purpose."""

    def __init__(self) -> None:
        super().__init__("Cursor is empty.")
        self.message = "Cursor is empty."

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class ReqlError(Exception):
    """Base class of this driver's errors.

    Attributes:
        message: the text, without the query.
        frames: the part of the query in which the error happened (see `QueryPrinter`); None if it
            is not known.
        query_printer: prints the query. Only set if the query and the frames are known.
        tries: how often a pool has run the query; see `rethinkdb.pool.RetryPolicy`.
        hosts: the hosts of these attempts, each as `host:port`; empty if no pool ran the query.
        retries: both as a sentence, and why the pool did not try again. `str(error)` includes it.
        unsent: the query never left this process, since the connection had ended before.
    """

    query_printer: QueryPrinter
    tries: int = 1
    hosts: tuple[str, ...] = ()
    retries: str = ""
    unsent: bool = False

    def __init__(
        self, message: str, term: Printable | None = None, frames: Frames | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.frames = None if frames is None else list(frames)
        if term is not None and frames is not None:
            self.query_printer = QueryPrinter(term, frames)

    def __str__(self) -> str:
        text = self._text()
        if not self.retries:
            return text
        return f"{text}\n{self.retries}" if "\n" in text else f"{text} {self.retries}"

    def _text(self) -> str:
        printer = getattr(self, "query_printer", None)
        if printer is None:
            return str(self.message)
        head = self.message.rstrip(".")
        return f"{head} in:\n{printer.print_query()}\n{printer.print_carrots()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} instance: {self} >"


class ReqlCompileError(ReqlError):
    """The query is malformed."""


class ReqlDriverCompileError(ReqlCompileError):
    """The driver could not build the query."""


class ReqlTypeError(ReqlDriverCompileError, TypeError):
    """A Python value of this type cannot be part of a query."""


class ReqlValueError(ReqlDriverCompileError, ValueError):
    """This Python value cannot be part of a query, though its type can."""


class ReqlServerCompileError(ReqlCompileError):
    """The server found the query malformed.

    For example: a wrong number of arguments, an unknown optarg, or a misplaced `r.row`.
    """


class ReqlRuntimeError(ReqlError):
    """The query failed on the server."""


class ReqlQueryLogicError(ReqlRuntimeError):
    """The query does something that its data does not allow: a wrong type or a bad optarg value."""


class ReqlNonExistenceError(ReqlQueryLogicError):
    """A field or an element does not exist, or a value is null. `default` handles this error."""


class ReqlResourceLimitError(ReqlRuntimeError):
    """A limit of the server was exceeded, such as `array_limit`."""


class ReqlUserError(ReqlRuntimeError):
    """The query called `r.error`."""


class ReqlInternalError(ReqlRuntimeError):
    """The server has an internal error; the query is not at fault."""


class ReqlAvailabilityError(ReqlRuntimeError):
    """A table or server is not available, or does not exist."""


class ReqlOpFailedError(ReqlAvailabilityError):
    """The operation failed and changed nothing."""


class ReqlOpIndeterminateError(ReqlAvailabilityError):
    """The operation may or may not have happened."""


class ReqlPermissionError(ReqlRuntimeError):
    """The user has no permission to do this."""


class ReqlDriverError(ReqlError):
    """An error of the connection or the protocol, or a wrong use of the driver."""


class ReqlConnectionLostError(ReqlDriverError):
    """The connection was lost or closed while a query was running.

    It is not known whether the server has done the query. `error.__cause__` is the network or
    protocol error that ended the connection; None if this side closed it. To go on, connect again.

    Args:
        message: the general text.
        term, frames: as in `ReqlError`.
        host, port: the server.
        cause: the error that ended the connection; None if this side closed it.

    Attributes:
        host, port: the server.
        reason: why the connection ended, as a sentence. `str(error)` includes it; `message` does
            not.

    Example::

        while True:
            try:
                with r.connect(url=url) as conn:
                    for change in r.table("jobs").changes().run(conn):
                        work_on(change)
            except r.ReqlConnectionLostError as error:
                log.warning("connecting again: %s", error)
    """

    def __init__(
        self,
        message: str = "Connection is closed.",
        term: Printable | None = None,
        frames: Frames | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message, term, frames)
        self.host = host
        self.port = port
        self.reason = "" if host is None else _fate_of_link(host, port, cause)
        self.__cause__ = cause

    def _text(self) -> str:
        text = super()._text()
        if not self.reason:
            return text
        # If the query is shown, the reason comes after it, on a line of its own.
        head = text if text == self.message else f"{text}\n{self.message}"
        return f"{head} {self.reason}"


class ReqlCursorLostError(ReqlConnectionLostError, ReqlRuntimeError):
    """The connection was lost or closed while a cursor or changefeed was open.

    All rows that had arrived were delivered first. This is also a `ReqlRuntimeError`, because a
    cursor of the official `rethinkdb` package raises that when its connection is closed.
    """


def _fate_of_link(host: str, port: int | None, cause: BaseException | None) -> str:
    if cause is None:
        return f"This side closed the link to {host}:{port}."
    return f"The link to {host}:{port} was lost: {str(cause).rstrip('.') or type(cause).__name__}."


def _with_address(text: str, host: str | None, port: int | None) -> str:
    if host is None or port is None:
        return text
    return f"Could not connect to {host}:{port}, {text}"


class ReqlAuthError(ReqlDriverError):
    """The server refused the user or the password.

    Args:
        msg: the server's text.
        host, port: the server, to be named in the message.
    """

    def __init__(self, msg: str, host: str | None = None, port: int | None = None) -> None:
        super().__init__(_with_address(msg, host, port))
        self._call = (msg, host, port)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._call


class _ReqlTimeoutError(ReqlDriverError, TimeoutError):
    """Both an error of this driver and the builtin `TimeoutError`."""


class ReqlTimeoutError(_ReqlTimeoutError):
    """Connecting, an answer, or a cursor's next item took too long.

    Args:
        host, port: the server that was too slow.
        message: the text. The default with a host and a port says that connecting took too long.
    """

    def __init__(
        self, host: str | None = None, port: int | None = None, message: str | None = None
    ) -> None:
        super().__init__(message or _with_address("Operation timed out.", host, port))
        self._call = (host, port, message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._call


class ReqlLoopTypeError(ReqlDriverError, ValueError):
    """There is no loop type of this name. The message lists the known names."""


class ReqlRowError(ReqlDriverError, ValueError):
    """A row does not fit the type that was given with `as_type` or `of`.

    The cursor goes on with the next row. `error.__cause__` is the error of the library that makes
    the objects.

    Args:
        message: which row, which type, which field, and why.
        key: the row's `id`; None if it has none.
        field: the path to the field, such as `"address.zip"`; "" means the row as a whole.
        row: the row as a plain value.

    Attributes:
        key, field, row: as above.
    """

    def __init__(self, message: str, key: Any = None, field: str = "", row: Any = None) -> None:
        super().__init__(message)
        self.key = key
        self.field = field
        self.row = row

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.key, self.field, self.row)


class ReqlTruthWarning(UserWarning):
    """Python tested whether a term such as `r.row["a"] > 1` is true, and then dropped the term.

    This is most likely a mistake. `and`, `or`, `not`, `in`, `if` and chains such as `1 < x < 3` are
    decided by Python, not by the server; and for Python every term is true. The text says what to
    write instead.
    """


class ReqlRunOptionWarning(UserWarning):
    """A run option has no effect on this query. The text says what to use instead."""


RqlError = ReqlError
RqlClientError = ReqlDriverError
RqlDriverError = ReqlDriverError
RqlCompileError = ReqlCompileError
RqlRuntimeError = ReqlRuntimeError
RqlCursorEmpty = ReqlCursorEmpty
RqlTimeoutError = ReqlTimeoutError


_BY_RESPONSE: dict[int, type[ReqlError]] = {
    ResponseType.CLIENT_ERROR: ReqlDriverError,
    ResponseType.COMPILE_ERROR: ReqlServerCompileError,
    ResponseType.RUNTIME_ERROR: ReqlRuntimeError,
}

_BY_ERROR_TYPE: dict[int, type[ReqlError]] = {
    ErrorType.INTERNAL: ReqlInternalError,
    ErrorType.RESOURCE_LIMIT: ReqlResourceLimitError,
    ErrorType.QUERY_LOGIC: ReqlQueryLogicError,
    ErrorType.NON_EXISTENCE: ReqlNonExistenceError,
    ErrorType.OP_FAILED: ReqlOpFailedError,
    ErrorType.OP_INDETERMINATE: ReqlOpIndeterminateError,
    ErrorType.USER: ReqlUserError,
    ErrorType.PERMISSION_ERROR: ReqlPermissionError,
}


def error_from_response(
    response_type: int,
    error_type: int | None,
    message: str,
    term: Printable | None,
    frames: Frames | None,
) -> ReqlError:
    """Make the exception for an error reply of the server.

    Args:
        response_type: key `t` of the reply.
        error_type: key `e` of the reply. Only runtime errors have it.
        message: `r[0]` of the reply.
        term: the query, to be shown with the error.
        frames: key `b` of the reply.
    """
    error = _BY_RESPONSE.get(response_type)
    if error is None:
        return ReqlDriverError(f"Unknown Response type {response_type} encountered in a response.")
    if error is ReqlRuntimeError and error_type is not None:
        error = _BY_ERROR_TYPE.get(error_type, error)
    return error(message, term, frames)
