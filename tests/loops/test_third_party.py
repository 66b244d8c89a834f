"""A loop from another package: installed, found by its name, and as good as the built-in ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rethinkdb.loops.transport.wired import WiredConnection
from rethinkdb.net.waiter import Waiter

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "loop-anyio"


@pytest.mark.timeout(300)
def test_the_example_passes_the_conformance_suite(tmp_path: Path) -> None:
    pytest.importorskip("anyio")
    pytest.importorskip("hatchling")
    run("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--disable-pip-version-check", "--target", str(tmp_path), str(EXAMPLE))  # fmt: skip
    config = str(ROOT / "pyproject.toml")
    run("pytest", "-c", config, "-n0", "-q", str(EXAMPLE / "tests"), PYTHONPATH=str(tmp_path))


def run(*command: str, **environment: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]


def test_a_close_that_an_adapter_inherits_ends_a_reconnect() -> None:
    class Plain(WiredConnection[Any]):
        def _init_loop(self) -> None:
            """No options."""

        def _call(
            self, operation: Callable[..., Waiter[Any]], *args: Any, timeout: float | None = None
        ) -> Any:
            return self._outcome(self._begin(operation, args))

    conn = Plain()
    with conn._reconnecting() as under_way:
        conn._closed(noreply_wait=True)
        assert not under_way.closed
        conn.close()
        assert under_way.closed
