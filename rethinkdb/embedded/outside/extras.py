"""Libraries that only some terms need, imported when first used."""

from __future__ import annotations

import importlib
from types import ModuleType

from rethinkdb.embedded.failures import FailureKind, QueryFailure


def needed(module: str, distribution: str, purpose: str) -> ModuleType:
    """The module; a query that needs one that is not installed fails with what to install.

    Args:
        module: the name to import.
        distribution: the name under which it is installed.
        purpose: what needs it, for the message.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise QueryFailure(
            FailureKind.INTERNAL,
            f"The embedded server needs {distribution} for {purpose}."
            "  Install it with: pip install 'rethinkdb-loops[embedded]'",
        ) from error
