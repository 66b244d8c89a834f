"""SVG, written by hand: bars for the works, lines for growth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

from .svg import FAINT, INK, MARGIN, WIDTH, document, line, text

__all__ = ["bars", "lines"]

Row = dict[str, Any]

COLOURS = {"limit": "#6b7280", "ours": "#2563eb", "official": "#d97706"}

# Bars: the place for a loop's name, and the heights of a bar, of a loop, and of a work's title.
LABELS, BAR, LOOP, TITLE = 110, 7, 19, 26

# Lines: a panel for each growth, with its plot within.
PANEL, LEFT, RIGHT, ABOVE, BELOW = 350, 70, 220, 60, 60
DASHES = ("", "7 4", "2 3")


def _bar(x: float, y: float, width: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}"'
    return f'<rect {place} fill="{colour}"/>'


def _steps(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ..., the last that is not above `low` to the first that is not below `high`."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    first = max(n for n, step in enumerate(steps) if step <= low * 1.001)
    last = min(n for n, step in enumerate(steps) if step >= high * 0.999)
    return steps[first : max(last, first + 1) + 1]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Where a value stands on a logarithmic axis."""
    span = max(log10(high / low), 1e-9)
    return lambda value: start + log10(value / low) / span * (end - start)


# Bars


def bars(rows: list[Row]) -> str:
    """What ours and the official package cost as multiples of the limit, for each work and loop."""
    rows = [row for row in rows if row["field"] == "cpu" and row["limit"] and row["ours"]]
    groups = [(title, list(group)) for title, group in groupby(rows, lambda row: row["title"])]
    times = [row[driver] / row["limit"] for row in rows for driver in _drivers(row)]
    steps = _steps(min([*times, 1.0]), max([*times, 2.0]))
    at = _scale(steps[0], steps[-1], MARGIN + LABELS, WIDTH - 50)
    top = 64
    bottom = top + TITLE * len(groups) + LOOP * len(rows)
    return document(
        WIDTH, bottom + 30, [*_bars_frame(steps, at, bottom), *_groups(groups, at, top)]
    )


def _drivers(row: Row) -> list[str]:
    return [driver for driver in ("ours", "official") if row[driver]]


def _bars_frame(steps: list[float], at: Callable[[float], float], bottom: float) -> Iterator[str]:
    yield text(MARGIN, 22, "Client CPU per item, as a multiple of the limit", font_weight="bold")
    yield text(MARGIN, 42, "the limit is a bare socket with orjson, at 1 ×; shorter is better")
    for x, driver in ((WIDTH - 210, "ours"), (WIDTH - 130, "official")):
        yield _bar(x, 35, 14, COLOURS[driver])
        yield text(x + 20, 42, driver)
    for step in steps:
        yield line(at(step), 56, at(step), bottom, COLOURS["limit"] if step == 1 else FAINT)
        yield text(at(step), bottom + 18, f"{step:g} ×", text_anchor="middle")


def _groups(
    groups: list[tuple[str, list[Row]]], at: Callable[[float], float], top: float
) -> Iterator[str]:
    y = top
    for title, rows in groups:
        yield text(MARGIN, y + 16, title.replace("`", ""), font_weight="bold")
        y += TITLE
        for row in rows:
            yield text(MARGIN + LABELS - 8, y + 11, row["loop"], text_anchor="end")
            for number, driver in enumerate(_drivers(row)):
                times = row[driver] / row["limit"]
                start, end = sorted((at(1), at(times)))
                upper = y + number * (BAR + 1)
                yield _bar(start, upper, max(end - start, 1), COLOURS[driver])
                yield text(end + 4, upper + BAR, f"{times:.2f}", font_size=8)
            y += LOOP


# Lines


def lines(growths: Sequence[Row]) -> str:
    """The cost per item against size, both on logarithmic scales; one panel per growth."""
    shown = [growth for growth in growths if any(map(any, growth["curves"].values()))]
    parts = [part for n, growth in enumerate(shown) for part in _panel(growth, n * PANEL)]
    return document(WIDTH, PANEL * max(1, len(shown)), parts)


def _panel(growth: Row, top: float) -> Iterator[str]:
    values = [value for points in growth["curves"].values() for value in points if value]
    sizes, steps = growth["sizes"], _steps(min(values), max(values))
    right, lower = WIDTH - RIGHT, top + PANEL - BELOW
    across = _scale(sizes[0], max(sizes[-1], sizes[0] * 2), LEFT, right)
    up = _scale(steps[0], steps[-1], lower, top + ABOVE)
    yield text(MARGIN, top + 24, f"Cost by {growth['title']}", font_weight="bold")
    yield text(MARGIN, top + 42, "µs of client CPU per item", font_size=11)
    yield text((LEFT + right) / 2, lower + 40, growth["title"], text_anchor="middle")
    for step in steps:
        yield line(LEFT, up(step), right, up(step))
        yield text(LEFT - 8, up(step) + 4, f"{step:,g}", text_anchor="end")
    for size in sizes:
        yield line(across(size), lower, across(size), lower + 5, INK)
        yield text(across(size), lower + 20, f"{size:,}", text_anchor="middle")
    loops: dict[str, str] = {}  # to the dashes of their lines
    for number, (name, points) in enumerate(growth["curves"].items()):
        driver, _, loop = name.partition(", ")
        dash = loops.setdefault(loop, DASHES[max(0, len(loops) - ("" in loops)) % len(DASHES)])
        colour, y = COLOURS[driver], top + ABOVE + 10 + 20 * number
        places = [
            (across(size), up(value)) for size, value in zip(sizes, points, strict=True) if value
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        yield f'<polyline points="{path}" {style}/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        yield line(right + 16, y - 4, right + 46, y - 4, colour, dash)
        yield text(right + 54, y, name)
