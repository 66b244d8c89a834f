"""Writes archives in one pass.

A tar archive states the size of a member before its content, but the size of a table is only known
after it has been read. The official package therefore writes all tables to temporary files first.
This module writes the header of a table uncompressed, in its own block of the compressed file. The
position of the header is then known, and the header is overwritten with the right size when the
table is complete. Readers see one gzip stream, as the official package needs it. Its checksum is
combined from the checksums of the pieces; see `checksums`.

Several tables are read at once, but only one of them writes at the end of the file. The compressed
data of the others stays in memory. If it gets too large, they wait for their turn at the end of the
file. In a file without seeking, such as a pipe, a table is written only after it is complete. Until
then, a table that is too large for memory is kept in an unnamed temporary file.
"""

from __future__ import annotations

import tarfile
import tempfile
import threading
from time import time
from typing import IO, Any

from rethinkdb.tools.checksums import Checksum
from rethinkdb.tools.segments import Segments

__all__ = ["ArchiveWriter", "Member"]

_BLOCK = tarfile.BLOCKSIZE
_MOST_IN_MEMORY = 4 * 1024 * 1024
_MOST_IN_MEMORY_OF_PIPE = 32 * 1024 * 1024
_MODE = 0o644


class ArchiveWriter:
    """Writes an archive. Members may be written by several threads at once.

    Args:
        file: where to write it.
        compression: "gzip", "zstd", or None.
        temp_dir: the directory for tables that are too big for memory, if the file cannot seek.
    """

    def __init__(
        self, file: IO[bytes], compression: str | None, temp_dir: str | None = None
    ) -> None:
        self._file = file
        self.segments = Segments.of(compression)
        self.temp_dir = temp_dir
        self._sums: list[Checksum] = []
        self.seekable = file.seekable()
        self.end = threading.Lock()
        self._now = int(time())
        file.write(self.segments.begin())

    def add(self, name: str, data: bytes) -> None:
        """Writes a small member."""
        with self.member(name) as member:
            member.write(data)

    def member(self, name: str) -> Member:
        """A member to write piece by piece, within a `with` block."""
        return Member(self, name)

    def close(self) -> None:
        """Ends the archive. The file stays open."""
        with self.end:
            last = bytes(2 * _BLOCK)
            self.write(self.segments.raw(last))
            self._sums.append(Checksum.of(last))
            self.write(self.segments.end(Checksum.joined(self._sums)))

    # -- for members

    def header(self, name: str, size: int) -> bytes:
        """The header of a member. Its length is the same for all sizes."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, self._now, _MODE
        return info.tobuf(tarfile.GNU_FORMAT)

    def sum_up(self, header: bytes, content: Checksum) -> None:
        """Adds the checksum of a complete member. The member still owns the end of the file."""
        self._sums += [Checksum.of(header), content]

    def write(self, data: bytes) -> None:
        """Writes at the end of the file. The calling member must own the end."""
        self._file.write(data)

    def patch(self, place: int, data: bytes) -> None:
        """Overwrites data at a position."""
        here = self._file.tell()
        self._file.seek(place)
        self._file.write(data)
        self._file.seek(here)

    def tell(self) -> int:
        """The position of the end of the file."""
        return self._file.tell()


class Member:
    """A member of an archive that is being written. Used within a `with` block.

    Attributes:
        size: how many bytes it has so far.
    """

    def __init__(self, archive: ArchiveWriter, name: str) -> None:
        self._archive = archive
        self._name = name
        self._compressor = archive.segments.compressor()
        self._sum = Checksum()
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._spool: Any = None
        self._begin: int | None = None  # where its header is, once it has the end of the file
        self.size = 0

    def write(self, data: bytes) -> None:
        """Writes the next piece. This may block until other members are complete."""
        self.size += len(data)
        self._sum.add(data)
        self._put(self._compressor.compress(data))

    def _put(self, data: bytes) -> None:
        if self._begin is not None:
            self._archive.write(data)
            return
        if self._spool is not None:
            self._spool.write(data)
            return
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._archive.seekable and self._waiting_size > _MOST_IN_MEMORY:
            self._take_end()
        elif self._waiting_size > _MOST_IN_MEMORY_OF_PIPE:
            self._begin_spool()

    def _take_end(self) -> None:
        self._archive.end.acquire()
        self._begin = self._archive.tell()
        self._archive.write(self._archive.segments.raw(self._archive.header(self._name, 0)))
        self._flush_waiting()

    def _begin_spool(self) -> None:
        self._spool = tempfile.TemporaryFile(dir=self._archive.temp_dir)  # noqa: SIM115
        self._spool.writelines(self._waiting)
        self._waiting.clear()

    def _flush_waiting(self) -> None:
        for data in self._waiting:
            self._archive.write(data)
        self._waiting.clear()

    def _complete(self) -> None:
        padding = bytes(-self.size % _BLOCK)
        self._sum.add(padding)
        self._put(self._compressor.compress(padding) + self._compressor.flush())
        header = self._archive.header(self._name, self.size)
        raw = self._archive.segments.raw(header)
        if self._begin is not None:
            self._archive.patch(self._begin, raw)
            self._archive.sum_up(header, self._sum)
            return
        with self._archive.end:
            self._archive.write(raw)
            self._archive.sum_up(header, self._sum)
            self._flush_waiting()
            if self._spool is not None:
                self._spool.seek(0)
                while data := self._spool.read(1 << 20):
                    self._archive.write(data)

    def __enter__(self) -> Member:
        return self

    def __exit__(self, kind: object, *exc_info: object) -> None:
        try:
            if kind is None:
                self._complete()
        finally:
            if self._begin is not None:
                self._archive.end.release()
            if self._spool is not None:
                self._spool.close()
