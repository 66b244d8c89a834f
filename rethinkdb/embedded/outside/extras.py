"""Imports optional libraries, which only some terms need, at their first use."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from rethinkdb.embedded.failures import FailureKind, QueryFailure


def needed(module: str, distribution: str, purpose: str) -> ModuleType:
    """The module. If it is not installed, the query fails, and the error says what to install.

    Args:
        module: the name to import.
        distribution: the name under which it is installed.
        purpose: what needs it, for the message.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(distribution, purpose) from error


def available(module: str) -> ModuleType | None:
    """The module. None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def folder_of(module: str, distribution: str, purpose: str) -> str:
    """The folder of the module, which is not imported. Fails as `needed` does."""
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:  # it stands in `sys.modules` without saying where it is from
        spec = None
    if spec is None or spec.origin is None:
        raise _missing(distribution, purpose)
    path = Path(spec.origin)
    return str(path.parents[1] if path.name == "__init__.py" else path.parent)


def _missing(distribution: str, purpose: str) -> QueryFailure:
    return QueryFailure(
        FailureKind.INTERNAL,
        f"The embedded server needs {distribution} for {purpose}."
        "  Install it with: pip install 'rethinkdb-loops[embedded]'",
    )
