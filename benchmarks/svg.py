"""SVG by hand: what all charts are drawn with."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

__all__ = ["FAINT", "INK", "MARGIN", "WIDTH", "document", "line", "text"]

WIDTH, MARGIN = 900, 16
INK, FAINT = "#111827", "#e5e7eb"


def document(width: int, height: float, parts: Iterable[str]) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'viewBox="0 0 {width} {height:.0f}" font-family="sans-serif" font-size="12">'
    )
    background = f'<rect width="{width}" height="{height:.0f}" fill="white"/>'
    return "\n".join([opening, background, *parts, "</svg>", ""])


def text(x: float, y: float, words: str, **attributes: Any) -> str:
    given = {"fill": INK, **attributes}
    more = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in given.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, dash: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-dasharray="{dash}"/>'
