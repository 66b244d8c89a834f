"""Checks that a connection is used in the process that made it, and on its own loop.

Elsewhere it would seem to work, until two processes read from one socket, or two threads run the
core at the same time. So each adapter checks first.
"""

from __future__ import annotations

import os

from rethinkdb.errors import ReqlDriverError

__all__ = ["PROCESS", "check_process", "misplaced"]


class _Process:
    """The id of this process. Reading it here takes a tenth of the time of `os.getpid()`."""

    def __init__(self) -> None:
        self.id = os.getpid()

    def renew(self) -> None:
        """After fork(), in the child."""
        self.id = os.getpid()


PROCESS = _Process()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROCESS.renew)


def check_process(process: int) -> None:
    """Raise an error in a forked child of the process that made the connection.

    Raises:
        ReqlDriverError: this process is not `process`.
    """
    if process != PROCESS.id:
        raise ReqlDriverError(
            f"This connection was made in process {process}, from which process {PROCESS.id} was "
            "forked: both would read from one socket. Connect anew here."
        )


def misplaced(home: str, remedy: str, what: str = "connection") -> ReqlDriverError:
    """The error for a connection that is used outside its own loop.

    Args:
        home: where the connection belongs.
        remedy: what the user should do.
        what: the kind of object, if it is not a connection.
    """
    return ReqlDriverError(f"This {what} belongs to {home}, and cannot be used here. {remedy}")
