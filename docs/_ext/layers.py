"""The directive `layers`: the drawing of the packages, made from the table that the tests hold.

A package stands in the row above the highest of those that it may import. A line leads to each of
these that is not reached by way of another one.
"""

from __future__ import annotations

import importlib
from html import escape
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from tests.test_layering import ALLOWED

TABLE: dict[str, set[str]] = ALLOWED

WIDTH = 860
BOX_HEIGHT = 46
ROW_HEIGHT = 92
GAP = 14

STYLE = """
.layers rect { fill: var(--color-background-secondary); stroke: var(--color-brand-primary); }
.layers path { fill: none; stroke: var(--color-foreground-muted); stroke-opacity: .55; }
.layers text { fill: var(--color-foreground-primary); text-anchor: middle; font-size: 13px; }
.layers text.name { font-weight: 600; }
.layers text.what { font-size: 10.5px; fill: var(--color-foreground-secondary); }
"""

# What stands in each box, below the name.
WORDS = {
    "version": "the number",
    "ql2": "the protocol's numbers",
    "errors": "the tree of errors",
    "pseudotypes": "times, binary data",
    "replies": "what a reply must be",
    "codec": "JSON and values",
    "repl": "default connection",
    "reql": "the query language",
    "net": "the wire core",
    "pool": "which connection, when",
    "push": "handlers, events",
    "monitoring": "events for listeners",
    "otel": "OpenTelemetry",
    "loops": "a room for each loop",
    "tools": "dump and its kin",
    "embedded": "the server",
    "testing": "conformance, faults",
}


def layers(table: dict[str, set[str]]) -> dict[str, int]:
    """The row of each package, from below."""
    rows: dict[str, int] = {}

    def row_of(name: str) -> int:
        if name not in rows:
            rows[name] = 1 + max(map(row_of, table[name]), default=-1)
        return rows[name]

    for name in table:
        row_of(name)
    return rows


def lines(table: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Who leads to whom, without what another line says already."""

    def reached(name: str) -> set[str]:
        return set().union(*({below} | reached(below) for below in table[name]))

    return [
        (name, below)
        for name, allowed in table.items()
        for below in sorted(allowed)
        if not any(below in reached(other) for other in allowed)
    ]


def drawing(table: dict[str, set[str]]) -> str:
    """The drawing, as SVG that takes its colours from the page."""
    table = {name: allowed & WORDS.keys() for name, allowed in table.items() if name in WORDS}
    rows = layers(table)
    height = (max(rows.values()) + 1) * ROW_HEIGHT
    places = _places(rows, height)
    parts = [f'<svg class="layers" viewBox="0 0 {WIDTH} {height}" role="img">']
    parts.append(f"<title>Who imports whom</title><style>{STYLE}</style>")
    parts += [_line(places[name], places[below]) for name, below in lines(table)]
    parts += [_box(name, *places[name]) for name in table]
    return "".join([*parts, "</svg>"])


def _places(rows: dict[str, int], height: int) -> dict[str, tuple[float, float, float]]:
    """Left edge, top edge and width of each box."""
    places = {}
    for row in range(max(rows.values()) + 1):
        names = [name for name, its in rows.items() if its == row]
        width = min(170.0, (WIDTH - GAP * (len(names) + 1)) / len(names))
        left = (WIDTH - len(names) * (width + GAP) + GAP) / 2
        top = height - (row + 1) * ROW_HEIGHT + (ROW_HEIGHT - BOX_HEIGHT) / 2
        for number, name in enumerate(names):
            places[name] = (left + number * (width + GAP), top, width)
    return places


def _line(above: tuple[float, float, float], below: tuple[float, float, float]) -> str:
    x, y = above[0] + above[2] / 2, above[1] + BOX_HEIGHT
    to_x, to_y = below[0] + below[2] / 2, below[1]
    middle = (y + to_y) / 2
    curve = f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"
    return f'<path d="M{x:.0f} {y:.0f}{curve}"/>'


def _box(name: str, left: float, top: float, width: float) -> str:
    middle = left + width / 2
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{middle:.0f}" y="{top + 19:.0f}">{escape(name)}</text>'
        f'<text class="what" x="{middle:.0f}" y="{top + 35:.0f}">{escape(WORDS[name])}</text>'
    )


class Layers(SphinxDirective):
    """See the module."""

    def run(self) -> list[nodes.Node]:
        """The drawing."""
        self.env.note_dependency(importlib.import_module("tests.test_layering").__file__)
        return [nodes.raw("", drawing(TABLE), format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("layers", Layers)
    return {"parallel_read_safe": True}
