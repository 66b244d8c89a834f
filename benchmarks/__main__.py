"""The command line: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import aims, charts, embedded, report, rows
from .plan import GROWTHS, growth_groups, needed_documents, sizes, work_groups
from .running import (
    ROOT,
    available_loops,
    compile_driver,
    embedded_server,
    official_python,
    tls_proxy,
)
from .turns import Group, Runner
from .works import DRIVERS, LOOPS, TABLES, WORKS, Task, Work

DOCS = ROOT / "docs"
#: Documents that the embedded server, a real one and mocks scan.
SERVER_ROWS = 20_000

GROWTH_NAMES = [growth.name for growth in GROWTHS]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="of the server (default: %(default)s)")
    add("--port", type=int, help="of the server; without it an embedded one is started")
    add("--only", nargs="*", metavar="WORK", choices=WORKS, default=[*WORKS], help=", ".join(WORKS))
    add("--drivers", nargs="+", choices=DRIVERS, default=DRIVERS)
    add("--loops", nargs="+", choices=LOOPS, help="default: all that are installed")
    add("--rounds", type=int, default=3, help="results are medians over them (default: 3)")
    add("--items", type=int, default=100_000, help="documents of a scan; others follow it")
    add(
        "--growth",
        nargs="*",
        metavar="CURVE",
        choices=GROWTH_NAMES,
        help=f"measure how cost grows with size, too: {', '.join(GROWTH_NAMES)} (default: all)",
    )
    add("--json", type=Path, metavar="FILE", help="write the results there")
    add("--write-docs", action="store_true", help="write docs/benchmarks.md and what belongs to it")
    add(
        "--from-json",
        type=Path,
        metavar="FILE",
        help="measure nothing, show the results kept there",
    )
    add(
        "--profile",
        type=Path,
        metavar="DIR",
        help="run once under cProfile; keep its statistics there, and what took longest as text",
    )
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    args = arguments(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is measured is not lost
    failed = False
    if args.from_json:
        results = json.loads(args.from_json.read_text())
        aims.judge(results["works"])
    else:
        results, failed = measured(args)
    report.show(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    if args.write_docs:
        write_docs(results, DOCS)
    return int(failed)


def measured(args: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The results, and whether something of ours could not be measured."""
    began = time.monotonic()
    loops = [loop for loop in available_loops() if loop in (args.loops or LOOPS)]
    works = [WORKS[name] for name in args.only]
    wanted = GROWTH_NAMES if args.growth == [] else args.growth or []
    growths = [growth for growth in GROWTHS if growth.name in wanted]
    if args.profile:
        args.profile.mkdir(parents=True, exist_ok=True)
    compile_driver()
    with server(args) as (host, port):
        runner = Runner(host, port, pythons(args.drivers), args.profile)
        version = prepare(runner, needed_documents(works, growths, args.items))
        batches = batch_sizes(runner, works, args.items)
        real = None if args.port is None else f"{host}:{port}"
        on_servers = servers_compared(real) if args.growth == [] else {}  # the whole program
        groups = work_groups(works, loops, args.items)
        curves = growth_groups(growths, loops, args.items, groups)
        if args.profile:
            groups = [Group(group.tasks) for group in groups]  # a turn each
        try:
            with encrypted(runner, works):
                # Once: a curve has points enough to see what is a chance. First: whoever interrupts
                # a round that takes too long has all the rest.
                runner.rounds(curves, 1, progress)
                runner.rounds(groups, 1 if args.profile else args.rounds, progress)
        except KeyboardInterrupt:
            print("Interrupted: these are the results so far.", file=sys.stderr)
        finally:
            helper(runner, "remove")
            progress("")
    where = "embedded" if args.port is None else "RethinkDB"
    rounds = rows.complete_rounds(runner, groups)
    about = report.heading(f"{where}, version {version}", rounds, args.items)
    minutes = (time.monotonic() - began) / 60
    results = {
        "heading": {**about, "took": f"{minutes:.1f} minutes"},
        "works": rows.work_rows(runner, works, loops, args.items, batches),
        "growth": [
            rows.growth_row(runner, growth, loops, sizes(growth, args.items)) for growth in growths
        ],
        "servers": on_servers,
    }
    # Whatever of ours could not be measured is a failure; the official package may do as it likes.
    return results, any(task.driver != "official" for task in runner.notes)


def servers_compared(real: str | None) -> dict[str, dict[str, float]]:
    """The embedded server beside a real one and mocks: seconds by column and line.

    What fails there costs the rest of its column, and nothing else.
    """
    columns: dict[str, dict[str, float]] = {}
    for subject in embedded.subjects(real, SERVER_ROWS):
        column = columns[subject.name] = {}
        try:
            for name, seconds in subject.lines():
                progress(f"{subject.name}: {name}")
                column[name] = seconds
        except Exception:
            traceback.print_exc()
    return columns


@contextmanager
def server(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    if args.port is not None:
        yield args.host, args.port
        return
    with embedded_server() as address:
        yield address


@contextmanager
def encrypted(runner: Runner, works: Iterable[Work]) -> Iterator[None]:
    """While works over TLS are measured: what they connect to."""
    if not any(work.tls for work in works):
        yield
        return
    with tls_proxy(runner.host, runner.port) as runner.tls:
        yield


def pythons(drivers: list[str]) -> dict[str, str]:
    """The interpreter for each driver."""
    found = {name: sys.executable for name in drivers if name != "official"}
    if "official" in drivers:
        try:
            found["official"] = official_python()
        except subprocess.CalledProcessError as exc:
            print(f"Without the official package: it cannot be installed ({exc}).", file=sys.stderr)
    return found


def prepare(runner: Runner, documents: dict[str, int]) -> str:
    """Make the tables; returns the server's version."""
    progress("making the tables")
    version: str = helper(runner, "prepare")["server_version"]
    for table, count in documents.items():
        helper(runner, "fill", count, table)
    return version


def batch_sizes(runner: Runner, works: Iterable[Work], base: int) -> dict[str, Any]:
    """Of the server's largest batch of a scan, in KiB; nothing if no work is judged by it."""
    judged = [work for work in works if work.field == "peak"]
    return helper(runner, "batch", judged[0].items(base), judged[0].table) if judged else {}


def helper(runner: Runner, does: str, items: int = 1, table: str = TABLES[0]) -> dict[str, Any]:
    task = Task("floor", "blocking", does, items, 1, table)
    plain = Runner(runner.host, runner.port, {"floor": sys.executable})
    result = plain.measure(task)
    if "unsupported" in result:
        raise SystemExit(f"{does}: {result['unsupported']}")
    return result


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def write_docs(results: dict[str, Any], docs: Path) -> None:
    """The page, its numbers, its charts."""
    (docs / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    (docs / "benchmarks.md").write_text(report.markdown(results))
    (docs / "benchmarks.svg").write_text(charts.bars(results["works"]))
    growth = docs / "benchmarks-growth.svg"
    if results["growth"]:
        growth.write_text(charts.lines(results["growth"]))
    else:
        growth.unlink(missing_ok=True)  # the page does not show it


if __name__ == "__main__":
    sys.exit(main())
