"""The rules of plain data: types, order, equality, numbers, printing, JSON.

A datum is a Python value: None, bool, int or float, str, bytes (PTYPE<BINARY>), list, dict
(pseudo-types TIME and GEOMETRY stay dicts with their `$reql_type$`), MINVAL, MAXVAL. Data is shared
and never changed in place.

Numbers are doubles on the wire. Here, a whole number within ±2**53 is an int, and any other number
is a float, so that equal numbers print alike. Every computed number goes through `number()`.
"""

from __future__ import annotations

import base64
import enum
import math
from collections.abc import Iterable
from typing import Any, TypeAlias, cast

from rethinkdb.embedded.data import jsonwriting
from rethinkdb.embedded.failures import QueryFailure, logic, non_existence, resource, typed

Datum: TypeAlias = Any
"""See the module's description; recursive types of this shape tell mypy little, so it stays a word
for readers.
"""

REQL_TYPE = "$reql_type$"
LARGEST_INTEGER = 2**53
TRUNCATED_LENGTH = 300
BASE64_LINE = 76


class Extremum(enum.Enum):
    """`r.minval` and `r.maxval`: below and above every other datum."""

    MINVAL = "MINVAL"
    MAXVAL = "MAXVAL"


MINVAL, MAXVAL = Extremum.MINVAL, Extremum.MAXVAL

# Types in the order in which data of different types compare (a real server's order of type names).
_RANK_MINVAL, _RANK_ARRAY, _RANK_BOOL, _RANK_NULL, _RANK_NUMBER = 0, 1, 2, 3, 4
_RANK_OBJECT, _RANK_PSEUDO, _RANK_STRING, _RANK_MAXVAL = 5, 6, 7, 8


# -- numbers


def number(value: float) -> int | float:
    """The canonical form of a computed number. Raises for infinities and NaN."""
    if isinstance(value, int):
        return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else number(_to_float(value))
    if not math.isfinite(value):
        raise logic(f"Non-finite number: {print_double(value)}")
    if (
        value.is_integer()
        and abs(value) <= LARGEST_INTEGER
        and (value or not is_negative_zero(value))
    ):
        return int(value)
    return value


def _to_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_negative_zero(value: float) -> bool:
    """Whether this is -0.0. A server keeps it, and prints it so."""
    return value == 0 and math.copysign(1.0, value) < 0


def print_double(value: float) -> str:
    """A number as a real server's messages show it: up to 20 significant digits."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.20g}" if math.isfinite(value) else str(value).replace("nan", "-nan")


# -- types


def is_number(value: Datum) -> bool:
    """Whether it is a NUMBER. A bool is none, although Python's bool is an int."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def reql_type(value: Datum) -> str | None:
    """The name of a pseudo-type ("TIME", "BINARY", ...), None for plain data."""
    if isinstance(value, dict):
        name = value.get(REQL_TYPE)
        return cast("str | None", name)
    return "BINARY" if isinstance(value, bytes) else None


def is_time(value: Datum) -> bool:
    """Whether it is a PTYPE<TIME>."""
    return isinstance(value, dict) and value.get(REQL_TYPE) == "TIME"


def is_geometry(value: Datum) -> bool:
    """Whether it is a PTYPE<GEOMETRY>."""
    return isinstance(value, dict) and value.get(REQL_TYPE) == "GEOMETRY"


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "BOOL"),
    ((int, float), "NUMBER"),
    (str, "STRING"),
    (list, "ARRAY"),
    (dict, "OBJECT"),
    (type(None), "NULL"),
)


def type_name(value: Datum) -> str:
    """The name of a datum's type, as in `typeOf` and in error messages."""
    pseudo_type = reql_type(value)
    if pseudo_type is not None:
        return f"PTYPE<{pseudo_type}>"
    if isinstance(value, Extremum):
        return value.value
    return json_type_name(value)


def json_type_name(value: Datum) -> str:
    """The name of a datum's type in JSON. There, a pseudo-type is an object."""
    return next(name for kind, name in _TYPE_NAMES if isinstance(value, kind))


def truth(value: Datum) -> bool:
    """Whether it counts as true: everything does, except false and null."""
    return value is not None and value is not False


# -- checks; each raises a failure without a backtrace


def _expect(name: str, value: Datum) -> None:
    raise typed(value, f"Expected type {name} but found {type_name(value)}.")


def as_number(value: Datum) -> int | float:
    """The value, which must be a NUMBER."""
    if not is_number(value):
        _expect("NUMBER", value)
    return cast("int | float", value)


def as_integer(value: Datum) -> int:
    """The value, which must be a NUMBER without a fraction and within ±2**53."""
    found = as_number(value)
    if isinstance(found, int):
        return found
    if is_negative_zero(found):
        return 0
    range_note = (
        " (<-2^53)" if found < -LARGEST_INTEGER else " (>2^53)" if found > LARGEST_INTEGER else ""
    )
    raise logic(f"Number not an integer{range_note}: {print_double(found)}")


def as_string(value: Datum) -> str:
    """The value, which must be a STRING."""
    if not isinstance(value, str):
        _expect("STRING", value)
    return cast(str, value)


def as_array(value: Datum) -> list[Datum]:
    """The value, which must be an ARRAY."""
    if not isinstance(value, list):
        _expect("ARRAY", value)
    return cast("list[Datum]", value)


def as_object(value: Datum) -> dict[str, Datum]:
    """The value, which must be an OBJECT. For a server, times and geometries are objects."""
    if not isinstance(value, dict):
        _expect("OBJECT", value)
    return cast("dict[str, Datum]", value)


def field(value: Datum, name: str) -> Datum:
    """A field of an object, or of a pseudo-type. Raises NON_EXISTENCE if there is no such field."""
    fields = as_object(value)
    if name not in fields:
        raise non_existence(f"No attribute `{name}` in object:\n{pretty(fields)}")
    return fields[name]


# -- order and equality


def order_key(value: Datum) -> tuple[Any, ...]:
    """A key for sorting: Python compares the keys as ReQL compares the data.

    Data of different types compare by type. Strings compare by code point, which is the order of
    their UTF-8 bytes. Geometries compare as objects.
    """
    if isinstance(value, str):
        return (_RANK_STRING, value)
    if value is None:
        return (_RANK_NULL,)
    if isinstance(value, bool):
        return (_RANK_BOOL, value)
    if isinstance(value, (int, float)):
        return (_RANK_NUMBER, value)
    if isinstance(value, list):
        return (_RANK_ARRAY, tuple([order_key(item) for item in value]))
    if isinstance(value, dict):
        return _object_key(value)
    if isinstance(value, bytes):
        return (_RANK_PSEUDO, "BINARY", value)
    return (_RANK_MINVAL,) if value is MINVAL else (_RANK_MAXVAL,)


def _object_key(value: dict[str, Datum]) -> tuple[Any, ...]:
    if value.get(REQL_TYPE) == "TIME":
        return (_RANK_PSEUDO, "TIME", value["epoch_time"])
    return (_RANK_OBJECT, tuple([(name, order_key(value[name])) for name in sorted(value)]))


def equal(left: Datum, right: Datum) -> bool:
    """Whether two data are equal in ReQL. 1 equals 1.0 but not true; times compare by instant."""
    if left is right:
        return True
    if isinstance(left, str) or isinstance(right, str):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict) and not is_time(left):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return order_key(left) == order_key(right)


# -- JSON


def from_json(value: Any) -> Datum:
    """Parsed JSON as a datum, with canonical numbers. The caller converts pseudo-types."""
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return {name: from_json(item) for name, item in value.items()}


def to_json(value: Datum) -> Any:
    """A datum as data for JSON, with sorted keys and binary data as its pseudo-type.

    Raises for `r.minval` and `r.maxval`.
    """
    if isinstance(value, dict):
        return {name: to_json(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return jsonwriting.OneLine({REQL_TYPE: "BINARY", "data": to_base64(value)})
    if isinstance(value, Extremum):
        raise logic(f"Cannot convert `r.{value.value.lower()}` to JSON.")
    return value


def to_base64(value: bytes) -> str:
    """Base64 in lines of 76 characters, as a server sends it."""
    text = base64.b64encode(value).decode("ascii")
    lines = range(0, len(text), BASE64_LINE)
    return "\r\n".join([text[start : start + BASE64_LINE] for start in lines])


# -- printing


def compact(value: Datum) -> str:
    """A datum as JSON without spaces, as `to_json_string` returns it."""
    return jsonwriting.compact(to_json(value))


def pretty(value: Datum) -> str:
    """A datum as in error messages: JSON, indented by tabs, with a tab after each colon."""
    return jsonwriting.pretty(to_json(value))


def truncated(value: Datum) -> str:
    """`pretty`, cut to the greatest length that a server shows in a message."""
    return truncated_text(pretty(value))


def truncated_text(text: str) -> str:
    """A text, cut to that length in bytes."""
    encoded = text.encode()
    if len(encoded) <= TRUNCATED_LENGTH:
        return text
    return encoded[: TRUNCATED_LENGTH - 3].decode(errors="ignore") + "..."


# -- sizes


def check_array_size(size: int, limit: int) -> None:
    """Raises the resource error if an array is larger than the query's array limit."""
    if size > limit:
        raise _array_limit_failure(limit)


def check_all_arrays(value: Datum, limit: int) -> None:
    """The same check for every array in a datum from outside, such as JSON text."""
    if isinstance(value, list):
        check_array_size(len(value), limit)
        for item in value:
            check_all_arrays(item, limit)
    elif isinstance(value, dict):
        for item in value.values():
            check_all_arrays(item, limit)


def array(items: Iterable[Datum], limit: int) -> list[Datum]:
    """A new ARRAY of these items. Raises as soon as it is larger than the array limit."""
    result: list[Datum] = []
    for item in items:
        result.append(item)
        if len(result) > limit:
            raise _array_limit_failure(limit)
    return result


def _array_limit_failure(limit: int) -> QueryFailure:
    return resource(
        f"Array over size limit `{limit}`.  To raise the number of allowed elements, modify"
        " the `array_limit` option to `.run` (not available in the Data Explorer), or use an index."
    )
