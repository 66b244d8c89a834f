"""Sessions of pytest inside the one that runs these tests."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress

import pytest

import rethinkdb


@pytest.fixture(scope="session", autouse=True)
def _everything_is_loaded() -> None:
    """A session inside takes the modules it has loaded away when it ends. Were it only a part of
    this package, two copies of the rest would meet.
    """
    for module in pkgutil.walk_packages(rethinkdb.__path__, "rethinkdb."):
        # The demos of the command line choose a loop.
        if not module.name.startswith("rethinkdb.cli.") and not module.name.endswith("__main__"):
            with suppress(ImportError):  # a library that is not installed
                importlib.import_module(module.name)
