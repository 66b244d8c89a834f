"""What to tell when the official `rethinkdb` package is installed in this package's directory.

Both are imported as `rethinkdb`, so both put their files there, and whichever comes last overwrites
files of the other. Neither pip nor `pip check` says anything. Two modules notice it:

- `rethinkdb/__init__.py` looks for a file that the other package has left. The driver works then.
- `rethinkdb/net/__init__.py` looks whether `rethinkdb/__init__.py` is this package's. If it is not,
  half of the driver is gone; `net` is the first of what remains that the other package imports.

This module is imported only when there is something to tell. It uses nothing else of the package,
as that may be overwritten.
"""

from __future__ import annotations

import sys
import warnings
from typing import NoReturn

__all__ = ["refuse", "warn"]

_MEND = """\
Remove both, then install one of them again:

    {python} -m pip uninstall --yes rethinkdb rethinkdb-loops
    {python} -m pip install rethinkdb-loops

(with the extras you use, as in 'rethinkdb-loops[tornado]'). If a library of yours requires
`rethinkdb`, pip brings the official package back with it, unless the shim of that name is there:
see "Migrating from the official package" in the documentation."""


def refuse(directory: str) -> NoReturn:
    """Says that the official package has overwritten this one.

    Args:
        directory: where both are.

    Raises:
        ImportError: always.
    """
    raise ImportError(
        "The official `rethinkdb` package was installed over rethinkdb-loops. Both have files in "
        f"{directory}, and some of rethinkdb-loops are overwritten or gone. {_mend()}"
    )


def warn(directory: str) -> None:
    """Warns that files of the official package are left beside this one's.

    Args:
        directory: where both are.
    """
    text = (
        f"The official `rethinkdb` package is in the directory of rethinkdb-loops, {directory}. "
        "The driver works until pip upgrades or removes one of the two, and with it files of the "
        f"other. {_mend()}"
    )
    warnings.warn(text, RuntimeWarning, stacklevel=3)  # where `rethinkdb` is imported


def _mend() -> str:
    return _MEND.format(python=sys.executable)
