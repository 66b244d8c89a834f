"""The significant digits of a number, by Loitsch's algorithm Grisu2, as a real server finds them.

They always give the number again. But one number of a few hundred could do with a digit less, and
of those with all 17 digits, one in five has a last digit that is not the nearest:
3874968.2818460297 becomes 3874968.2818460299.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

_WORD = 2**64
_HIDDEN_BIT = 2**52
_POWERS_OF_TEN = tuple(10**n for n in range(10))


class _Float(NamedTuple):
    """A number of 64 binary digits, and the power of two to multiply them with."""

    digits: int
    exponent: int

    def normalized(self) -> _Float:
        shift = 64 - self.digits.bit_length()
        return _Float(self.digits << shift, self.exponent - shift)

    def times(self, other: _Float) -> _Float:
        product = (self.digits * other.digits + _WORD // 2) // _WORD
        return _Float(product, self.exponent + other.exponent + 64)


def significant_digits(value: float) -> tuple[str, int]:
    """The digits of a positive number, and the power of ten to multiply them with."""
    number, low, high = _with_neighbours(value)
    scale, power = _scale(high.exponent)
    middle, upper, lower = number.normalized().times(scale), high.times(scale), low.times(scale)
    room = (upper.digits - 1) - (lower.digits + 1)
    found, more = _generated(middle.digits, upper.digits - 1, -upper.exponent, room)
    return str(found), power + more


def _with_neighbours(value: float) -> tuple[_Float, _Float, _Float]:
    """The number, and how far it may be from it up and down and still be read as the same."""
    fraction, exponent = math.frexp(value)
    number = _Float(int(fraction * 2**53), exponent - 53)
    if exponent < -1021:  # so small that there are fewer digits
        shift = -1021 - exponent
        number = _Float(number.digits >> shift, -1074)
    digits, exponent = number
    high = _Float(2 * digits + 1, exponent - 1).normalized()
    if digits == _HIDDEN_BIT:
        low = _Float(4 * digits - 1, exponent - 2)
    else:
        low = _Float(2 * digits - 1, exponent - 1)
    low = _Float(low.digits << (low.exponent - high.exponent), high.exponent)
    return number, low, high


@cache
def _scale(exponent: int) -> tuple[_Float, int]:
    """A power of ten, by which numbers with this exponent come into reach, and its inverse."""
    step = math.ceil((-61 - exponent) * 0.30102999566398114 + 347) // 8 + 1
    power = 8 * step - 348
    numerator, denominator = (10**power, 1) if power >= 0 else (1, 10**-power)
    shift = 64 - numerator.bit_length() + denominator.bit_length()
    for places in (shift, shift - 1):
        twice = (numerator << (places + 1) if places >= 0 else numerator) // (
            denominator if places >= 0 else denominator << (-places - 1)
        )
        digits = (twice + 1) // 2
        if digits < _WORD:
            return _Float(digits, -places), -power
    raise AssertionError("one of the two fits")


def _generated(middle: int, upper: int, places: int, room: int) -> tuple[int, int]:
    """The fewest digits within the room below the upper bound, and the power of ten left over."""
    one = 1 << places
    away = upper - middle
    whole, rest = upper >> places, upper & (one - 1)
    found = 0
    for power in range(len(str(whole)) - 1, -1, -1):
        digit, whole = divmod(whole, _POWERS_OF_TEN[power])
        found = 10 * found + digit
        left = (whole << places) + rest
        if left <= room:
            return _nearer(found, room, left, _POWERS_OF_TEN[power] << places, away), power
    power = 0
    while True:
        rest, room = rest * 10, room * 10
        found = 10 * found + (rest >> places)
        rest &= one - 1
        power -= 1
        if rest < room:
            # A real server knows few powers of ten; beyond them it does not look for nearer digits.
            known = _POWERS_OF_TEN[-power] if -power < len(_POWERS_OF_TEN) else 0
            return _nearer(found, room, rest, one, away * known), power


def _nearer(found: int, room: int, left: int, step: int, away: int) -> int:
    """The last digit lowered as long as that brings the digits nearer to the number."""
    while (
        left < away
        and room - left >= step
        and (left + step < away or away - left > left + step - away)
    ):
        found -= 1
        left += step
    return found
