"""`r` of a loop's module: the loop type is chosen for it alone."""

from __future__ import annotations

from importlib import import_module

import pytest

import rethinkdb
from rethinkdb import loops


@pytest.mark.parametrize("name", loops.BUILT_IN)
def test_r_of_a_loop_has_that_loop_type(name: str) -> None:
    home = import_module(f"rethinkdb.loops.{name}")
    assert home.r is home.r
    assert home.r.connection_type is home.Connection
    assert home.r.ConnectionPool is home.ConnectionPool
    assert home.r is not rethinkdb.r
    with pytest.raises(AttributeError, match="no attribute"):
        _ = home.q
