"""The aims of `aims.toml`, and whether results meet them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .works import WORKS

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings the same under its older name
    import tomli as tomllib

__all__ = ["COMPARISONS", "judge", "read", "told"]

FILE = Path(__file__).with_name("aims.toml")

Row = dict[str, Any]
Aim = dict[str, float]

# By the name of an aim, and of a row's ratio: how they compare, and how that is said.
COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "over_floor": (operator.le, "≤ {:.3g} × floor"),
    "over_official": (operator.ge, "≥ {:.3g} × faster"),
    "wall_over_official": (operator.ge, "≥ {:.3g} × faster by the clock"),
    "over_connection": (operator.le, "≤ {:.3g} × plain connection"),
    "over_plain": (operator.le, "≤ {:.3g} × without TLS, beyond what TLS costs"),
    "ours": (operator.le, "≤ {:.3g} of its unit"),
    "batches": (operator.le, "≤ {:.3g} batches"),
    "loop_libraries": (operator.le, "≤ {:.0f} loop libraries"),
}


def read(text: str) -> dict[tuple[str, str], Aim]:
    """The aims by work and loop.

    Raises:
        ValueError: an aim is of a work or loop that is not measured, of a measure that nobody
            takes, or given twice.
    """
    found: dict[tuple[str, str], Aim] = {}
    for entry in tomllib.loads(text)["aim"]:
        works, loops = entry.pop("works"), entry.pop("loops", None)
        if unknown := {*works} - {*WORKS} | {*entry} - {*COMPARISONS}:
            raise ValueError(f"{FILE.name}: nothing measures {', '.join(sorted(unknown))}.")
        for place in _places(works, loops):
            if place in found:
                raise ValueError(f"{FILE.name}: {' on '.join(place)} has two aims.")
            found[place] = entry
    return found


def _places(works: Iterable[str], loops: list[str] | None) -> Iterable[tuple[str, str]]:
    for work in works:
        for loop in loops or WORKS[work].loops:
            if loop not in WORKS[work].loops:
                raise ValueError(f"{FILE.name}: {work} is not measured on {loop}.")
            yield work, loop


def judge(rows: list[Row]) -> None:
    """Put into each row its aims that could be measured, and whether they are met."""
    wanted = read(FILE.read_text(encoding="utf-8"))
    for row in rows:
        row["aims"] = _judged(row, wanted.get((row["work"], row["loop"]), {}))


def _judged(row: Row, aim: Aim) -> list[dict[str, Any]]:
    return [
        {"aim": form.format(aim[name]), "is": row[name], "met": compare(row[name], aim[name])}
        for name, (compare, form) in COMPARISONS.items()
        if name in aim and row.get(name) is not None
    ]


def told(rows: list[Row]) -> list[str]:
    """A line for each aim: met or not, and how far off it is."""
    lines = [
        f"{'✓' if aim['met'] else '✗'} {row['work']}, {row['loop']}: {aim['aim']} ({aim['is']:.2f})"
        for row in rows
        for aim in row["aims"]
    ]
    met = sum(line.startswith("✓") for line in lines)
    return [f"{met} of {len(lines)} aims are met.", *lines]
