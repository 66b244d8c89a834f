"""Files and directories that have their final name only when they are complete."""

from __future__ import annotations

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

pending: set[Path] = set()
"""What is being written now, by names of its own: to be removed if the process is ended."""


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """A file to write. It gets its name when the block ends well; otherwise it is gone.

    Args:
        path: the name that it gets.
        overwrite: whether there may be a file of that name. It stays as it is until then.

    Raises:
        ToolError: there is one.
    """
    if not overwrite and os.path.lexists(path):
        raise ToolError(f"{path} exists already (see --overwrite-file)", status=2)
    if path.exists() and not path.is_file():  # a device, or a named pipe: it must stay one
        with path.open("wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    pending.add(partial)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _let_others_read(partial)
        _rename(partial, path, overwrite=overwrite)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
        pending.discard(partial)


def _rename(partial: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(path):
        raise ToolError(f"{path} came into being meanwhile, and is left as it is")
    partial.replace(path)


def _let_others_read(path: Path) -> None:
    """The permissions that any new file has: those made under a temporary name have fewer."""
    if sys.platform == "win32":
        return
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A directory to write to. It gets its name when the block ends well; otherwise it is gone.

    Args:
        path: the name that it gets.

    Returns:
        Where it is meanwhile.

    Raises:
        ToolError: there is something of that name.
    """
    path = Path(os.path.abspath(path))
    if os.path.lexists(path):
        raise ToolError(f"{path} exists already: export to a new directory", status=2)
    partial = Path(tempfile.mkdtemp(prefix=f"{path.name}_partial_", dir=path.parent))
    pending.add(partial)
    try:
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
    """Removes what is being written: for a process that is being ended."""
    for path in list(pending):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
