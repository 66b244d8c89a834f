"""Files and directories that get their final name only when they are complete."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from rethinkdb.tools.failures import ToolError

__all__ = ["new_directory", "new_file", "pending", "remove_pending"]

_NO_ROOM = {getattr(errno, name, 0) for name in ("ENOSPC", "EFBIG", "EDQUOT", "EIO")}

pending: set[Path] = set()
"""Temporary paths that are being written now. They are removed if the process is ended."""


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Opens a new file for a block. It gets its name if the block succeeds, else it is deleted.

    Args:
        path: the name of the file.
        overwrite: whether it may replace an existing file. Until the end, the old file stays.

    Raises:
        ToolError: the file exists.
    """
    if path.is_dir():
        raise ToolError(f"{path} is a directory, and no file", status=2)
    if not overwrite and os.path.lexists(path):
        raise ToolError(f"{path} exists already (see --overwrite-file)", status=2)
    if path.exists() and not path.is_file():  # a device, or a named pipe: it must stay one
        with path.open("wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))  # replace the target of a link, not the link
    _check_parent(path)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    pending.add(partial)
    try:
        with os.fdopen(descriptor, "w+b") as file, _naming(path):
            yield file
            file.flush()
            os.fsync(file.fileno())
        _let_others_read(partial)
        _rename(partial, path, overwrite=overwrite)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
        pending.discard(partial)


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise ToolError(f"the directory {path.parent} does not exist", status=2)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Adds the name of the file to errors that there is no room for it."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise


def _rename(partial: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(path):
        raise ToolError(f"{path} came into being meanwhile, and is left as it is")
    partial.replace(path)


def _let_others_read(path: Path) -> None:
    """Sets the usual permissions of a new file. Temporary files have fewer."""
    if sys.platform == "win32":
        return
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Creates a directory for a block. It gets its name if the block succeeds, else it is deleted.

    Args:
        path: the name of the directory.

    Returns:
        The temporary path.

    Raises:
        ToolError: the path exists.
    """
    path = Path(os.path.abspath(path))
    if os.path.lexists(path):
        raise ToolError(f"{path} exists already: export to a new directory", status=2)
    _check_parent(path)
    partial = Path(tempfile.mkdtemp(prefix=f"{path.name}_partial_", dir=path.parent))
    pending.add(partial)
    try:
        with _naming(path):
            yield partial
        if sys.platform != "win32":
            mask = os.umask(0)
            os.umask(mask)
            partial.chmod(0o777 & ~mask)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        pending.discard(partial)


def remove_pending(*_: Any) -> None:
    """Removes all unfinished files and directories, when the process is ended."""
    for path in list(pending):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
