"""Terms can be pickled and copied, whatever they are."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
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


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_name_the_public_module_only(protocol: int) -> None:
    for query in QUERIES:
        pickled = pickle.dumps(query, protocol)
        assert b"rethinkdb.ast" in pickled
        assert b"rethinkdb.reql" not in pickled


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_process_that_has_made_no_class_yet_unpickles_all(protocol: int, tmp_path: Path) -> None:
    pickles = [pickle.dumps(query, protocol) for query in QUERIES]
    (tmp_path / "pickles").write_bytes(pickle.dumps(pickles))
    code = (
        "import pickle, sys\n"
        "for pickled in pickle.load(open(sys.argv[1], 'rb')): print(pickle.loads(pickled))"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "pickles")]
    done = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [str(query) for query in QUERIES]


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copy(copier: Any) -> None:
    for query in QUERIES:
        same(copier(query), query)


def same(twin: Any, query: Any) -> None:
    assert type(twin) is type(query)
    assert twin.build() == query.build()
    assert str(twin) == str(query)
