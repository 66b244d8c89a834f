"""Arithmetic, rounding, bits."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from rethinkdb.embedded import limits
from rethinkdb.embedded.data import datum, temporal
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import logic, resource
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, term
from rethinkdb.ql2 import TermType

_BIT_LIMIT = 2**53
"""Bit operations take integers from -2**53 to below 2**53, where they are closed."""
_LARGEST_SHIFT = 4096
"""Any number but 0 shifted further left than this is beyond a double."""


# -- arithmetic


def _folded(type: TermType, combine: Callable[[Datum, Datum, int], Datum]) -> None:
    def implementation(call: Call) -> Datum:
        result = call.datum(0)
        for index in range(1, call.count):
            result = combine(result, call.datum(index), call.array_limit)
        return result

    term(type, 1, MANY)(implementation)


def _add(left: Datum, right: Datum, array_limit: int) -> Datum:
    if datum.is_time(left):
        return temporal.shifted(left, datum.as_number(right))
    if datum.is_time(right):
        return temporal.shifted(right, datum.as_number(left))
    if isinstance(left, str):
        return _joined(left, datum.as_string(right))
    if isinstance(left, list):
        return datum.array([*left, *datum.as_array(right)], array_limit)
    return _number_of(operator.add, left, right)


def _joined(left: str, right: str) -> str:
    length = len(left) + len(right)
    if length > limits.LONGEST_STRING:
        raise resource(
            f"The string would have {length} characters. The embedded server makes strings of"
            f" {limits.LONGEST_STRING} characters at most."
        )
    return left + right


def _subtract(left: Datum, right: Datum, array_limit: int) -> Datum:
    if not datum.is_time(left):
        return _number_of(operator.sub, left, right)
    if datum.is_time(right):
        return temporal.elapsed(left, right)
    return temporal.shifted(left, -datum.as_number(right))


def _multiply(left: Datum, right: Datum, array_limit: int) -> Datum:
    if isinstance(left, list):
        return _repeated(left, right, array_limit)
    if isinstance(right, list):
        return _repeated(right, left, array_limit)
    return _number_of(operator.mul, left, right)


def _repeated(items: list[Datum], times: Datum, array_limit: int) -> list[Datum]:
    count = datum.as_integer(times)
    if count < 0:
        raise logic("Cannot multiply an ARRAY by a negative number.")
    datum.check_array_size(len(items) * count, array_limit)
    return items * count


def _divide(left: Datum, right: Datum, array_limit: int) -> Datum:
    datum.as_number(left)
    if datum.as_number(right) == 0:
        raise logic("Cannot divide by zero.")
    return _number_of(operator.truediv, left, right)


def _number_of(combine: Callable[[float, float], float], left: Datum, right: Datum) -> float:
    # All are floats. Python's integers would be exact where a server's doubles round, and they have
    # no -0.0.
    try:
        result = combine(float(datum.as_number(left)), float(datum.as_number(right)))
    except OverflowError:
        result = math.inf
    return datum.number(result)


_folded(TermType.ADD, _add)
_folded(TermType.SUB, _subtract)
_folded(TermType.MUL, _multiply)
_folded(TermType.DIV, _divide)


@term(TermType.MOD, 2)
def mod(call: Call) -> float:
    """The remainder, with the sign of the first argument."""
    left, right = call.integer(0), call.integer(1)
    if right == 0:
        raise logic("Cannot take a number modulo 0.")
    return int(math.fmod(left, right))


# -- rounding


@term(TermType.FLOOR, 1)
def floor(call: Call) -> float:
    return _rounded(call, math.floor)


@term(TermType.CEIL, 1)
def ceil(call: Call) -> float:
    return _rounded(call, math.ceil)


@term(TermType.ROUND, 1)
def round_(call: Call) -> float:
    return _rounded(call, _half_away_from_zero)


def _half_away_from_zero(value: float) -> int:
    whole = math.trunc(value)
    return whole + int(math.copysign(1, value)) if abs(value - whole) >= 0.5 else whole


def _rounded(call: Call, round_to_integer: Callable[[float], int]) -> float:
    value = call.number(0)
    # The sign is kept, even that of zero: ceil(-0.5) is -0.0.
    return datum.number(math.copysign(float(round_to_integer(value)), value) if value else value)


# -- bits


def _bits(call: Call, index: int) -> int:
    value = call.integer(index)
    if not -_BIT_LIMIT <= value < _BIT_LIMIT:
        raise logic(f"Integer too large: {value}")
    return value


def _bitwise(type: TermType, combine: Callable[[int, int], int]) -> None:
    def implementation(call: Call) -> int:
        result = _bits(call, 0)
        for index in range(1, call.count):
            result = combine(result, _bits(call, index))
        return result

    term(type, 1, MANY)(implementation)


_bitwise(TermType.BIT_AND, operator.and_)
_bitwise(TermType.BIT_OR, operator.or_)
_bitwise(TermType.BIT_XOR, operator.xor)


@term(TermType.BIT_NOT, 1)
def bit_not(call: Call) -> int:
    return ~_bits(call, 0)


@term(TermType.BIT_SAL, 2)
def bit_sal(call: Call) -> float:
    """Shifts to the left: multiplies the number by a power of two."""
    value, distance = _bits(call, 0), _distance(call)
    if value == 0:
        return 0
    if distance >= _LARGEST_SHIFT:
        return datum.number(math.inf)  # raises, as a real server does
    return datum.number(value << distance)


@term(TermType.BIT_SAR, 2)
def bit_sar(call: Call) -> int:
    """Shifts to the right. The sign is kept."""
    value, distance = _bits(call, 0), _distance(call)
    return value >> min(distance, 64)


def _distance(call: Call) -> int:
    distance = call.integer(1)
    if distance < 0:
        raise logic("Cannot bit-shift by a negative value")
    return distance
