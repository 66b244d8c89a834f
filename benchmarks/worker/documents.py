"""The documents of the works: the same for every driver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["documents"]

EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)


def documents(first: int | str, count: int, kind: str) -> list[dict[str, Any]]:
    """Documents as an application has them.

    Args:
        first: the first key, or what all keys begin with.
        kind: a key of `KINDS`.
    """
    make = KINDS[kind]
    if isinstance(first, str):
        return [make(f"{first}{i}", i) for i in range(count)]
    return [make(i, i) for i in range(first, first + count)]


def plain(key: Any, i: int) -> dict[str, Any]:
    """Text, a nested object, short lists, a score for each month: 270 bytes of JSON.

    Seven were tried with the limit and the official package only, never with this driver, until one
    cost what the aims were set from: 2.5 and 6.0 µs to scan, 1.3 and 66 to 90 to insert; this one
    took 2.7 and 6.6, 1.3 and 89. It favours a fast driver most of the seven: the official package
    scanned the others in 1.3 to 2.0 times the limit, `small` among them, which has rows of its own.
    """
    return {
        "id": key,
        "name": f"Hero number {i}",
        "about": "Grew up on a farm, works for a newspaper.",
        "active": i % 3 == 0,
        "home": {"city": "Smallville", "position": [i % 180 - 90 + 0.25, i % 360 - 180 + 0.5]},
        "powers": ["flight", "strength"],
        "wins": i % 1000,
        "scores": [i * month % 1001 / 10 for month in range(1, 13)],
    }


def dated(key: Any, i: int) -> dict[str, Any]:
    """A plain one with a datetime."""
    return {**plain(key, i), "joined": EPOCH + timedelta(seconds=i)}


def small(key: Any, i: int) -> dict[str, Any]:
    """Flat, a few short strings and numbers: 100 bytes."""
    return {
        "id": key,
        "name": f"hero number {i}",
        "city": "Smallville",
        "strength": i * 0.25,
        "wins": i % 1000,
        "active": i % 3 == 0,
    }


KINDS: dict[str, Callable[[Any, int], dict[str, Any]]] = {
    "plain": plain,
    "dated": dated,
    "small": small,
}
