"""The gevent driver, in processes of their own: patching a process is for good.

The cases in `gevent_cases.py` run twice, with and without monkey patching; to run them by hand:
`RETHINKDB_TEST_PATCHED=no python -m pytest -n0 tests/loops/gevent_cases.py`. Those of signal
handlers that raise errors are in `gevent_strikes.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gevent")

ROOT = Path(__file__).resolve().parents[2]

PYTEST = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
PATCH = {"no": "", "yes": "from gevent import monkey; monkey.patch_all(); "}


@pytest.mark.parametrize("patched", PATCH)
def test_gevent(patched: str) -> None:
    run("tests/loops/gevent_cases.py", patched)


def test_signal_handlers() -> None:
    run("tests/loops/gevent_strikes.py", "no")


def run(cases: str, patched: str) -> None:
    """Run tests in a process of their own."""
    result = subprocess.run(
        [sys.executable, "-c", PATCH[patched] + PYTEST, "-n0", "-q", cases],
        cwd=ROOT,
        env={**os.environ, "RETHINKDB_TEST_PATCHED": patched},
        capture_output=True,
        text=True,
        timeout=None if os.environ.get("STRIKES") == "all" else 55,
    )
    assert result.returncode == 0, result.stdout + result.stderr
