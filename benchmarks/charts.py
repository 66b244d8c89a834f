"""SVG, written by hand: bars for the works, lines for growth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

from .report import CHOICE
from .svg import FAINT, INK, MARGIN, document, line, text

__all__ = ["bars", "lines"]

Row = dict[str, Any]

#: Works in the bar chart: more would not be read.
SHOWN = ("get", "get-64", "scan-for", "feed")

COLOURS = {"floor": "#6b7280", "ours": "#2563eb", "official": "#d97706"}

#: Narrow, so that a telephone shows them large enough.
WIDTH = 540

# Bars: the place for a loop's name, and the heights of a bar, of a loop, and of a work's title.
LABELS, BAR, LOOP, TITLE = 70, 14, 20, 32

# Lines: a panel for each growth, with its plot within and the names of its lines below.
PANEL, LEFT, ABOVE, BELOW, COLUMN, NAME = 390, 60, 60, 110, 170, 20
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
    """What ours costs as a share of the official package, with the floor as a mark."""
    rows = [row for row in rows if row["work"] in SHOWN and row["ours"] and row["official"]]
    rows.sort(key=lambda row: SHOWN.index(row["work"]))
    groups = [(CHOICE[work], list(group)) for work, group in groupby(rows, lambda row: row["work"])]
    shares = [(row[who] or 0) / row["official"] for row in rows for who in ("ours", "floor")]
    end = ceil(max([*shares, 1.0]) * 4) / 4
    left = MARGIN + LABELS

    def at(share: float) -> float:
        return left + share / end * (WIDTH - 60 - left)

    top = 80
    bottom = top + TITLE * len(groups) + LOOP * len(rows)
    return document(WIDTH, bottom + 40, [*_bars_frame(end, at, bottom), *_groups(groups, at, top)])


def _bars_frame(end: float, at: Callable[[float], float], bottom: float) -> Iterator[str]:
    title = "CPU of this driver; the official package takes 100 %"
    yield text(MARGIN, 26, title, font_weight="bold", font_size=16)
    yield text(MARGIN, 50, "shorter is better; the dark mark is the loop's floor", font_size=14)
    for step in range(round(end * 4) + 1):
        x = at(step / 4)
        yield line(x, 66, x, bottom, COLOURS["official"] if step == 4 else FAINT)
        yield text(x, bottom + 22, f"{step * 25} %", text_anchor="middle", font_size=14)


def _groups(
    groups: list[tuple[str, list[Row]]], at: Callable[[float], float], top: float
) -> Iterator[str]:
    y = top
    for title, rows in groups:
        yield text(MARGIN, y + 20, title, font_weight="bold", font_size=15)
        y += TITLE
        for row in rows:
            share = row["ours"] / row["official"]
            yield text(MARGIN + LABELS - 8, y + 14, row["loop"], text_anchor="end", font_size=14)
            yield _bar(at(0), y + 2, at(share) - at(0), COLOURS["ours"])
            yield text(at(share) + 6, y + 14, f"{share:.0%}".replace("%", " %"), font_size=13)
            if row["floor"]:
                x = at(row["floor"] / row["official"])
                yield f'<rect x="{x - 1.5:.1f}" y="{y}" width="3" height="{BAR + 4}" fill="{INK}"/>'
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
    right, lower = WIDTH - MARGIN - 20, top + PANEL - BELOW
    across = _scale(sizes[0], max(sizes[-1], sizes[0] * 2), LEFT, right)
    up = _scale(steps[0], steps[-1], lower, top + ABOVE)
    yield text(MARGIN, top + 24, f"Cost by {growth['title']}", font_weight="bold", font_size=16)
    yield text(MARGIN, top + 46, "µs of client CPU for an item", font_size=14)
    for step in steps:
        yield line(LEFT, up(step), right, up(step))
        yield text(LEFT - 8, up(step) + 5, f"{step:,g}", text_anchor="end", font_size=14)
    for size in sizes:
        yield line(across(size), lower, across(size), lower + 5, INK)
        yield text(across(size), lower + 22, f"{size:,}", text_anchor="middle", font_size=14)
    loops = list(dict.fromkeys(name.partition(", ")[2] for name in growth["curves"]))
    for number, (name, points) in enumerate(growth["curves"].items()):
        driver, _, loop = name.partition(", ")
        colour, dash = COLOURS[driver], DASHES[loops.index(loop) % len(DASHES)]
        known = [(size, value) for size, value in zip(sizes, points, strict=True) if value]
        yield from _curve([(across(size), up(value)) for size, value in known], colour, dash)
        row, column = divmod(number, len(COLOURS))
        x, y = MARGIN + column * COLUMN, lower + 52 + row * NAME
        yield line(x, y - 5, x + 28, y - 5, colour, dash)
        yield text(x + 34, y, name, font_size=14)


def _curve(places: list[tuple[float, float]], colour: str, dash: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    yield f'<polyline points="{path}" {style}/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
