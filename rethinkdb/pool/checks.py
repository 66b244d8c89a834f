"""Checks that several options share."""

from __future__ import annotations

from typing import Any

from rethinkdb.errors import ReqlDriverError

__all__ = ["check_closing_time", "check_count", "is_number"]


def check_count(name: str, count: Any, least: int) -> None:
    """Check that an option is a whole number and not too small.

    Raises:
        ReqlDriverError: it is not; the message names the option.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise ReqlDriverError(f"`{name}` must be a whole number from {least} up, not {count!r}.")


def check_closing_time(timeout: Any) -> None:
    """Check the `timeout` of a pool's `close()`, before the pool begins to close.

    Raises:
        ReqlDriverError: it is no number.
    """
    if not is_number(timeout) or timeout != timeout:  # nan is not equal to itself
        raise ReqlDriverError(f"`timeout` must be a number of seconds, not {timeout!r}.")


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float. True and False do not count."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
