"""Terms can be pickled and copied, whatever they are."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from rethinkdb import r

from .test_commands import CASES

QUERIES = [case[0] for case in CASES] + [
    r.expr(1) & 2,
    r.expr(1) | 2,
    r.expr([1])[1:],
    r.table("t").filter(r.row["a"] == 1),
    r.expr({"a": [b"x", r.now(), 1]}),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    for query in QUERIES:
        same(pickle.loads(pickle.dumps(query, protocol)), query)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copy(copier: Any) -> None:
    for query in QUERIES:
        same(copier(query), query)


def same(twin: Any, query: Any) -> None:
    assert type(twin) is type(query)
    assert twin.build() == query.build()
    assert str(twin) == str(query)
