"""T11, the end of the loop: open handles hear of it, and the server too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rethinkdb.testing.conformance.trial import ServerAddress
from tests.trying import installed

from .ending import LOOPS

ROOT = Path(__file__).resolve().parents[2]

# Of a pool whose nursery is cancelled under it.
LOGGED = "pool: the connection to 127.0.0.1:"

LOST = "ReqlCursorLostError Connection is closed"


@pytest.mark.parametrize("case", LOOPS)
def test_the_loop_ends_with_an_open_feed(case: str, server: ServerAddress) -> None:
    installed(case.partition("-")[0])
    command = [sys.executable, "-W", "error", "-m", "tests.push.ending", case]
    done = subprocess.run(
        [*command, server.host, str(server.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stdout.splitlines() == ["open", LOST, "closed"], done.stderr
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if not line.startswith(LOGGED)] == []
