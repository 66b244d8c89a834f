"""Combines the CRC-32 checksums of pieces into that of the whole data, for gzip.

A CRC is the remainder of a division of polynomials. The CRC of two pieces, end to end, therefore
follows from their CRCs and the length of the second piece. Here a polynomial over GF(2) is a
number. As in gzip, the highest of its 32 bits is the coefficient of x**0.
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
        crc: the CRC, as `zlib.crc32` gives it.
        size: the number of bytes.
    """

    def __init__(self, crc: int = 0, size: int = 0) -> None:
        self.crc = crc
        self.size = size

    @classmethod
    def of(cls, data: bytes) -> Checksum:
        """The checksum of some data."""
        return cls(zlib.crc32(data), len(data))

    def add(self, data: bytes) -> None:
        """Adds data at the end."""
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)

    @classmethod
    def joined(cls, pieces: Iterable[Checksum]) -> Checksum:
        """The checksum of pieces, end to end."""
        whole = cls()
        for piece in pieces:
            shifted = _product(whole.crc, _power_of_x(8 * piece.size))
            whole = cls(shifted ^ piece.crc, whole.size + piece.size)
        return whole


def _product(one: int, other: int) -> int:
    """The product of two polynomials, modulo the divisor."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (_DIVISOR if other & 1 else 0)
    return product


@lru_cache(maxsize=1024)  # headers, for instance, are all of one length
def _power_of_x(exponent: int) -> int:
    """x**exponent, modulo the divisor."""
    power, square = _ONE, _X
    while exponent:
        if exponent & 1:
            power = _product(power, square)
        square = _product(square, square)
        exponent >>= 1
    return power
