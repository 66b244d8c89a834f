"""From measurements to results: medians, ratios, and the forms they are shown in."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from string import Template
from typing import Any

from . import aims, embedded
from .running import Runner, official_version
from .works import DRIVERS, LOOPS, WORKS, Growth, Task, Work

__all__ = ["growth_rows", "heading", "markdown", "show", "work_rows"]

HEADERS = (
    "work", "loop", "", "floor", "ours", "official", "ours / floor", "official / ours",
    "wall: floor", "ours", "official",
)  # fmt: skip

#: What those who choose a driver ask for: each work of the page's first table, and its words.
CHOICE = {
    "get": "get a document by key, one at a time",
    "get-64": "get a document by key, 64 in flight",
    "scan-for": "read a document of a table",
    "insert-one": "insert a document, one at a time",
    "insert-batch": "insert a document, in batches of 1,000",
    "feed": "a change of a feed, as it happens",
    "feed-burst": "a change of a feed, many waiting",
    "connect": "connect and close",
}

Row = dict[str, Any]

PAGE = Path(__file__).with_name("page.md")

# Of those whose work the costs depend on.
LIBRARIES = ("orjson", "tornado", "twisted", "trio", "gevent", "uvloop")


def heading(server: str, rounds: int, items: int) -> dict[str, Any]:
    """When, where and how the results came about."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        "official": f"rethinkdb {official_version()}",
        "server": server,
        "rounds": rounds,
        "items": items,
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "–"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def work_rows(
    runner: Runner,
    works: Sequence[Work],
    loops: Sequence[str],
    base: int,
    batch: dict[str, Any],
) -> list[Row]:
    """One row per work and loop: medians per item, their ratios, and how the aims were met."""
    rows = [
        _work_row(runner, work, loop, work.items(base))
        for work in works
        for loop in loops
        if loop in work.loops
    ]
    asyncio = {row["work"]: row["ours"] for row in rows if row["loop"] == "asyncio"}
    ours = {(row["work"], row["loop"]): row["ours"] for row in rows}
    beside = {work.name: work.beside for work in works}
    for row in rows:
        plain = ours.get((beside[row["work"]], row["loop"]))
        row["over_connection"] = None if WORKS[row["work"]].tls else _ratio(row["ours"], plain)
        row["over_asyncio"] = _ratio(row["ours"], asyncio.get(row["work"]))
        if row["field"] == "beside":
            row["batch"], row["raw_batch"] = batch.get("batch"), batch.get("raw")
            row["batches"] = _ratio(row["ours"], row["batch"])
    _compare_with_plain(rows)
    aims.judge(rows)
    return rows


def _compare_with_plain(rows: list[Row]) -> None:
    """Works over TLS: what they cost beside the same without it, and beside what TLS costs itself.

    What TLS costs itself is what the floor takes more with it than without.
    """
    found = {(row["work"], row["loop"]): row for row in rows}
    for row in rows:
        work = WORKS[row["work"]]
        plain = found.get((work.beside or "", row["loop"]))
        row["over_plain"] = None
        if work.tls and plain and None not in (row["ours"], row["floor"], plain["floor"]):
            more = row["floor"] - plain["floor"]
            row["over_plain"] = _ratio(row["ours"] - more, plain["ours"])


def _work_row(runner: Runner, work: Work, loop: str, items: int) -> Row:
    tasks = {driver: work.task(driver, loop, items) for driver in DRIVERS}
    row: Row = {"work": work.name, "title": work.title, "loop": loop}
    row |= {"unit": work.unit, "field": work.field}
    for driver, task in tasks.items():
        values = per_item(runner, task, work.field, work.scale)
        walls = per_item(runner, task, "wall", work.scale) if work.field == "cpu" else []
        row[driver] = median(values) if values else None
        row[f"{driver}_range"] = [min(values), max(values)] if values else None
        row[f"{driver}_wall"] = median(walls) if walls else None
    loaded = per_item(runner, tasks["ours"], "loop_libraries", 1)
    row["loop_libraries"] = max(loaded) if loaded else None
    row["over_floor"] = _ratio(row["ours"], row["floor"])
    row["over_official"] = _ratio(row["official"], row["ours"])
    row["wall_over_official"] = _ratio(row["official_wall"], row["ours_wall"])
    row["notes"] = {d: runner.notes[task] for d, task in tasks.items() if task in runner.notes}
    return row


def per_item(runner: Runner, task: Task, field: str, scale: float) -> list[float]:
    """What each round measured."""
    results = [result for result in runner.results.get(task, []) if field in result]
    # Memory is of the whole scan: it should not grow with the items.
    return [
        result[field] / (result["items"] if field != "beside" else 1) * scale for result in results
    ]


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def growth_rows(runner: Runner, growth: Growth, loops: Sequence[str], sizes: Sequence[int]) -> Row:
    """One curve per driver and loop: the cost per item at each size."""
    curves: dict[str, list[float | None]] = {}
    for size in sizes:
        work, items = growth.at(size)
        for task in dict.fromkeys(work.tasks([x for x in loops if x in growth.loops], items)):
            values = per_item(runner, task, "cpu", work.scale)
            name = f"{task.driver}, {task.loop}"
            curves.setdefault(name, []).append(median(values) if values else None)
    curves = {name: points for name, points in curves.items() if any(points)}
    return {"name": growth.name, "title": growth.title, "sizes": list(sizes), "curves": curves}


# Showing


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ×"


def cells(rows: list[Row]) -> list[list[str]]:
    """The rows as text, one cell per header."""
    return [
        [
            row["work"], row["loop"], row["unit"],
            *[_number(row[driver]) for driver in DRIVERS],
            _times(row["over_floor"]), _times(row["over_official"]),
            *[_number(row[f"{driver}_wall"]) for driver in DRIVERS],
        ]
        for row in rows
    ]  # fmt: skip


def choice_cells(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """The headers and the rows of the page's first table: works by loops."""
    found = {(row["work"], row["loop"]): row for row in rows}
    loops = [loop for loop in LOOPS if any(row["loop"] == loop for row in rows)]
    lines = [
        [words, *(_choice(found.get((work, loop))) for loop in loops)]
        for work, words in CHOICE.items()
        if any(row["work"] == work for row in rows)
    ]
    return ["µs of CPU for", *loops], lines


def _choice(row: Row | None) -> str:
    """Ours, the official package and the floor, in one cell."""
    if row is None:
        return ""
    ours, official, floor = (_number(row[driver]) for driver in ("ours", "official", "floor"))
    return f"**{ours}** / {official} / {floor}"


def growth_cells(growth: Row) -> tuple[list[str], list[list[str]]]:
    """The headers and the rows of one growth table."""
    headers = [growth["title"], *[f"{size:,}" for size in growth["sizes"]]]
    return headers, [[name, *map(_number, points)] for name, points in growth["curves"].items()]


def show(results: dict[str, Any]) -> None:
    """Print everything as tables."""
    print("  ".join(f"{key}: {value}" for key, value in results["heading"].items()))
    if results["works"]:
        _print_table(HEADERS, cells(results["works"]))
    for growth in results["growth"]:
        _print_table(*growth_cells(growth))
    for line in [*_notes(results["works"]), *aims.told(results["works"])]:
        print(line)


def _notes(rows: list[Row]) -> list[str]:
    return [
        f"{row['work']}, {row['loop']}: {driver} {note}"
        for row in rows
        for driver, note in row["notes"].items()
    ]


def _print_table(headers: Sequence[str], rows: list[list[str]]) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
        for row in (headers, *rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
        return
    table = Table()
    for number, header in enumerate(headers):
        table.add_column(header, justify="left" if number < 2 else "right", no_wrap=number < 2)
    for cells_of_row in rows:
        table.add_row(*cells_of_row)
    # A file or a pipe has no width of its own; cells must not be cut there.
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def markdown(results: dict[str, Any]) -> str:
    """docs/benchmarks.md."""
    about, rows = results["heading"], results["works"]
    text = Template(PAGE.read_text(encoding="utf-8")).substitute(
        about=_list(f"{key}: {value}" for key, value in about.items()),
        date=about["date"],
        server=about["server"],
        python=about["python"],
        machine=about["machine"],
        rounds=about["rounds"],
        official_version=about["official"],
        command=_command(about["server"]),
        choice=_markdown_table(*choice_cells(rows), left=1),
        missing=_missing_floors(rows),
        batch=_batch(rows),
        growth=_growth_markdown(results["growth"]),
        servers=_servers_markdown(results.get("servers") or {}),
        titles=_list(f"{row['work']}: {row['title']}" for row in rows),
        figures=_markdown_table(HEADERS, cells(rows), left=2),
        notes=_list(_notes(rows)),
    )
    return text.rstrip() + "\n"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def _command(server: str) -> str:
    """What measures the same again."""
    real = "" if server.startswith("embedded") else "--port 28015 "
    return f'make bench BENCH="{real}--write-docs"'


def _missing_floors(rows: list[Row]) -> str:
    """Older results know the floor of the blocking loop only."""
    missing = dict.fromkeys(
        row["loop"]
        for row in rows
        if row["floor"] is None
        and "floor" not in row["notes"]
        and row["work"] in WORKS
        and "floor" in WORKS[row["work"]].drivers(row["loop"])
    )
    if not missing:
        return ""
    return (
        "\nThis run is older than some of the floors. Their places have a dash, on "
        f"{', '.join(missing)}.\n"
    )


def _batch(rows: list[Row]) -> str:
    found = [row for row in rows if row.get("batch")]
    if not found:
        return ""
    raw, both = found[0]["raw_batch"], found[0]["batch"]
    return f": {_number(raw)} and {_number(both - raw)} KiB here"


def _growth_markdown(growths: list[Row]) -> str:
    if not growths:
        return ""
    parts = [
        "## Growth",
        "The cost per item should not grow. Client CPU, µs, measured once.",
        "![cost per item by size](benchmarks-growth.svg)",
        *[_markdown_table(*growth_cells(growth), left=1) for growth in growths],
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _servers_markdown(columns: dict[str, dict[str, float]]) -> str:
    """The embedded server beside a real one and mocks."""
    if not any(columns.values()):
        return ""
    mocks = " Mocks run in the process of the test." if embedded.MOCKS.keys() & columns else ""
    parts = [
        "## The embedded server",
        "Medians, in milliseconds, from the call in the blocking driver until it has the answer."
        f"{mocks} A cell is empty where that cannot be done.",
        embedded.table_of(columns),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _markdown_table(headers: Sequence[str], rows: list[list[str]], left: int) -> str:
    rule = [*["---"] * left, *["---:"] * (len(headers) - left)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headers, rule, *rows))
