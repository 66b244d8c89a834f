"""The benchmark program: a tiny run of it, and what it makes of results."""

from __future__ import annotations

import cProfile
import importlib
import json
import os
import re
import struct
import subprocess
import sys
from functools import partial
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import aims, charts, report, rows
from benchmarks.__main__ import main, write_docs
from benchmarks.plan import GROWTHS, growth_groups, work_groups
from benchmarks.running import ROOT, available_loops
from benchmarks.turns import Group, Runner, Turn, Worker, summarize
from benchmarks.works import WORKS
from rethinkdb import r
from rethinkdb.embedded import Server

QUICK = ("import", "scan-for", "scan-list-dated", "get", "insert-batch", "memory", "memory-list")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a tiny run writes."""
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--items", "100"]
    command += ["--drivers", "floor", "ours", "--loops", "blocking", "--only", *QUICK]
    command += ["--growth", "documents", "--json", str(folder / "results.json")]
    where = os.environ.get("RETHINKDB_TEST_SERVER")
    if where:
        host, _, port = where.rpartition(":")
        command += ["--host", host, "--port", port]
    subprocess.run(command, cwd=ROOT, check=True, timeout=50, stdout=subprocess.DEVNULL)
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def test_a_tiny_run_measures_floor_and_driver(measured: dict[str, Any]) -> None:
    found = {row["work"]: row for row in measured["works"]}
    assert list(found) == list(QUICK)
    assert all(row["ours"] is not None for row in found.values())
    assert found["get"]["over_floor"] > 0
    assert found["get"]["official"] is None
    assert found["get"]["ours_wall"] >= 0
    assert [growth["sizes"] for growth in measured["growth"]] == [[1000]]


def test_importing_loads_no_loop_library(measured: dict[str, Any]) -> None:
    row = next(row for row in measured["works"] if row["work"] == "import")
    assert {"aim": "≤ 0 loop libraries", "is": 0, "met": True} in row["aims"]


def test_a_tiny_run_makes_a_page(measured: dict[str, Any], tmp_path: Path) -> None:
    write_docs(measured, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "$" not in page
    assert str(ROOT) not in page
    for name in re.findall(r"\]\((benchmarks[^)]*)\)", page):
        assert (tmp_path / name).exists()
    for chart in tmp_path.glob("*.svg"):
        assert ElementTree.parse(chart).getroot().tag.endswith("svg")


def test_a_profile_is_summarized(tmp_path: Path) -> None:
    with cProfile.Profile() as profile:
        sorted(range(10), key=lambda number: -number)
    profile.dump_stats(tmp_path / "x.prof")
    summarize(tmp_path / "x.prof")
    assert "lambda" in (tmp_path / "x.txt").read_text()


@pytest.fixture
def runner() -> Runner:
    """Measured: the floor 1 µs an item, ours 2, the official package 6; nothing on twisted."""
    runner = Runner("localhost", 28015, {})
    seconds = {"floor": 1e-6, "ours": 2e-6, "official": 6e-6}
    for work in WORKS.values():
        for task in work.tasks("twisted", work.items(1000)):
            runner.notes[task] = "fails: it was not there"
        for task in [
            t for loop in ("blocking", "asyncio") for t in work.tasks(loop, work.items(1000))
        ]:
            cost = seconds[task.driver] * task.items
            # The median is what counts, not the round that was disturbed.
            runner.results[task] = {
                Turn(number, 0, 0): {"items": task.items, "cpu": c, "wall": c, "peak": 9}
                for number, c in enumerate((cost, cost, 1))
            }
    return runner


SHOWN = ("scan-for", "memory", "get-64", "build")


def results_of(runner: Runner) -> dict[str, Any]:
    loops = ["blocking", "asyncio", "twisted"]
    curve = {
        "name": "feeds",
        "title": "feeds",
        "sizes": [1, 10],
        "curves": {"floor, asyncio": [1.0, None]},
    }
    return {
        "heading": report.heading("a server", 3, 1000),
        "works": rows.work_rows(
            runner, [WORKS[name] for name in SHOWN], loops, 1000, {"batch": 3, "raw": 1}
        ),
        "growth": [curve],
    }


def test_rows_hold_medians_and_ratios(runner: Runner) -> None:
    row = results_of(runner)["works"][0]
    assert (row["floor"], row["ours"], row["official"]) == pytest.approx((1, 2, 6))
    assert (row["over_floor"], row["over_official"]) == pytest.approx((2, 3))
    assert row["ours_range"] == pytest.approx([2, 1e6 / WORKS["scan-for"].items(1000)])


def test_what_could_not_be_measured_is_said(runner: Runner) -> None:
    results = results_of(runner)
    text = report.markdown(results)
    assert "scan-for, twisted: ours fails: it was not there" in text
    for row in results["works"]:
        row["notes"] = {}
    assert "could not be measured" not in report.markdown(results)


@pytest.mark.parametrize(
    ("work", "loop", "judged"),
    [
        ("scan-for", "blocking", {"≤ 1.15 × floor": False, "≥ 2.2 × faster": True}),
        ("scan-for", "asyncio", {"≤ 1.4 × floor": False, "≥ 2 × faster": True}),
        ("memory", "blocking", {"≤ 2 batches": False}),
        ("get-64", "asyncio", {"≤ 1.25 × floor": False, "≥ 1.5 × faster": True}),
        ("build", "blocking", {"≥ 3 × faster": True}),
    ],
)
def test_aims_are_judged(runner: Runner, work: str, loop: str, judged: dict[str, bool]) -> None:
    found = results_of(runner)["works"]
    row = next(row for row in found if (row["work"], row["loop"]) == (work, loop))
    assert {aim["aim"]: aim["met"] for aim in row["aims"]} == judged


def test_aims_are_told_by_the_program_only(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(runner)
    report.show(results)
    assert "✗ scan-for, blocking: ≤ 1.15 × floor (2.00)" in capsys.readouterr().out
    assert "✗" not in report.markdown(results)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[[aim]]\nworks = ["juggle"]\nover_floor = 2', "juggle"),
        ('[[aim]]\nworks = ["get"]\nover_roof = 2', "over_roof"),
        ('[[aim]]\nworks = ["get-64"]\nloops = ["blocking"]', "get-64 is not measured on blocking"),
        ('[[aim]]\nworks = ["get", "get"]\nover_floor = 2', "get on blocking has two aims"),
    ],
)
def test_aims_of_nothing_are_errors(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        aims.read(text)


def test_ratios_are_of_neighbours(runner: Runner) -> None:
    """The machine takes as long as ever, twice, thrice as long: the drivers are as far apart."""
    task = WORKS["get"].task
    slow = {Turn(0, 0, n): factor for n, factor in enumerate((1, 2, 3))}
    for driver, cost, lost in (("floor", 1, 1), ("ours", 1.5, 2), ("official", 3, 0)):
        runner.results[task(driver, "blocking", 5)] = {
            turn: {"items": 5, "cpu": cost * factor, "wall": cost * factor}
            for turn, factor in slow.items()
            if turn.number != lost  # of a median a turn that is missing makes another one
        }
    row = rows.work_rows(runner, [WORKS["get"]], ["blocking"], 1000, {})[0]
    assert (row["over_floor"], row["over_official"]) == pytest.approx((1.5, 2))


def test_rounds_count_that_all_have(runner: Runner) -> None:
    runner.pythons = dict.fromkeys(("floor", "ours", "official"), "python")
    groups = work_groups([WORKS["get"]], ["blocking", "twisted"], 1000)
    assert rows.complete_rounds(runner, groups) == 3
    del runner.results[WORKS["get"].task("ours", "blocking", 5)][Turn(2, 0, 0)]
    assert rows.complete_rounds(runner, groups) == 2


def test_what_is_compared_takes_turns() -> None:
    works = [WORKS[name] for name in ("get", "scan-for", "get-pool", "get-tls", "memory")]
    groups = work_groups(works, ["blocking", "trio"], 1000)
    assert [
        [(task.driver, task.does, task.tls) for task in group.tasks] for group in groups[:2]
    ] == [
        [
            ("floor", "get", False),
            ("ours", "get", False),
            ("official", "get", False),
            ("ours", "get_on_pool", False),
            ("floor", "get", True),
            ("ours", "get", True),
            ("official", "get", True),
        ],
        [
            ("floor", "get", False),
            ("ours", "get", False),
            ("official", "get", False),
            ("ours", "get_on_pool", False),
        ],
    ]
    tasks = [task for group in groups for task in group.tasks]
    assert len(tasks) == len({*tasks})  # the memory of a scan is measured with its time


def test_a_point_of_a_curve_is_not_measured_twice() -> None:
    base = 100_000
    planned = work_groups([WORKS["scan-for-small"]], ["asyncio"], base)
    documents = [growth for growth in GROWTHS if growth.name == "documents"]
    groups = growth_groups(documents, ["asyncio"], base, planned)
    assert [group.tasks[0].items for group in groups] == [1_000, 10_000, 1_000_000]


def worker(text: str) -> Worker:
    return Worker([sys.executable, "-c", text], {**os.environ})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('{}', flush=True); input(); print('{\"cpu\": 1}')", [{}, {"cpu": 1}, {}]),
        (
            "print('{}', flush=True); input(); raise OSError('gone')",
            [{}, *[{"unsupported": "fails: OSError: gone"}] * 2],
        ),
        ("raise OSError('gone')", [{"unsupported": "fails: OSError: gone"}] * 3),
        (
            "print('{}', flush=True); input(); print('{\"cpu\": 1}', flush=True); input()",
            [{}, {"cpu": 1}, {"unsupported": "fails: EOFError: EOF when reading a line"}],
        ),
    ],
)
def test_a_worker_says_what_it_measured_or_why_not(text: str, said: list[Any]) -> None:
    process = worker(text)
    assert [process.told(), process.turn(), process.end()] == said
    process.kill()


def test_a_worker_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.turns.TIMEOUT", 0.01)
    process = worker("input()")
    assert process.told() == {"unsupported": "not done after 0.01 seconds"}
    process.kill()


def test_clients_take_turns_forth_and_back(tmp_path: Path) -> None:
    measured = tmp_path / "measured"
    pythons = {}
    for driver in ("floor", "ours"):
        python = tmp_path / driver
        answer = f'{{"items": 1, "cpu": {len(driver)}}}'
        python.write_text(
            "#!/bin/sh\necho {}\n"
            f"while read line; do echo {driver} >> {measured}; echo '{answer}'; done\n"
        )
        python.chmod(0o755)
        pythons[driver] = str(python)
    runner = Runner("localhost", 1, pythons)
    tasks = WORKS["get"].tasks("blocking", 1)
    runner.rounds([Group(tasks, turns=3, once=True)], 2, lambda text: None)
    assert measured.read_text().split() == ["floor", "ours", "ours", "floor", "floor", "ours"]
    assert runner.results[tasks[1]] == {
        Turn(0, 0, number): {"items": 1, "cpu": 4} for number in range(3)
    }
    assert not runner.notes


def test_who_fails_is_not_asked_again(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho started >> " + str(tmp_path / "starts") + "\nexit 1\n")
    broken.chmod(0o755)
    runner = Runner("localhost", 1, {"ours": str(broken)})
    task = WORKS["get"].task("ours", "blocking", 1)
    runner.rounds([Group([task], 2, 2)], 3, lambda text: None)
    assert runner.notes == {task: "fails: no message"}
    assert (tmp_path / "starts").read_text() == "started\n"


def test_a_floor_is_of_its_loop() -> None:
    assert "floor" in WORKS["get-64"].drivers("gevent")
    assert "floor" not in WORKS["connect"].drivers("twisted")


def test_the_page_is_what_the_kept_results_make() -> None:
    results = json.loads((ROOT / "docs" / "benchmarks.json").read_text())
    assert report.markdown(results) == (ROOT / "docs" / "benchmarks.md").read_text()


def test_memory_is_not_compared_with_a_floor(runner: Runner) -> None:
    work = WORKS["memory-query"]
    for task in work.tasks("asyncio", work.items(1000)):
        runner.results[task] = {Turn(0, 0, 0): {"items": 1, "remembered": 4}}
    row = rows.work_rows(runner, [work], ["asyncio"], 1000, {})[0]
    assert (row["floor"], row["over_floor"]) == (4096, None)


def test_a_floor_that_is_beaten_is_told(runner: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    results = results_of(runner)
    blocking, asyncio = results["works"][:2]
    blocking["over_floor"], asyncio["over_floor"] = 0.9, 0.96
    report.show(results)
    told = capsys.readouterr().out
    assert "scan-for, blocking: ours is below its floor (0.90)" in told
    assert "scan-for, asyncio: ours" not in told
    assert report.cells(results["works"])[1][6] == "about 1 ×"


def test_results_without_a_floor_say_so(runner: Runner) -> None:
    results = results_of(runner)
    assert "older than some of the floors" not in report.markdown(results)
    results["works"][1]["floor"] = None
    assert "older than some of the floors. Their places have a dash, on asyncio." in (
        report.markdown(results)
    )


# The loops that have a client of their own: on uvloop and Tornado it is asyncio's.
FLOORS = [loop for loop in ("asyncio", "twisted", "trio", "gevent") if loop in available_loops()]


def test_the_floors_of_all_loops_run(tmp_path: Path) -> None:
    command = ["--drivers", "floor", "--loops", *FLOORS, "--only", "get-64"]
    command += ["--rounds", "1", "--items", "2000", "--json", str(tmp_path / "results.json")]
    where = os.environ.get("RETHINKDB_TEST_SERVER")
    if where:
        host, _, port = where.rpartition(":")
        command += ["--host", host, "--port", port]
    assert main(command) == 0
    found = json.loads((tmp_path / "results.json").read_text())["works"]
    assert [row["loop"] for row in found] == [*FLOORS]
    assert all(row["floor"] and not row["notes"] for row in found)


@pytest.mark.parametrize("size", [1, 7, 12, 13, 40, 10_000])
def test_a_floor_puts_frames_together(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks" / "worker")
    frames: Any = importlib.import_module("frames").Frames()
    sent: list[bytes] = []
    got: dict[int, Any] = {}
    monkeypatch.setattr(frames, "write", sent.append)
    monkeypatch.setattr(frames, "soon", lambda: None)
    for token in (1, 2, 3):
        frames.put(b"[1]", partial(got.__setitem__, token), token)
    frames.flush()
    header = struct.Struct("<QI")
    assert sent == [
        header.pack(1, 3) + b"[1]",
        b"".join(header.pack(n, 3) + b"[1]" for n in (2, 3)),
    ]
    replies = [(2, b'{"r":[2]}'), (1, b'{"r":[1]}'), (3, b'{"r":["' + b"x" * 100 + b'"]}')]
    data = b"".join(header.pack(token, len(reply)) + reply for token, reply in replies)
    while data:
        if frames.rest is None:
            frames.received(data[:size])
            data = data[size:]
        else:  # as `recv_into`, which never reads beyond a frame
            count = min(size, len(frames.rest), len(data))
            frames.rest[:count] = data[:count]
            frames.filled(count)
            data = data[count:]
    assert got == {2: {"r": [2]}, 1: {"r": [1]}, 3: {"r": ["x" * 100]}}
    assert not frames.waiting


def test_a_feed_remembers_a_row_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the table has more rows: a curve needs them."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks" / "worker")
    queries: Any = importlib.import_module("queries")
    job = SimpleNamespace(table="small", items=10)
    with Server() as server, r.connect(server.host, server.port) as conn:
        r.table_create("small").run(conn)
        r.table("small").insert(r.range(100).map({"id": r.row})).run(conn)
        feed = queries.changes_of_items(job).run(conn, include_initial=True, include_states=True)
        rows = takewhile(lambda change: change.get("state") != "ready", feed)
        assert len([change for change in rows if "new_val" in change]) == job.items


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


def test_the_page_shows_what_servers_cost(runner: Runner) -> None:
    columns = {"embedded": {"get a document": 2.5e-4}, "real server": {}}
    text = report.markdown({**results_of(runner), "servers": columns})
    assert "| get a document | 0.25 |  |" in text
    assert "## The embedded server" not in report.markdown(results_of(runner))


def test_what_tls_itself_costs_is_not_the_drivers(runner: Runner) -> None:
    works = [WORKS["get"], WORKS["get-tls"]]
    task = works[1].task("floor", "blocking", works[1].items(1000))
    for result in runner.results[task].values():
        result["cpu"] += 1e-6 * task.items  # for the floor TLS is all that comes to it
    plain, encrypted = rows.work_rows(runner, works, ["blocking"], 1000, {})
    assert plain["over_plain"] is None
    assert encrypted["over_plain"] == pytest.approx((2 - 1) / 2)
    assert encrypted["over_connection"] is None
