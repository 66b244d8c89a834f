"""Answers of a real server 2.4.4, recorded query by query, against those of the embedded server."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rethinkdb.embedded import Server

from .support import SHARED, embedded_only

FLOOR = 0.99
"""The share of answers that must match.

The others differ in last digits of geometry, and in which rows an unordered table gives first.
"""

SLOW = ("timeout.yaml",)
"""Files that wait for timeouts of JavaScript and HTTP."""

CONFORMANCE = SHARED / "conformance"
RUNNER = CONFORMANCE / "polyglot.py"
RECORDING = CONFORMANCE / "recorded" / "rethinkdb-2.4.4.jsonl.gz"

pytestmark = [
    embedded_only,
    pytest.mark.skipif(not RUNNER.exists(), reason="the recorded answers are not here"),
]


def replay(port: int, report: Path) -> dict[str, Any]:
    python = shutil.which("python3.11") or shutil.which("python3") or "python3"
    command = [
        *(python, str(RUNNER), "--replay", str(RECORDING), "--port", str(port)),
        *("--jobs", "1", "--report", str(report), "--only", *_files()),
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    # A status of 1 only says that there are differences.
    run = subprocess.run(
        command, cwd=CONFORMANCE, env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def _files() -> list[str]:
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        entries = (json.loads(line) for line in lines)
        return [
            entry["file"] for entry in entries if "needs" in entry and entry["file"] not in SLOW
        ]


@pytest.mark.timeout(300)
def test_recorded_answers(tmp_path: Path) -> None:
    with Server() as server:
        found = replay(server.port, tmp_path / "report.json")
    summary = found["summary"]
    assert summary["trouble"] == []
    assert summary["cases"] > 2000
    differing = [f"{case['file']}#{case['index']}" for case in found["mismatches"]]
    assert summary["matched"] >= FLOOR * summary["cases"], differing
