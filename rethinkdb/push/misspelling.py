"""Warns of names that nothing will ever call, and that are probably misspelt."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

__all__ = ["warn_if_misspelt"]

_PACKAGE = str(Path(__file__).parents[1])

# A name of the program's own, such as "on_click", is rarely as similar as this to one of ours.
_SIMILAR = 0.75


def warn_if_misspelt(name: str, known: Iterable[str], what: str) -> None:
    """Warn of a name that is none of the known ones, but similar to one.

    Args:
        name: the name that the program has given.
        known: the names that have a meaning.
        what: what the name is to be called in the warning.
    """
    known = tuple(known)
    if name in known or type(name) is not str:
        return
    import difflib  # late, as few programs need it

    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_SIMILAR)
    if near:
        text = f"Nothing here calls {what} `{name}`. Did you mean `{near[0]}`?"
        warnings.warn(text, UserWarning, stacklevel=_level_of_program())


def _level_of_program() -> int:
    """The stack level, for the caller, of the first frame that is none of this package."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level
