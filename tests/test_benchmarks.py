"""The benchmark program: a tiny run of it, and what it makes of results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import charts, report
from benchmarks.running import ROOT, Runner, available_loops
from benchmarks.works import GROWTHS, WORKS

QUICK = ("import", "scan-for", "scan-for-dated", "get", "insert-batch", "memory")


def bench(*arguments: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", *arguments]
    where = os.environ.get("RETHINKDB_TEST_SERVER")
    if where:
        host, _, port = where.rpartition(":")
        command += ["--host", host, "--port", port]
    subprocess.run(command, cwd=ROOT, check=True, timeout=50, stdout=subprocess.DEVNULL)


def test_a_tiny_run_measures_limit_and_driver(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    given = ["--drivers", "limit", "ours", "--loops", "blocking", "--items", "200"]
    bench(*given, "--only", *QUICK, "--json", str(file))
    results = json.loads(file.read_text())
    rows = {row["work"]: row for row in results["works"]}
    assert list(rows) == list(QUICK)
    assert all(row["ours"] is not None for row in rows.values())
    assert rows["get"]["over_limit"] == pytest.approx(rows["get"]["ours"] / rows["get"]["limit"])
    assert rows["get"]["incumbent"] is None
    assert results["growth"] == []


@pytest.fixture
def runner() -> Runner:
    """Measured: the limit 1 µs an item, ours 2, the incumbent 6; nothing on twisted."""
    runner = Runner("localhost", 28015, {})
    seconds = {"limit": 1e-6, "ours": 2e-6, "incumbent": 6e-6}
    for work in WORKS.values():
        items = work.items(1000)
        for task in work.tasks(["blocking", "asyncio", "twisted"], items):
            if task.loop == "twisted":
                runner.notes[task] = "fails: it was not there"
                continue
            cost = seconds[task.driver] * items
            # The median is what counts, not the round that was disturbed.
            rounds = [{"items": items, "cpu": c, "wall": c, "peak": 9} for c in (cost, cost, 1)]
            runner.results[task] = rounds
    return runner


def results_of(runner: Runner) -> dict[str, Any]:
    loops = ["blocking", "asyncio", "twisted"]
    curve = {"name": "feeds", "title": "feeds", "sizes": [1, 10], "curves": {"limit": [1.0, None]}}
    return {
        "heading": report.heading("a server", 3, 1000),
        "works": report.work_rows(runner, [WORKS["scan-for"], WORKS["build"]], loops, 1000),
        "growth": [curve],
    }


def test_rows_hold_medians_and_ratios(runner: Runner) -> None:
    row = results_of(runner)["works"][0]
    assert (row["limit"], row["ours"], row["incumbent"]) == pytest.approx((1, 2, 6))
    assert (row["over_limit"], row["over_incumbent"]) == pytest.approx((2, 3))


def test_what_could_not_be_measured_is_said(runner: Runner) -> None:
    text = report.markdown(results_of(runner))
    assert "scan-for, twisted: ours fails: it was not there" in text


def test_aims_are_judged(runner: Runner) -> None:
    text = report.markdown(results_of(runner))
    line = next(line for line in text.splitlines() if line.startswith("| scan-for | blocking"))
    assert "✗ ≤ 1.15 ×, ✓ ≥ 2.2 ×" in line


@pytest.mark.parametrize("chart", ["bars", "lines"])
def test_charts_are_well_formed(runner: Runner, chart: str) -> None:
    results = results_of(runner)
    text = charts.bars(results["works"]) if chart == "bars" else charts.lines(results["growth"])
    assert ElementTree.fromstring(text).tag.endswith("svg")


def test_charts_of_nothing_are_well_formed() -> None:
    assert ElementTree.fromstring(charts.bars([])).tag.endswith("svg")
    assert ElementTree.fromstring(charts.lines([])).tag.endswith("svg")


def test_growth_gives_every_query_something_to_do() -> None:
    for growth in GROWTHS:
        for size in growth.sizes:
            work, items = growth.at(size)
            assert items >= work.spread


def test_loops_are_found() -> None:
    assert "blocking" in available_loops()
