"""Builds one compressed file from pieces. Some pieces are compressed, and some are not. No I/O.

Each piece is compressed separately, so several threads can do it at once.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from rethinkdb.tools.checksums import Checksum
from rethinkdb.tools.compression import (
    RAW_WINDOW,
    ZSTD_MAGIC,
    Compressor,
    deflater,
    zstd_compressor,
)

__all__ = ["Segments"]

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = struct.pack("<BHH", 1, 0, 0xFFFF)  # of deflate, with nothing in it


class Segments:
    """Pieces that are not compressed at all."""

    @staticmethod
    def of(compression: str | None) -> Segments:
        """For "gzip", "zstd" or None."""
        kinds = {"gzip": _Gzip, "zstd": _Zstd}
        return kinds[compression]() if compression is not None else Segments()

    def begin(self) -> bytes:
        """The beginning of the file."""
        return b""

    def raw(self, data: bytes) -> bytes:
        """An uncompressed piece of a few KB. Its length depends only on the length of the data."""
        return data

    def compressor(self) -> Compressor:
        """A compressor for a piece."""
        return _Same()

    def end(self, content: Checksum) -> bytes:
        """The end of the file.

        Args:
            content: the checksum of all pieces, before they were compressed.
        """
        return b""


class _Same:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _Gzip(Segments):
    """Pieces of one gzip stream, so that readers need not support several streams in a file."""

    def begin(self) -> bytes:
        return _GZIP_HEAD

    def raw(self, data: bytes) -> bytes:
        return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data

    def compressor(self) -> Compressor:
        return _Piece()

    def end(self, content: Checksum) -> bytes:
        return _LAST_BLOCK + struct.pack("<II", content.crc, content.size & 0xFFFFFFFF)


class _Piece:
    """Compresses a piece that is not the last one."""

    def __init__(self) -> None:
        self._deflater: Any = deflater(RAW_WINDOW)

    def compress(self, data: bytes, /) -> bytes:
        compressed: bytes = self._deflater.compress(data)
        return compressed

    def flush(self) -> bytes:
        # Ends at a whole byte, so that a further block can follow.
        compressed: bytes = self._deflater.flush(zlib.Z_FULL_FLUSH)
        return compressed


class _Zstd(Segments):
    """Each piece is a frame. Readers of Zstandard support several frames."""

    def __init__(self) -> None:
        zstd_compressor()  # raises at once if there is no library

    def raw(self, data: bytes) -> bytes:
        one_segment, last_raw_block = 0x60, 1
        frame = struct.pack("<BH", one_segment, len(data) - 256)
        block = struct.pack("<I", last_raw_block | len(data) << 3)[:3]
        return ZSTD_MAGIC + frame + block + data

    def compressor(self) -> Compressor:
        return zstd_compressor()
