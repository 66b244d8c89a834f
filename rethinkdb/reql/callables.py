"""What it takes to make a ReQL function of a Python callable.

The driver calls the callable once, with a variable for each of its parameters. So it must know how
many parameters there are, and give each variable a number of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from threading import Lock
from types import FunctionType
from typing import Any

from rethinkdb.errors import ReqlDriverCompileError

__all__ = ["next_variables", "parameter_count"]

_numbers = count(1)
_lock = Lock()  # several threads may build queries at once


def next_variables(amount: int) -> list[int]:
    """Numbers for variables, which no other function in this process has."""
    with _lock:
        return [*islice(_numbers, amount)]


def parameter_count(function: Callable[..., Any]) -> int:
    """The number of a callable's positional parameters, with those that have a default.

    `*args` does not count.

    Raises:
        ReqlDriverCompileError: Python cannot tell, which is so for some builtins.
    """
    if isinstance(function, FunctionType):
        return function.__code__.co_argcount
    return _count_by_signature(function)


def _count_by_signature(function: Callable[..., Any]) -> int:
    import inspect  # here, as it is slow to import and seldom needed

    try:
        # Of a decorated function the wrapper's own parameters count, as it is what gets called.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError) as exc:
        raise ReqlDriverCompileError(
            f"Cannot tell how many parameters {function!r} takes: wrap it in a lambda."
        ) from exc
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in by_position for parameter in signature.parameters.values())
