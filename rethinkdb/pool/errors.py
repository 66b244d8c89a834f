"""Errors of those who get no connection, and which failures to connect may pass by themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.violations import RemoteProtocolError

__all__ = ["PoolClosedError", "PoolFullError", "PoolTimeoutError", "again", "is_final"]


class PoolClosedError(ReqlDriverError):
    """The pool is closed or closing."""


class PoolFullError(ReqlDriverError):
    """`max_waiting` queries wait for a connection already, so this one failed at once."""


class PoolTimeoutError(ReqlTimeoutError):
    """No connection was available in time.

    If a host could not be reached, `error.__cause__` is the last failure to connect.
    """

    def __init__(self, message: str) -> None:
        ReqlDriverError.__init__(self, message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message,)


# In this order: wrong user or password; no RethinkDB server, or one that uses TLS; an invalid host
# name or an untrusted certificate (also a ValueError); the certificate file is missing.
_FINAL = (ReqlAuthError, RemoteProtocolError, ValueError, FileNotFoundError, IsADirectoryError)


def is_final(error: BaseException) -> bool:
    """Whether a failure to connect will stay, so that it is useless to wait and try again.

    A server that cannot be reached now may be back soon. But a wrong password stays wrong, and so
    do an untrusted certificate and a port of some other server.
    """
    if not isinstance(error, (ReqlDriverError, OSError)):
        return True  # a bug of the program
    return any(isinstance(cause, _FINAL) or _is_of_tls(cause) for cause in _causes(error))


def again(error: BaseException) -> BaseException:
    """A copy of the error for another waiter: raising one object twice mixes up its traceback."""
    try:
        twin = copy.copy(error)
    except Exception:  # some errors cannot be copied
        twin = ReqlDriverError(str(error) or type(error).__name__)
    twin.__cause__ = error.__cause__ if type(twin) is type(error) else error
    return twin.with_traceback(None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause, the cause of that, and so on."""
    cause: BaseException | None = error
    for _ in range(20):  # a limit, in case the causes form a ring
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _is_of_tls(error: BaseException) -> bool:
    """Whether it is an `ssl.SSLError`. `ssl` is not imported, since it does input and output."""
    return getattr(error, "library", None) == "SSL"
