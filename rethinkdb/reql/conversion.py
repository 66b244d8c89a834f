"""How Python values become terms.

The functions here call each other in a circle, since a list can hold a dict that holds a list: so
they are in one module, although it is long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from rethinkdb.converters import JSON_TYPES, NO_CONVERTERS, Converter, Converters, Values, state
from rethinkdb.errors import ReqlDriverCompileError, ReqlError, ReqlTypeError, ReqlValueError
from rethinkdb.pseudotypes import to_binary
from rethinkdb.reql.callables import next_variables, parameter_count
from rethinkdb.reql.commands.times import iso8601
from rethinkdb.reql.literals import (
    MAKE_ARRAY,
    Binary,
    Datum,
    Foreign,
    Func,
    MakeArray,
    MakeObj,
    Var,
)
from rethinkdb.reql.refusals import foreign, mistake, named, placed, refused, shown, within
from rethinkdb.reql.term import RqlQuery, make
from rethinkdb.reql.texts import prints, warn_of_texts

if TYPE_CHECKING:
    from rethinkdb.reql.types import Value

__all__ = ["NESTING_DEPTH", "SCALARS", "binary", "expr", "node", "resolved", "term"]

NESTING_DEPTH = 20

# The types of values that need no conversion.
SCALARS: frozenset[type] = frozenset({str, int, bool, type(None)})


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
    except ReqlDriverCompileError as error:
        placed(error, "")
        raise
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
        return _sending(node, make(MakeObj, (), node))
    return _sending(node, make(Datum, (node,), {}))


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
    if kind is list or kind is tuple:
        return _array(value, depth)
    if kind is float:
        return _finite(value)
    if state.active:
        return _by_converters(value, depth, _AtBuild())
    if kind is FunctionType:
        return _function(value)
    made = _known(value, depth)
    return made if made is not _UNKNOWN else _unknown(value, depth)


# What `_known` returns for a value that no rule is for, and `_key` for a key that has to wait.
_UNKNOWN: Any = object()
_LATER: Any = object()


def _known(value: Any, depth: int) -> Any:
    """What a value becomes without converters."""
    convert = _BY_TYPE.get(type(value))
    if convert is not None:
        return convert(value, depth)
    error = mistake(value)
    if error is not None:
        raise error
    for test, convert in _CONVERSIONS:
        if test(value):
            return convert(value, depth)
    return _UNKNOWN


def _unknown(value: object, depth: int) -> Any:
    """What a value becomes that nobody knows: it is kept if a connection may know what to do."""
    if not state.keeps_the_rest:
        raise foreign(value)
    return make(Foreign, (value, depth), {})


def _object(fields: Mapping[Any, Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes = {}
    for key, value in fields.items():
        if type(value) not in SCALARS:
            try:
                value = node(value, depth - 1)
            except ReqlDriverCompileError as error:
                within(error, key)
                raise
            plain = plain and not isinstance(value, RqlQuery)
        if type(key) is not str:
            key = _key(key)
            if key is _LATER:
                return make(Foreign, (dict(fields), depth), {})
        nodes[key] = value
    return nodes if plain else _sending(nodes, make(MakeObj, (), nodes))


def _sending(sent: Any, made: RqlQuery) -> RqlQuery:
    """A term of a class that does not send its command."""
    made._sent = sent
    return made


def _array(items: Iterable[Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes: list[Any] = []
    for value in items:
        if type(value) not in SCALARS:
            try:
                value = node(value, depth - 1)
            except ReqlDriverCompileError as error:
                within(error, len(nodes))
                raise
            plain = plain and not isinstance(value, RqlQuery)
        nodes.append(value)
    return [MAKE_ARRAY, nodes] if plain else make(MakeArray, nodes, {})


def _iterable(items: Iterable[Value], depth: int) -> Any:
    try:
        iterator = iter(items)
    except TypeError:  # as numpy's arrays without dimensions, which look as if they could
        return _UNKNOWN
    return _array(iterator, depth)


def _function(function: Callable[..., Value], depth: int = 0) -> RqlQuery:
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType) and code.co_flags & _IS_ASYNC:
        raise refused(
            ReqlTypeError,
            f"An async function cannot be part of a query: {shown(function)}",
            "The driver calls a function once, to learn what it does, and the server then does it."
            " Write it with `def` or `lambda`, and with ReQL commands only.",
        )
    numbers = next_variables(parameter_count(function))
    printed = prints[0]
    body = node(function(*(make(Var, (number,), {}) for number in numbers)))
    if prints[0] != printed and numbers:
        warn_of_texts(body, numbers)
    return make(Func, ([MAKE_ARRAY, numbers], body), {})


def _date(value: date, depth: int) -> RqlQuery:
    if not isinstance(value, datetime):
        raise refused(
            ReqlDriverCompileError,
            f"Cannot convert date to ReQL time object, as a day is no moment: {shown(value)}",
            "Write value.isoformat() to store text, or its first moment, in a timezone:"
            " datetime.combine(value, time.min, r.make_timezone('+00:00')). To allow such values"
            " once: r.convert(date, date.isoformat) for the process,"
            " r.connect(..., converters={date: date.isoformat}) for a connection.",
        )
    if value.utcoffset() is None:
        raise refused(
            ReqlDriverCompileError,
            "Cannot convert datetime to ReQL time object without timezone information:"
            f" {shown(value)}",
            "Make it aware with `zoneinfo` or `pytz` or r.make_timezone('[+-]HH:MM'), or use one of"
            " r.now(), r.time(...) and r.iso8601(...) in its place. To take all of them as local"
            " time: r.convert(datetime, datetime.astimezone).",
        )
    return iso8601(value.isoformat())


def _bytes(value: bytes | bytearray | memoryview, depth: int = 0) -> RqlQuery:
    data = to_binary(value)
    return _sending(data, make(Binary, (data,), {}))


def _finite(value: float, depth: int = 0) -> float:
    if not math.isfinite(value):
        raise refused(
            ReqlValueError,
            f"Out of range float values are not JSON compliant: {value}",
            "Write None, or leave it out.",
        )
    return float(value)


def _text(value: str, depth: int = 0) -> str:
    # The value of a member of a str enumeration; otherwise the characters, whatever __str__ says.
    return str.__str__(value.value if isinstance(value, Enum) else value)


def _has_form(value: object) -> bool:
    """Whether it is an object of this driver's that knows what is sent for it: a `Geometry`."""
    return hasattr(type(value), "__rethinkdb_document__")


def _is(*types: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, types)


_IS_ASYNC = 0x80 | 0x200  # flags of the code of coroutines and asynchronous generators

# What is frequent needs no tests.
_BY_TYPE: dict[type, Callable[[Any, int], Any]] = {
    bytes: _bytes,
    datetime: _date,
    dict: _object,
    float: _finite,
    FunctionType: _function,
    list: _array,
    tuple: _array,
    **{kind: lambda value, depth: value for kind in SCALARS},
}

# Otherwise the first test that holds decides.
_CONVERSIONS: tuple[tuple[Callable[[object], bool], Callable[[Any, int], Any]], ...] = (
    (_is(RqlQuery), lambda value, depth: value),
    (_has_form, lambda value, depth: _object(value.__rethinkdb_document__(), depth)),
    (callable, _function),
    (_is(float), _finite),
    (_is(tuple), _array),
    (_is(date), _date),
    (_is(str), _text),
    (_is(bytes, bytearray, memoryview), _bytes),
    (_is(int), lambda value, depth: int(value)),
    (_is(Mapping), _object),
    (_is(Iterable), _iterable),
)

# --- keys ----------------------------------------------------------------------------------------


def _key(key: object) -> str:
    if not isinstance(key, str):
        if state.active and state.is_kept(key):
            return _LATER  # type: ignore[no-any-return]  # the caller tells it from a key
        return _key_by(key, (state.process,))
    return _text(key)


def _key_by(key: object, tables: Sequence[Converters]) -> str:
    """A key as a str, by the first of the tables that knows it."""
    converter = _first(table.find(key) for table in tables)
    made = key if converter is None else _converted(converter, key)
    if not isinstance(made, str):
        raise refused(
            ReqlDriverCompileError,
            f"Object keys must be strings. This one is of type {type(key).__name__}: {shown(key)}",
            "Write str(key) in its place.",
        )
    return _text(made)


# --- converters ----------------------------------------------------------------------------------


class _AtBuild:
    """How values are converted when a query is built: by the process's table.

    What connections know is kept for them.
    """

    keeps = staticmethod(state.is_kept)
    known = staticmethod(_known)
    unknown = staticmethod(_unknown)

    def __init__(self) -> None:
        self.tables = (state.process,)
        self.others = (None if state.keeps_the_rest else state.process.otherwise,)


class _AtRun:
    """How values are converted when a query is run: by the connection's table, then the process's.

    What nobody knows is left to the connection's encoder, if that is one of the program's.
    """

    def __init__(self, values: Values | None) -> None:
        first = values.converters if values is not None else NO_CONVERTERS
        self.tables = (first, state.process)
        self.others = (first.otherwise, state.process.otherwise)
        self._own_encoder = values is not None and values.own_encoder

    def keeps(self, value: object) -> bool:
        return False

    def known(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            value = {
                key if type(key) is str else _key_by(key, self.tables): item
                for key, item in value.items()
            }
        return _known(value, depth)

    def unknown(self, value: object, depth: int) -> Any:
        if not self._own_encoder:
            raise foreign(value)
        return value


def _by_converters(value: Any, depth: int, way: _AtBuild | _AtRun) -> Any:
    """What a value becomes. What a converter returns is converted in turn, by others."""
    used: list[Converter | None] = [None]
    while type(value) not in JSON_TYPES and not isinstance(value, RqlQuery):
        if way.keeps(value):
            return make(Foreign, (value, depth), {})
        converter = _first(table.find(value) for table in way.tables)
        if converter in used:
            made = way.known(value, depth)
            if made is not _UNKNOWN:
                return made
            converter = _first(way.others)
            if converter in used:
                return way.unknown(value, depth)
        used.append(converter)
        value = _converted(converter, value)
    return way.known(value, depth)


def _first(converters: Iterable[Converter | None]) -> Converter | None:
    return next(filter(None, converters), None)


def _converted(converter: Any, value: object) -> Any:
    try:
        return converter(value)
    except ReqlError:
        raise
    except Exception as exc:
        raise refused(
            ReqlValueError,
            f"The converter for {named(value)} failed with {type(exc).__name__}: {exc}."
            f" The value is {shown(value)}",
            "See the cause above.",
        ) from exc


def resolved(value: Any, depth: int, values: Values | None) -> Any:
    """The node of a value that was kept in a query for the connection to know.

    Args:
        value: the value.
        depth: how deep mappings and iterables in it may be nested.
        values: what the connection does with such values. None: it does nothing.
    """
    return _by_converters(value, depth, _AtRun(values))


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
