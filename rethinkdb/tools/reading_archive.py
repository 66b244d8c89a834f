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
        name: the path in the archive.
        file: the table and the kind of the file.
        size: the size in bytes.
        read: a function that reads the given number of bytes; fewer only at the end.
    """

    name: str
    file: DataFile
    size: int
    read: Callable[[int], bytes]


def members(file: IO[bytes], name: str) -> Iterator[ArchiveMember]:
    """The files of an archive that belong to tables, in order. Read each before the next one.

    Args:
        file: the archive, with any compression. It need not be seekable.
        name: the name of the archive in errors.

    Raises:
        ToolError: it is no such archive, or is damaged or incomplete. Or a path leads out of the
            archive, or there are two top directories.
    """
    with explained(name):
        content, _ = decompressed(file)
        tail = _Tail(content)
        tops: set[str] = set()
        # A stream of tarfile only needs `read`; the types ask for a whole file.
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
    """A file that remembers its last bytes, to check that an archive ends with zero blocks."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._last = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if data:
            self._last = (self._last + data[-tarfile.BLOCKSIZE :])[-tarfile.BLOCKSIZE :]
        return data

    def check(self, name: str) -> None:
        """Raises `ToolError` unless the file ends as a complete archive does."""
        while self.read(_BLOCK):  # to the end of the compressed file, and of its checksum
            pass
        if self._last != _END:
            raise ToolError(f"{name} ends too early: perhaps it was copied only in part")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns errors of tar and of the compression libraries into a `ToolError`."""
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
