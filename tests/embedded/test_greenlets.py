"""The server in a process patched by gevent: its threads are greenlets beside the program's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gevent")

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
from gevent import monkey

monkey.patch_all()

import gevent

from rethinkdb.embedded import Server
from rethinkdb.loops.gevent import r

numbers, endless = r.table("numbers"), r.range(10**12)
with Server() as server, r.connect(server.host, server.port) as conn:
    r.table_create("numbers").run(conn)
    numbers.insert(r.range(100).map({"id": r.row})).run(conn)
    for query in (
        endless.count(),
        endless.filter(False),
        numbers.concat_map(lambda one: endless).max(),
        endless.for_each(numbers.update({"n": 1})),
    ):
        try:
            query.run(conn, deadline=0.1)
        except r.ReqlTimeoutError:
            print("deadline")
        with gevent.Timeout(0.1, False):
            query.run(conn)
        print(numbers.count().run(conn))
    gevent.spawn(query.run, conn, noreply=True).join()
print("stopped")
"""


def test_the_program_goes_on_beside_a_query_that_does_not_end() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "RETHINKDB_URL": ""},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert result.stdout.split() == ["deadline", "100"] * 4 + ["stopped"], result.stderr
