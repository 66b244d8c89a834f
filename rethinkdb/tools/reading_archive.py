"""Reads archives member by member, in one pass."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from rethinkdb.tools.compression import damage, decompressed
from rethinkdb.tools.failures import ToolError
from rethinkdb.tools.layout import DataFile, in_archive

__all__ = ["ArchiveMember", "explained", "members"]

_BLOCK = 1 << 20
_END = bytes(tarfile.BLOCKSIZE)


class ArchiveMember(NamedTuple):
    """A file of an archive.

    Attributes:
        name: its path in the archive.
        file: what it is.
        size: its bytes.
        read: reads as many bytes as it is told, fewer only at the end.
    """

    name: str
    file: DataFile
    size: int
    read: Callable[[int], bytes]


def members(file: IO[bytes], name: str) -> Iterator[ArchiveMember]:
    """The files of an archive that belong to tables, in its order. Read each before the next one.

    Args:
        file: the archive, of any compression; it need not be able to go back.
        name: what errors call it.

    Raises:
        ToolError: it is no such archive, is damaged or ends too early; or it has a path that leads
            out of it, or two directories at its top.
    """
    with explained(name):
        content, _ = decompressed(file)
        tail = _Tail(content)
        tops: set[str] = set()
        with tarfile.open(fileobj=tail, mode="r|", bufsize=_BLOCK) as archive:  # type: ignore[call-overload]
            for info in archive:
                found = in_archive(info.name)
                if not info.isfile() or found is None:
                    continue
                tops.add(info.name.split("/", 1)[0])
                if len(tops) > 1:
                    raise ToolError(
                        f"{name} has two directories at its top, {' and '.join(sorted(tops))}: "
                        "no dump has"
                    )
                yield _member(archive, info, found, name)
        tail.check(name)
        if not tops:
            raise ToolError(f"{name} has no tables")


def _member(archive: Any, info: tarfile.TarInfo, found: DataFile, name: str) -> ArchiveMember:
    content = archive.extractfile(info)
    left = info.size

    def read(size: int) -> bytes:
        nonlocal left
        with explained(name):
            data: bytes = content.read(min(size, left))
            if not data and left:
                raise ToolError(f"{name} ends too early, in the midst of {info.name}")
            left -= len(data)
            return data

    return ArchiveMember(info.name, found, info.size, read)


class _Tail:
    """A file that remembers what it has read last: archives end with blocks of zeros."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._last = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if data:
            self._last = (self._last + data[-tarfile.BLOCKSIZE :])[-tarfile.BLOCKSIZE :]
        return data

    def check(self, name: str) -> None:
        """Raises `ToolError` unless it has come to the end of an archive."""
        while self.read(_BLOCK):  # to the end of the compressed file, and of its checksum
            pass
        if self._last != _END:
            raise ToolError(f"{name} ends too early: perhaps it was copied only in part")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Makes of what tar and compressions raise a `ToolError` that says what is wrong."""
    try:
        yield
    except (ToolError, GeneratorExit):
        raise
    except tarfile.TarError as error:
        raise ToolError(f"{name} is no archive, or is damaged: {error}") from error
    except Exception as error:
        told = damage(error)
        if told is None:
            raise
        raise ToolError(f"{name} cannot be read: {told}") from error
