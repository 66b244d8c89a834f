"""Warnings that point to the program's own line, however deep in this package they are given."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import FrameType

__all__ = ["warn_program"]

_PACKAGE = str(Path(__file__).parent)


def warn_program(text: str, category: type[Warning]) -> None:
    """Warn, at the innermost line that is not in this package.

    Args:
        text: the warning.
        category: its class.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
