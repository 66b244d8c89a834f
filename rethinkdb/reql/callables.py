"""Python callables as ReQL functions: how many parameters, which variable numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Lock
from types import FunctionType
from typing import Any

from rethinkdb.errors import ReqlDriverCompileError

__all__ = ["next_variables", "parameter_count"]

_numbers = count(1)
_lock = Lock()  # terms may be built by several threads at once


def next_variables(amount: int) -> list[int]:
    """Variable numbers that no other function of this process has."""
    with _lock:
        return [next(_numbers) for _ in range(amount)]


def parameter_count(function: Callable[..., Any]) -> int:
    """How many arguments a callable takes by position; defaults count, `*args` does not.

    Raises:
        ReqlDriverCompileError: Python does not know, as with some builtins.
    """
    if isinstance(function, FunctionType):
        return function.__code__.co_argcount
    return _count_by_signature(function)


def _count_by_signature(function: Callable[..., Any]) -> int:
    import inspect  # slow to import, and seldom needed

    try:
        # Wrappers count by what they take themselves, just as plain functions do above.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError) as exc:
        raise ReqlDriverCompileError(
            f"Cannot tell how many parameters {function!r} takes: wrap it in a lambda."
        ) from exc
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in by_position for parameter in signature.parameters.values())
