"""How a user's callback is called. Its parameters decide which arguments it gets.

For an event with n values:

====================================  ================================================
the callback's parameters             it is called with
====================================  ================================================
exactly n, all of them required       the n values
none                                  nothing
any others: n + 1, optional, `*args`  the n values and the query's handle
keyword-only `handle`                 the handle as well, by name
keyword-only `row`                    the whole row as well, by name, if there is one
====================================  ================================================

The signature is read once, when the query is started. A callback that could never be called with
these arguments raises an error at that time.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rethinkdb.errors import ReqlDriverError

__all__ = ["Invoke", "Parameters", "bind", "is_async", "parameters_of"]

#: Call with the handle, the whole row, and the values of the event.
Invoke = Callable[[Any, Any, tuple[Any, ...]], Any]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a callable, without `self`.

    Attributes:
        required: how many positional arguments must be given.
        most: how many may be given; infinity for `*args`.
        keywords: names of the keyword-only parameters; True for those that must be given.
    """

    required: int
    most: float
    keywords: dict[str, bool]


def parameters_of(function: Callable[..., Any], otherwise: int) -> Parameters:
    """Read a signature. If a builtin has none, assume `otherwise` required parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return Parameters(otherwise, otherwise, {})
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    variadic = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return Parameters(
        required=sum(each.default is each.empty for each in positional),
        most=math.inf if variadic else len(positional),
        keywords={
            each.name: each.default is each.empty
            for each in parameters
            if each.kind is each.KEYWORD_ONLY
        },
    )


def bind(function: Callable[..., Any], label: str, count: int, has_row: bool) -> Invoke:
    """Decide how to call a callback, by its parameters.

    Args:
        function: the callback; a method must be bound.
        label: the name to show in an error.
        count: how many values the event has.
        has_row: whether the event has a row.

    Raises:
        ReqlDriverError: the callback cannot be called with these values, with or without the
            handle.
    """
    parameters = parameters_of(function, count)
    offered = ("handle", "row") if has_row else ("handle",)
    missing = [name for name, must in parameters.keywords.items() if must and name not in offered]
    if missing:
        raise ReqlDriverError(
            f"{label} wants keyword arguments ({', '.join(missing)}) that it will not be given: "
            f"only {' and '.join(offered)} may be asked for."
        )
    names = [name for name in offered if name in parameters.keywords]
    exact = parameters.required == parameters.most == count
    with_handle = not exact and "handle" not in names
    taken = 0 if parameters.most == 0 else count + with_handle
    if not parameters.required <= taken <= parameters.most:
        raise ReqlDriverError(
            f"{label} cannot take what it would be given: {_plural(count)}, or none at all, or "
            f"{_plural(count)} and the query's handle."
        )
    return _invoke(function, taken - count, names)


def _invoke(function: Callable[..., Any], surplus: int, names: list[str]) -> Invoke:
    """How to call the function: `surplus` is 1 to add the handle, negative to give nothing."""
    if names:
        return _invoke_with_names(_invoke_with(function, surplus), names)
    plainly = _invoke_with(function, surplus)
    return lambda handle, row, values: plainly(handle, values, {})


def _invoke_with(
    function: Callable[..., Any], surplus: int
) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]:
    if surplus > 0:
        return lambda handle, values, named: function(*values, handle, **named)
    if surplus < 0:
        return lambda handle, values, named: function(**named)
    return lambda handle, values, named: function(*values, **named)


def _invoke_with_names(
    call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any], names: list[str]
) -> Invoke:
    def invoke(handle: Any, row: Any, values: tuple[Any, ...]) -> Any:
        given = {"handle": handle, "row": row}
        return call(handle, values, {name: given[name] for name in names})

    return invoke


def is_async(function: Callable[..., Any]) -> bool:
    """Whether this is an asynchronous function, or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  # wants the method, not a yes or no
    )


def _plural(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
