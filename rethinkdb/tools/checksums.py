"""CRC-32 of data that is known in pieces: gzip's checksum, put together of those of the pieces.

A CRC is what is left of a polynomial when it is divided by another one. So that of two pieces, end
to end, follows from theirs and the length of the second one. Polynomials over GF(2) are numbers
here, the coefficient of x**0 being the highest of 32 bits, as gzip has them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["Checksum"]

_DIVISOR = 0xEDB88320
_ONE = 1 << 31
_X = 1 << 30


class Checksum:
    """The CRC-32 of data, and its length.

    Attributes:
        crc: as `zlib.crc32` gives it.
        size: how many bytes.
    """

    def __init__(self, crc: int = 0, size: int = 0) -> None:
        self.crc = crc
        self.size = size

    @classmethod
    def of(cls, data: bytes) -> Checksum:
        """That of some data."""
        return cls(zlib.crc32(data), len(data))

    def add(self, data: bytes) -> None:
        """More data follows."""
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)

    @classmethod
    def joined(cls, pieces: Iterable[Checksum]) -> Checksum:
        """That of pieces, end to end."""
        whole = cls()
        for piece in pieces:
            shifted = _product(whole.crc, _power_of_x(8 * piece.size))
            whole = cls(shifted ^ piece.crc, whole.size + piece.size)
        return whole


def _product(one: int, other: int) -> int:
    """The product of two polynomials, divided by the divisor: what is left."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (_DIVISOR if other & 1 else 0)
    return product


@lru_cache(maxsize=1024)  # headers, for instance, are all of one length
def _power_of_x(exponent: int) -> int:
    """x**exponent, divided by the divisor: what is left."""
    power, square = _ONE, _X
    while exponent:
        if exponent & 1:
            power = _product(power, square)
        square = _product(square, square)
        exponent >>= 1
    return power
