"""Results as a table of the terminal, and as docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import Any

from . import aims, embedded
from .running import official_version
from .works import DRIVERS, LOOPS, WORKS

__all__ = ["heading", "markdown", "show"]

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
    "feed": "get a change of a feed, as it happens",
    "feed-burst": "get a change of a feed, of many that wait",
    "connect": "connect and close",
}

#: Two figures that are closer are the same to this measurement.
NOISE = 0.05

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


# Showing


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ×"


def _times_floor(value: float | None) -> str:
    """Nothing is quicker than a floor; what seems to be is not told apart from it."""
    return "about 1 ×" if value is not None and abs(value - 1) < NOISE else _times(value)


def cells(rows: list[Row]) -> list[list[str]]:
    """The rows as text, one cell per header."""
    return [
        [
            row["work"], row["loop"], row["unit"],
            *[_number(row[driver]) for driver in DRIVERS],
            _times_floor(row["over_floor"]), _times(row["over_official"]),
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
    return ["µs of CPU to", *loops], lines


def _choice(row: Row | None) -> str:
    """Ours, the official package and the floor, one below the other: so the table stays narrow."""
    if row is None:
        return ""
    ours, official, floor = (_number(row[driver]) for driver in ("ours", "official", "floor"))
    return f"**{ours}**<br>{official}<br>*{floor}*"


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
    works = results["works"]
    for line in [*_notes(works), *_beaten_floors(works), *aims.told(works)]:
        print(line)


def _beaten_floors(rows: list[Row]) -> list[str]:
    """A floor that is beaten is none: how it is measured wants mending."""
    return [
        f"{row['work']}, {row['loop']}: ours is below its floor ({row['over_floor']:.2f})"
        for row in rows
        if row["over_floor"] is not None and row["over_floor"] < 1 - NOISE
    ]


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
        rounds=f"{about['rounds']} round{'s' * (about['rounds'] != 1)}",
        official_version=about["official"],
        command=_command(about["server"]),
        choice=_markdown_table(*choice_cells(rows), left=1),
        missing=_missing_floors(rows),
        batch=_batch(rows),
        growth=_growth_markdown(results["growth"]),
        servers=_servers_markdown(results.get("servers") or {}),
        titles=_list(f"{row['work']}: {row['title']}" for row in rows),
        figures=_markdown_table(HEADERS, cells(rows), left=2),
        notes=_notes_markdown(rows),
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


def _notes_markdown(rows: list[Row]) -> str:
    notes = _list(_notes(rows))
    return "\n" + "\n\n".join(_folded("What could not be measured", notes)) if notes else ""


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
        "## How the cost grows",
        "The cost of an item should stay where it is when there are more of them, or more at once. "
        "Microseconds of client CPU, measured once.",
        "![CPU for an item by the number of items, queries or feeds](benchmarks-growth.svg)",
        *_folded(
            "The same as tables",
            *[_markdown_table(*growth_cells(growth), left=1) for growth in growths],
        ),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _folded(summary: str, *parts: str) -> list[str]:
    """What is shown when somebody asks for it."""
    return [f"<details>\n<summary>{summary}</summary>", *parts, "</details>"]


def _servers_markdown(columns: dict[str, dict[str, float]]) -> str:
    """The embedded server beside a real one and mocks."""
    if not any(columns.values()):
        return ""
    mocks = " Mocks run in the process of the test." if embedded.MOCKS.keys() & columns else ""
    parts = [
        "## The embedded server",
        "For tests there is a server within your program. Medians, in milliseconds, from the call "
        f"in the blocking driver until it has the answer.{mocks} A cell is empty where that cannot "
        "be done, or was not measured.",
        embedded.table_of(columns),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _markdown_table(headers: Sequence[str], rows: list[list[str]], left: int) -> str:
    rule = [*["---"] * left, *["---:"] * (len(headers) - left)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headers, rule, *rows))
