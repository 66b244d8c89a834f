"""The error that ends a command with one line."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what was asked. The text is one line, and is shown to the user.

    Args:
        text: what is wrong, and what to do.
        status: the exit status: 1 for a failure, 2 for wrong arguments.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status
