"""What commands raise to end with one line."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what it was told; its text, one line, is shown to the user.

    Args:
        text: what is wrong, and what to do.
        status: the exit status; 1 it failed, 2 the arguments are wrong.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status
