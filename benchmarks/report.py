"""From measurements to results: medians, ratios, and the forms they are shown in."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from .running import Runner
from .works import AIMS, DRIVERS, Growth, Task, Work

__all__ = ["growth_rows", "heading", "markdown", "show", "work_rows"]

HEADERS = (
    "work", "loop", "", "limit", "ours", "incumbent", "ours / limit", "incumbent / ours", "aims",
    "wall: limit", "ours", "incumbent",
)  # fmt: skip

Row = dict[str, Any]


def heading(server: str, rounds: int, items: int) -> dict[str, Any]:
    """When, where and how the results came about."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "server": server,
        "rounds": rounds,
        "items": items,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def work_rows(runner: Runner, works: Sequence[Work], loops: Sequence[str], base: int) -> list[Row]:
    """One row per work and loop: medians per item, and their ratios."""
    return [
        _work_row(runner, work, loop, work.items(base))
        for work in works
        for loop in loops
        if loop in work.loops
    ]


def _work_row(runner: Runner, work: Work, loop: str, items: int) -> Row:
    tasks = {driver: work.task(driver, loop, items) for driver in DRIVERS}
    row: Row = {"work": work.name, "title": work.title, "loop": loop, "unit": work.unit}
    for driver, task in tasks.items():
        row[driver] = per_item(runner, task, work.field, work.scale)
        row[f"{driver}_wall"] = (
            per_item(runner, task, "wall", work.scale) if work.field == "cpu" else None
        )
    row["over_limit"] = _ratio(row["ours"], row["limit"])
    row["over_incumbent"] = _ratio(row["incumbent"], row["ours"])
    aim = AIMS.get((work.name, loop))
    row["aims"] = (
        {"over_limit": aim.over_limit, "over_incumbent": aim.over_incumbent} if aim else {}
    )
    row["notes"] = {d: runner.notes[task] for d, task in tasks.items() if task in runner.notes}
    return row


def per_item(runner: Runner, task: Task, field: str, scale: float) -> float | None:
    """The median over the rounds; None where there is nothing measured."""
    results = [result for result in runner.results.get(task, []) if field in result]
    if not results:
        return None
    # Memory is of the whole scan: it should not grow with the items.
    values = [result[field] / (result["items"] if field != "peak" else 1) for result in results]
    return float(median(values) * scale)


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def growth_rows(runner: Runner, growth: Growth, loops: Sequence[str], sizes: Sequence[int]) -> Row:
    """One curve per driver and loop: the cost per item at each size."""
    curves: dict[str, list[float | None]] = {}
    for size in sizes:
        work, items = growth.at(size)
        for task in dict.fromkeys(work.tasks(loops, items)):
            name = task.driver if task.driver == "limit" else f"{task.driver}, {task.loop}"
            curves.setdefault(name, []).append(per_item(runner, task, "cpu", work.scale))
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


def _aims(row: Row) -> str:
    """Each aim, and whether it holds."""
    limit, incumbent = row["aims"].get("over_limit"), row["aims"].get("over_incumbent")
    parts = []
    if limit and row["over_limit"]:
        parts.append(f"{_mark(row['over_limit'] <= limit)} ≤ {limit:.3g} ×")
    if incumbent and row["over_incumbent"]:
        parts.append(f"{_mark(row['over_incumbent'] >= incumbent)} ≥ {incumbent:.3g} ×")
    return ", ".join(parts)


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"


def cells(rows: list[Row]) -> list[list[str]]:
    """The rows as text, one cell per header."""
    return [
        [
            row["work"], row["loop"], row["unit"],
            *[_number(row[driver]) for driver in DRIVERS],
            _times(row["over_limit"]), _times(row["over_incumbent"]), _aims(row),
            *[_number(row[f"{driver}_wall"]) for driver in DRIVERS],
        ]
        for row in rows
    ]  # fmt: skip


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
    for line in _notes(results["works"]):
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
    about = results["heading"]
    parts = [
        "# What the driver costs",
        "Written by `python -m benchmarks --growth --write-docs`; the numbers are in "
        "[benchmarks.json](benchmarks.json).",
        "\n".join(f"- {key}: {value}" for key, value in about.items()),
        "Client CPU (user + system) per item, medians over the rounds, each measurement in a fresh "
        "process. *limit*: a bare socket, hand-made frames, orjson. *incumbent*: `rethinkdb` "
        "2.4.10.post1. *aims*: ✓ holds, ✗ falls short. Wall time depends on the server.",
        "![ours and the incumbent as multiples of the limit](benchmarks.svg)",
        _markdown_table(HEADERS, cells(results["works"])),
        "\n".join(f"- {line}" for line in _notes(results["works"])),
        _growth_markdown(results["growth"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _growth_markdown(growths: list[Row]) -> str:
    if not growths:
        return ""
    tables = [_markdown_table(*growth_cells(growth)) for growth in growths]
    head = ["## Growth", "Client CPU per item, µs.", "![cost per item by size](growth.svg)"]
    return "\n\n".join([*head, *tables])


def _markdown_table(headers: Sequence[str], rows: list[list[str]]) -> str:
    rule = ["---", "---", *["---:"] * (len(headers) - 2)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headers, rule, *rows))
