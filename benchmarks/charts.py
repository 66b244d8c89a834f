"""SVG, written by hand: bars for the works, lines for growth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

__all__ = ["bars", "lines"]

WIDTH, LABELS, ROW = 900, 260, 26
COLOURS = {"ours": "#2563eb", "incumbent": "#d97706", "limit": "#6b7280"}
PALETTE = ("#6b7280", "#2563eb", "#d97706", "#0d9488", "#b91c1c", "#7c3aed")
PANEL = 300


def _document(width: int, height: int, parts: Iterable[str]) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12">'
    )
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([opening, background, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#111827") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e5e7eb") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def bars(rows: list[dict[str, Any]]) -> str:
    """Ours and the incumbent as multiples of the limit, one pair of bars per work and loop."""
    rows = [row for row in rows if row["limit"] and row["ours"]]
    most = max((max(row["ours"], row["incumbent"] or 0) / row["limit"] for row in rows), default=10)
    decades = max(1, ceil(log10(most)))
    scale = (WIDTH - LABELS - 60) / decades
    bottom = 50 + ROW * len(rows)
    parts = [
        _text(10, 20, "Client CPU per item, as a multiple of the limit (a bare socket)"),
        _text(LABELS, 40, "ours", colour=COLOURS["ours"]),
        _text(LABELS + 40, 40, "incumbent", colour=COLOURS["incumbent"]),
    ]
    for decade in range(decades + 1):
        x = LABELS + scale * decade
        parts += [_line(x, 46, x, bottom), _text(x, bottom + 16, f"{10**decade:,} ×", "middle")]
    for number, row in enumerate(rows):
        top = 50 + ROW * number
        parts.append(_text(LABELS - 8, top + 15, f"{row['work']}, {row['loop']}", "end"))
        for offset, driver in ((2, "ours"), (12, "incumbent")):
            if row[driver]:
                parts.append(_bar(top + offset, row[driver] / row["limit"], scale, driver))
    return _document(WIDTH, bottom + 30, parts)


def _bar(y: float, times: float, scale: float, driver: str) -> str:
    length = max(1.0, log10(max(times, 1)) * scale)
    bar = f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="9" fill="{COLOURS[driver]}"/>'
    label = f'<text x="{LABELS + length + 4:.1f}" y="{y + 8}" font-size="9">{times:.2f}</text>'
    return bar + label


def lines(growths: Sequence[dict[str, Any]]) -> str:
    """The cost per item against size, both on logarithmic scales; one panel per growth."""
    parts = [part for n, growth in enumerate(growths) for part in _panel(growth, n * PANEL)]
    return _document(WIDTH, PANEL * max(1, len(growths)), parts)


def _panel(growth: dict[str, Any], top: float) -> list[str]:
    values = [value for points in growth["curves"].values() for value in points if value]
    if not values:
        return []
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    first, last = log10(growth["sizes"][0]), log10(growth["sizes"][-1])
    left, right, upper, lower = 60, WIDTH - 200, top + 40, top + PANEL - 40

    def at(size: int, value: float) -> tuple[float, float]:
        across = (log10(size) - first) / max(last - first, 1e-9)
        up = (log10(value) - low) / max(high - low, 1)
        return left + across * (right - left), lower - up * (lower - upper)

    parts = [_text(10, top + 20, f"µs of client CPU per item, by {growth['title']}")]
    for decade in range(low, high + 1):
        y = at(growth["sizes"][0], 10.0**decade)[1]
        parts += [_line(left, y, right, y), _text(left - 6, y + 4, f"{10.0**decade:,g}", "end")]
    parts += [
        _text(at(size, 10.0**low)[0], lower + 18, f"{size:,}", "middle") for size in growth["sizes"]
    ]
    for number, (name, points) in enumerate(growth["curves"].items()):
        colour = PALETTE[number % len(PALETTE)]
        pairs = zip(growth["sizes"], points, strict=True)
        path = " ".join("{:.1f},{:.1f}".format(*at(size, value)) for size, value in pairs if value)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(right + 16, upper + 18 * number, name, colour=colour))
    return parts
