"""One compressed file that is put together of pieces: some as they are, some compressed. No I/O.

Each piece is compressed apart, so several threads can do it at once.
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
        """What comes first."""
        return b""

    def raw(self, data: bytes) -> bytes:
        """A piece of a few KB that stays as it is; its length depends on that of the data only."""
        return data

    def compressor(self) -> Compressor:
        """What compresses a piece."""
        return _Same()

    def end(self, content: Checksum) -> bytes:
        """What comes last.

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
    """Pieces of one stream: readers of archives need not know of streams joined end to end."""

    def begin(self) -> bytes:
        return _GZIP_HEAD

    def raw(self, data: bytes) -> bytes:
        return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data

    def compressor(self) -> Compressor:
        return _Piece()

    def end(self, content: Checksum) -> bytes:
        return _LAST_BLOCK + struct.pack("<II", content.crc, content.size & 0xFFFFFFFF)


class _Piece:
    """Compresses a piece that others follow."""

    def __init__(self) -> None:
        self._deflater: Any = deflater(RAW_WINDOW)

    def compress(self, data: bytes, /) -> bytes:
        compressed: bytes = self._deflater.compress(data)
        return compressed

    def flush(self) -> bytes:
        # To the end of a byte, where a block begins that is not the last one.
        compressed: bytes = self._deflater.flush(zlib.Z_FULL_FLUSH)
        return compressed


class _Zstd(Segments):
    """Each piece is a frame; readers know of these that there are several."""

    def __init__(self) -> None:
        zstd_compressor()  # so it is said at once if there is no library

    def raw(self, data: bytes) -> bytes:
        one_segment, last_raw_block = 0x60, 1
        frame = struct.pack("<BH", one_segment, len(data) - 256)
        block = struct.pack("<I", last_raw_block | len(data) << 3)[:3]
        return ZSTD_MAGIC + frame + block + data

    def compressor(self) -> Compressor:
        return zstd_compressor()
