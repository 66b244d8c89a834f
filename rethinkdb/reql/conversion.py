"""How Python values become terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverCompileError, ReqlTypeError, ReqlValueError
from rethinkdb.pseudotypes import to_binary
from rethinkdb.reql.callables import next_variables, parameter_count
from rethinkdb.reql.commands.times import iso8601
from rethinkdb.reql.literals import MAKE_ARRAY, Binary, Datum, Func, MakeArray, MakeObj, Var
from rethinkdb.reql.term import RqlQuery, make

if TYPE_CHECKING:
    from rethinkdb.reql.types import Value

__all__ = ["NESTING_DEPTH", "SCALARS", "binary", "expr", "node", "term"]

NESTING_DEPTH = 20

# The types of values that need no conversion.
SCALARS = frozenset({str, int, bool, type(None)})


def expr(val: Value, nesting_depth: int = NESTING_DEPTH) -> RqlQuery:
    """Makes a query of a Python value, so that commands can be called on it.

    Arguments of commands need no `expr`: they are converted in the same way.

    Args:
        val: None, bool, int, float, str, bytes; a datetime with a timezone; a mapping with str
            keys, which makes an object; a list, tuple or other iterable, which makes an array; a
            callable, which makes a function: it is called once, now, with a variable for each of
            its parameters. A query is returned as it is.
        nesting_depth: how deep mappings and iterables may be nested.

    Raises:
        ReqlDriverCompileError: the value is nested too deep (or contains itself), a key is not a
            str, or a datetime has no timezone.
        ReqlTypeError: ReQL has no such type (also a TypeError).
        ReqlValueError: a number is not finite (also a ValueError).

    Example:
        r.expr({"name": "Ada", "tags": ["a", "b"]}).merge({"age": 36}).run(conn)
    """
    if not isinstance(nesting_depth, int):
        raise ReqlDriverCompileError("Second argument to `r.expr` must be a number.")
    try:
        made = node(val, nesting_depth)
    except RecursionError as exc:
        if nesting_depth <= NESTING_DEPTH:  # then a function of the program's has gone too deep
            raise
        raise ReqlDriverCompileError("The value is nested too deep for Python.") from exc
    return made if isinstance(made, RqlQuery) else term(made)


def term(node: Any) -> RqlQuery:
    """A node as a term."""
    if isinstance(node, RqlQuery):
        return node._written()
    if type(node) is list:
        return make(MakeArray, node[1], {})
    if type(node) is dict:
        return make(MakeObj, (), node)
    return make(Datum, (node,), {})


def node(value: Value, depth: int = NESTING_DEPTH) -> Any:
    """What a Python value becomes in a query: a term, a scalar, or plain data as it is sent.

    Raises:
        ReqlDriverCompileError, ReqlTypeError, ReqlValueError: as for `expr`.
    """
    kind = type(value)
    if kind in SCALARS or isinstance(value, RqlQuery):
        return value
    if kind is dict:
        return _object(value, depth)
    if kind is list:
        return _array(value, depth)
    if kind is float:
        return _finite(value)
    for test, convert in _CONVERSIONS:
        if test(value):
            return convert(value, depth)
    return _foreign(value)


def _object(fields: Mapping[Any, Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes = {}
    for key, value in fields.items():
        if type(value) not in SCALARS:
            value = node(value, depth - 1)
            plain = plain and not isinstance(value, RqlQuery)
        nodes[key if type(key) is str else _key(key)] = value
    return nodes if plain else make(MakeObj, (), nodes)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ReqlDriverCompileError("Object keys must be strings.")
    return _text(key)


def _array(items: Iterable[Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes = []
    for value in items:
        if type(value) not in SCALARS:
            value = node(value, depth - 1)
            plain = plain and not isinstance(value, RqlQuery)
        nodes.append(value)
    return [MAKE_ARRAY, nodes] if plain else make(MakeArray, nodes, {})


def _function(function: Callable[..., Value], depth: int = 0) -> RqlQuery:
    numbers = next_variables(parameter_count(function))
    body = function(*(make(Var, (number,), {}) for number in numbers))
    return make(Func, ([MAKE_ARRAY, numbers], node(body)), {})


def _date(value: date, depth: int) -> RqlQuery:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return iso8601(value.isoformat())
    kind = "datetime" if isinstance(value, datetime) else "date"
    raise ReqlDriverCompileError(
        f"Cannot convert {kind} to ReQL time object without timezone information. Make it aware"
        " with `zoneinfo` or `pytz` or r.make_timezone('[+-]HH:MM'), or use one of r.now(),"
        " r.time(...) and r.iso8601(...) in its place."
    )


def _bytes(value: bytes | bytearray | memoryview, depth: int = 0) -> RqlQuery:
    return make(Binary, (to_binary(value),), {})


def _finite(value: float, depth: int = 0) -> float:
    if not math.isfinite(value):
        raise ReqlValueError(f"Out of range float values are not JSON compliant: {value}")
    return float(value)


def _text(value: str, depth: int = 0) -> str:
    # The value of a member of a str enumeration; otherwise the characters, whatever __str__ says.
    return str.__str__(value.value if isinstance(value, Enum) else value)


def _foreign(value: object) -> object:
    from rethinkdb.codec import foreign_values_allowed  # here, as building queries needs no JSON

    if not foreign_values_allowed():
        raise ReqlTypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return value


def _is(*types: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, types)


# The first test that holds decides. `node` itself deals with the types that are most frequent.
_CONVERSIONS: tuple[tuple[Callable[[object], bool], Callable[[Any, int], Any]], ...] = (
    (callable, _function),
    (_is(float), _finite),
    (_is(tuple), _array),
    (_is(date), _date),
    (_is(str), _text),
    (_is(bytes, bytearray, memoryview), _bytes),
    (_is(int), lambda value, depth: int(value)),
    (_is(Mapping), _object),
    (_is(Iterable), _array),
)


def binary(data: Value, /) -> RqlQuery:
    """Makes binary data of Python bytes, or of a query whose result is a string.

    Args:
        data: bytes, bytearray, memoryview, or a query.

    Returns:
        Binary data; the driver returns it as `bytes`.

    Raises:
        ReqlDriverCompileError: the argument is something else. Encode a str first.

    Example:
        r.table("files").insert({"data": r.binary(path.read_bytes())}).run(conn)
    """
    if isinstance(data, RqlQuery):
        return make(Binary, (data,), {})
    if isinstance(data, bytes | bytearray | memoryview):
        return _bytes(data)
    if isinstance(data, str):
        raise ReqlDriverCompileError(
            "Cannot convert a unicode string to binary, use `str.encode()` to make bytes of it."
        )
    raise ReqlDriverCompileError(
        f"Cannot convert {type(data).__name__} to binary, it takes bytes or a query."
    )
