"""Where a connection may be used: in the process that made it, and on its own loop.

Elsewhere it would seem to work, until two processes read from one socket or two threads are in the
core at once. So each adapter asks here first.
"""

from __future__ import annotations

import os

from rethinkdb.errors import ReqlDriverError

__all__ = ["PROCESS", "check_process", "misplaced"]


class _Process:
    """This process. To look here costs a tenth of asking the system each time."""

    id = os.getpid()

    def renew(self) -> None:
        """After fork(), in the child."""
        self.id = os.getpid()


PROCESS = _Process()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROCESS.renew)


def check_process(process: int) -> None:
    """Refuse to go on in a child of the process that made the connection.

    Raises:
        ReqlDriverError: this is such a child.
    """
    if process != os.getpid():
        raise ReqlDriverError(
            f"This connection was made in process {process}, from which process {os.getpid()} was "
            "forked: both would read from one socket. Connect anew here."
        )


def misplaced(home: str, remedy: str, what: str = "connection") -> ReqlDriverError:
    """What to raise when a connection is used where it does not live.

    Args:
        home: where it lives.
        remedy: what to do.
        what: another thing than a connection.
    """
    return ReqlDriverError(f"This {what} belongs to {home}, and cannot be used here. {remedy}")
