"""The drawings of a simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from ..svg import FAINT, INK, MARGIN, WIDTH, document, line, text

__all__ = ["Axis", "curves", "high", "points"]

HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 340, 70, 230, 64, 56
COLOURS = ("#2563eb", "#d97706", "#6b7280")

Points = Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """What an axis says, and from where to where it goes."""

    title: str
    low: float
    high: float


def curves(title: str, across: Axis, up: Axis, series: Mapping[str, Points]) -> str:
    """Lines, each with a name."""
    return _chart(title, across, up, series, _curve)


def points(title: str, across: Axis, up: Axis, series: Mapping[str, Points]) -> str:
    """Dots."""
    return _chart(title, across, up, series, _dots)


def _chart(
    title: str,
    across: Axis,
    up: Axis,
    series: Mapping[str, Points],
    draw: Callable[[list[tuple[float, float]], str], Iterator[str]],
) -> str:
    right, lower = WIDTH - RIGHT, HEIGHT - BELOW
    parts = [text(MARGIN, 24, title, font_weight="bold"), text(MARGIN, 44, up.title, font_size=11)]
    parts += _grid(across, up, right, lower)
    for number, (name, places) in enumerate(series.items()):
        colour, y = COLOURS[number % len(COLOURS)], ABOVE + 12 + 20 * number
        at = [
            (_at(x, across, LEFT, right), _at(y_value, up, lower, ABOVE)) for x, y_value in places
        ]
        parts += draw(at, colour)
        parts += [line(right + 16, y - 4, right + 46, y - 4, colour), text(right + 54, y, name)]
    return document(WIDTH, HEIGHT, parts)


def _grid(across: Axis, up: Axis, right: float, lower: float) -> Iterator[str]:
    yield text((LEFT + right) / 2, lower + 42, across.title, text_anchor="middle")
    for step in _steps(up):
        y = _at(step, up, lower, ABOVE)
        yield line(LEFT, y, right, y)
        yield text(LEFT - 8, y + 4, f"{step:,g}", text_anchor="end")
    for step in _steps(across):
        x = _at(step, across, LEFT, right)
        yield line(x, lower, x, ABOVE if step == 0 else lower + 5, INK if step == 0 else FAINT)
        yield text(x, lower + 20, f"{step:,g}", text_anchor="middle")


def _at(value: float, axis: Axis, start: float, end: float) -> float:
    """Where a value stands, at most at the end of its axis."""
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return start + share * (end - start)


def _steps(axis: Axis) -> list[float]:
    """Some round numbers from one end of an axis to the other."""
    rough = (axis.high - axis.low) / 8
    decade = 10.0 ** floor(log10(rough))
    step = next(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= rough)
    first, last = ceil(axis.low / step), floor(axis.high / step)
    return [number * step for number in range(first, last + 1)]


def _curve(places: list[tuple[float, float]], colour: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _dots(places: list[tuple[float, float]], colour: str) -> Iterator[str]:
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" fill-opacity="0.7"/>'


def high(values: Sequence[float], least: float) -> float:
    """Where an axis for some values ends: at a round number above them."""
    top = max([*values, least]) * 1.05
    decade = 10.0 ** floor(log10(top))
    return next(step * decade for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * decade >= top)
