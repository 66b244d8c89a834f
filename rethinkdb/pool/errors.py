"""What those are told who cannot have a connection, and which failures pass by themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.violations import RemoteProtocolError

__all__ = ["PoolClosedError", "PoolFullError", "PoolTimeoutError", "again", "is_final"]


class PoolClosedError(ReqlDriverError):
    """The pool is closed, or about to be."""


class PoolFullError(ReqlDriverError):
    """As many queries wait for a connection as may wait; this one was not even queued."""


class PoolTimeoutError(ReqlTimeoutError):
    """No connection could be had in time. If hosts could not be reached, that is its cause."""

    def __init__(self, message: str) -> None:
        ReqlDriverError.__init__(self, message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message,)


# Wrong user or password; no RethinkDB server, or one with TLS; no host name, or no trust in a
# certificate (a ValueError, too); no file of certificates.
_FINAL = (ReqlAuthError, RemoteProtocolError, ValueError, FileNotFoundError, IsADirectoryError)


def is_final(error: BaseException) -> bool:
    """Whether a failure to connect will not pass by itself, so that nobody need wait.

    A server that cannot be reached may be back in a moment: its machine, its name, its address. A
    password does not become right by waiting, nor a certificate, nor a web server's port.
    """
    if not isinstance(error, (ReqlDriverError, OSError)):
        return True  # a fault of the program
    return any(isinstance(cause, _FINAL) or _is_of_tls(cause) for cause in _causes(error))


def again(error: BaseException) -> BaseException:
    """The same error, for one more who waits: two who raise one error spoil its traceback."""
    try:
        twin = copy.copy(error)
    except Exception:  # some errors cannot be copied
        twin = ReqlDriverError(str(error) or type(error).__name__)
    twin.__cause__ = error.__cause__ if type(twin) is type(error) else error
    return twin.with_traceback(None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those behind it."""
    cause: BaseException | None = error
    for _ in range(20):  # should somebody have made a ring of them
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _is_of_tls(error: BaseException) -> bool:
    """Whether it is an `ssl.SSLError`; that module does input and output, so not imported here."""
    return getattr(error, "library", None) == "SSL"
