"""The command line: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import charts, report
from .running import ROOT, Runner, available_loops, embedded_server, incumbent_python
from .works import DRIVERS, GROWTHS, LOOPS, WORKS, Growth, Task, Work

DOCS = ROOT / "docs"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="of the server (default: %(default)s)")
    add("--port", type=int, help="of the server; without it an embedded one is started")
    add("--only", nargs="+", metavar="WORK", choices=WORKS, default=[*WORKS], help=", ".join(WORKS))
    add("--drivers", nargs="+", choices=DRIVERS, default=DRIVERS)
    add("--loops", nargs="+", choices=LOOPS, help="default: all that are installed")
    add("--rounds", type=int, default=3, help="results are medians over them (default: 3)")
    add("--items", type=int, default=100_000, help="documents of a scan; others follow it")
    add("--growth", action="store_true", help="measure how cost grows with size, too")
    add("--json", type=Path, metavar="FILE", help="write the results there")
    add("--write-docs", action="store_true", help="write docs/benchmarks.{md,json,svg}")
    add("--profile", type=Path, metavar="DIR", help="run under cProfile, keep its statistics there")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    args = arguments(given)
    loops = [loop for loop in available_loops() if loop in (args.loops or LOOPS)]
    works = [WORKS[name] for name in args.only]
    growths = GROWTHS if args.growth else ()
    if args.profile:
        args.profile.mkdir(parents=True, exist_ok=True)
    with server(args) as (host, port):
        runner = Runner(host, port, pythons(args.drivers), args.profile)
        version = prepare(runner, needed_documents(works, growths, args.items), args)
        try:
            runner.rounds(tasks(works, growths, loops, args.items), args.rounds, progress)
        finally:
            helper(runner, "remove")
            progress("")
    where = "embedded" if args.port is None else f"{host}:{port}"
    results = {
        "heading": report.heading(f"{where}, version {version}", args.rounds, args.items),
        "works": report.work_rows(runner, works, loops, args.items),
        "growth": [
            report.growth_rows(runner, growth, loops, sizes(growth, args.items))
            for growth in growths
        ],
    }
    report.show(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    if args.write_docs:
        write_docs(results)
    # Whatever of ours could not be measured is a failure; the incumbent may do as it likes.
    return int(any(task.driver != "incumbent" for task in runner.notes))


@contextmanager
def server(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    if args.port is not None:
        yield args.host, args.port
        return
    with embedded_server() as address:
        yield address


def pythons(drivers: list[str]) -> dict[str, str]:
    """The interpreter for each driver."""
    found = {name: sys.executable for name in drivers if name != "incumbent"}
    if "incumbent" in drivers:
        try:
            found["incumbent"] = incumbent_python()
        except subprocess.CalledProcessError as exc:
            print(f"Without the incumbent: it cannot be installed ({exc}).", file=sys.stderr)
    return found


def tasks(
    works: list[Work], growths: tuple[Growth, ...], loops: list[str], base: int
) -> Iterator[Task]:
    for work in works:
        yield from work.tasks(loops, work.items(base))
    for growth in growths:
        for size in sizes(growth, base):
            work, items = growth.at(size)
            yield from work.tasks([loop for loop in loops if loop in growth.loops], items)


def sizes(growth: Growth, base: int) -> list[int]:
    """A small bench does not grow large either: ten times its documents are the end."""
    return [size for size in growth.sizes if size <= 10 * base]


def needed_documents(works: list[Work], growths: tuple[Growth, ...], base: int) -> dict[bool, int]:
    """How many documents the tables need, that without and that with datetimes."""
    needed = {False: 1, True: 1}
    grown = [growth.at(size) for growth in growths for size in sizes(growth, base)]
    for work, items in [*((work, work.items(base)) for work in works), *grown]:
        needed[work.dated] = max(needed[work.dated], items)
    return needed


def prepare(runner: Runner, documents: dict[bool, int], args: argparse.Namespace) -> str:
    """Make the tables; returns the server's version."""
    progress("making the tables")
    version: str = helper(runner, "prepare")["server_version"]
    for dated, count in documents.items():
        helper(runner, "fill", count, dated)
    return version


def helper(runner: Runner, does: str, items: int = 1, dated: bool = False) -> dict[str, Any]:
    task = Task("limit", "limit", does, items, 1, dated)
    plain = Runner(runner.host, runner.port, {"limit": sys.executable})
    result = plain.measure(task)
    if "unsupported" in result:
        raise SystemExit(f"{does}: {result['unsupported']}")
    return result


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def write_docs(results: dict[str, Any]) -> None:
    DOCS.mkdir(exist_ok=True)
    (DOCS / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "benchmarks.md").write_text(report.markdown(results))
    (DOCS / "benchmarks.svg").write_text(charts.bars(results["works"]))
    if results["growth"]:
        (DOCS / "growth.svg").write_text(charts.lines(results["growth"]))


if __name__ == "__main__":
    sys.exit(main())
