"""Compressed files: gzip, and Zstandard where a library for it is installed.

For gzip, the library isal needs a fifth of zlib's time. It is used if it is installed.
`pip install 'rethinkdb-loops[tools]'` installs libraries for both.
"""

from __future__ import annotations

import io
import zlib
from importlib import import_module
from typing import IO, Any, Protocol

from rethinkdb.tools.failures import ToolError

__all__ = [
    "GZIP_WINDOW",
    "RAW_WINDOW",
    "ZSTD_MAGIC",
    "Compressor",
    "compressor",
    "decompressed",
    "deflater",
    "zstd_compressor",
]

_ZLIB_LEVEL = 4  # 0.22 s for 27 MB of rows, where 6 takes 0.40 s for files 9 % smaller
GZIP_WINDOW = 31
"""zlib's number for the largest window, in a gzip wrapper."""

RAW_WINDOW = -15
"""zlib's number for the largest window, without a wrapper."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 20
# What is decompressed at a time. Four bytes may become 128 KiB, so more would need much memory.
_PIECE = 1 << 12

_MAGIC = {
    b"\x1f\x8b": "gzip",
    ZSTD_MAGIC: "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
}

# The first part of the module that a library says its exceptions are from.
_LIBRARIES = {"zlib", "isal", "igzip_lib", "_lzma", "lzma", "zstandard", "zstd", "compression"}


class Compressor(Protocol):
    """Compresses a stream piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """The next compressed bytes, possibly none yet."""

    def flush(self) -> bytes:
        """The last compressed bytes."""


class _Plain:
    """Compresses nothing."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def compressor(compression: str | None) -> Compressor:
    """A compressor for a file.

    Args:
        compression: "gzip", "zstd", or None.

    Raises:
        ToolError: no library for this compression is installed.
    """
    if compression is None:
        return _Plain()
    return deflater(GZIP_WINDOW) if compression == "gzip" else zstd_compressor()


def deflater(window: int) -> Any:
    """The fastest installed compressor for zlib's format.

    Args:
        window: `GZIP_WINDOW` for a gzip file, `RAW_WINDOW` for a piece of one.
    """
    isal = _library("isal.isal_zlib")
    if isal is not None:
        return isal.compressobj(isal.ISAL_DEFAULT_COMPRESSION, wbits=window)
    return zlib.compressobj(_ZLIB_LEVEL, wbits=window)


def zstd_compressor() -> Compressor:
    """A compressor for Zstandard. What it makes ends with a checksum of the data."""
    library = zstd_library()
    # With a checksum, as the command `zstd` writes: without it a changed byte often goes unseen.
    if hasattr(library, "ZstdFile"):  # the standard library's
        checked = {library.CompressionParameter.checksum_flag: 1}
        made: Compressor = library.ZstdCompressor(options=checked)
    else:
        made = library.ZstdCompressor(write_checksum=True).compressobj()
    return made


def zstd_library() -> Any:
    """The library for Zstandard.

    Raises:
        ToolError: none is installed.
    """
    found = _library("compression.zstd") or _library("zstandard")
    if found is None:
        raise ToolError(
            "zstandard is not installed. Install what compressing so needs: "
            "pip install 'rethinkdb-loops[tools]'"
        )
    return found


def decompressed(file: IO[bytes]) -> tuple[IO[bytes], str | None]:
    """Decompresses a file. The compression is found by the first bytes.

    Args:
        file: a file that is open for reading. It need not be seekable.

    Returns:
        A file with the decompressed data, and the name of the compression or None.
    """
    buffered = (
        file if isinstance(file, io.BufferedReader) else io.BufferedReader(_Raw(file), _BLOCK)
    )
    head = buffered.peek(6)[:6]
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    return _open(kind, buffered), kind


def _open(kind: str | None, file: io.BufferedReader) -> IO[bytes]:
    if kind == "gzip":
        library = _library("isal.igzip") or import_module("gzip")
        opened: Any = library.GzipFile(fileobj=file, mode="rb")
    elif kind == "zstd":
        library = zstd_library()
        if hasattr(library, "ZstdFile"):
            opened = library.ZstdFile(file)
        else:
            opened = io.BufferedReader(_ZstdFrames(file, library), _BLOCK)
    elif kind == "bz2":
        opened = import_module("bz2").BZ2File(file)
    elif kind == "xz":
        opened = import_module("lzma").LZMAFile(file)
    else:
        return file
    stream: IO[bytes] = opened
    return stream


def damage(error: Exception) -> str | None:
    """The text for an error that comes from a damaged compressed file; None for other errors."""
    if isinstance(error, EOFError):
        return "it ends too early: perhaps it was copied only in part"
    # gzip and bz2 raise an OSError of their own making; one of the system has a number.
    of_format = isinstance(error, OSError) and error.errno is None
    if of_format or type(error).__module__.partition(".")[0] in _LIBRARIES:
        return f"its compression is damaged ({error})"
    return None


class _Raw(io.RawIOBase):
    """Lets a file of any kind be buffered."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _ZstdFrames(io.RawIOBase):
    """Decompresses a file of Zstandard frames.

    The reader of the package zstandard takes a last frame that was cut off for a complete one, and
    never misses its checksum.
    """

    def __init__(self, file: IO[bytes], library: Any) -> None:
        self._file = file
        self._new_frame = library.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._waiting = b""  # compressed, of the next frame
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._waiting or self._file.read(_PIECE)
            if not data:
                self._check_complete()
                return 0
            self._take(data)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _take(self, data: bytes) -> None:
        self._frame = self._frame or self._new_frame()
        self._ready = memoryview(self._frame.decompress(data))
        self._waiting = self._frame.unused_data
        if self._frame.eof:
            self._frame = None

    def _check_complete(self) -> None:
        if self._frame is not None:
            raise EOFError("the file ends within a frame")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
