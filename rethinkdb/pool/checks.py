"""Checks that several options share."""

from __future__ import annotations

from typing import Any

from rethinkdb.errors import ReqlDriverError

__all__ = ["check_count", "is_number"]


def check_count(name: str, count: Any, least: int) -> None:
    """Refuse what is no whole number, or too small a one.

    Raises:
        ReqlDriverError: names the option.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise ReqlDriverError(f"`{name}` must be a whole number from {least} up, not {count!r}.")


def is_number(value: Any) -> bool:
    """Whether it is one. True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
