"""Results as text: JSON, one JSON value per line, or a table. No I/O."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

FORMATS = ("json", "ndjson", "table")

_LEAST_COLUMN = 4
_GAP = "  "


def json_text(value: Any, indent: int | None = None) -> str:
    """A result as JSON. Times are in ISO 8601, binary data in base64."""
    separators = None if indent is not None else (",", ":")
    return json.dumps(
        _with_text_keys(value),
        ensure_ascii=False,
        indent=indent,
        separators=separators,
        default=_plain,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (set, frozenset)):
        return list(value)
    return str(value)


def _with_text_keys(value: Any) -> Any:
    """Turns the keys of groups into text, because JSON has no other keys."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else json.dumps(key, default=_plain): _with_text_keys(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_with_text_keys(item) for item in value]
    return value


def table_lines(rows: Sequence[Any], width: int) -> list[str]:
    """Rows as lines of a table. Each field has a column, in the order of the first occurrence.

    Args:
        rows: documents, or any values.
        width: the largest number of characters in a line.
    """
    documents = [row if isinstance(row, dict) else {"value": row} for row in rows]
    names = list(dict.fromkeys(name for row in documents for name in map(str, row)))
    if not names:
        return ["(nothing)"]
    cells = [[_cell(row[name]) if name in row else "" for name in names] for row in documents]
    return columns([names, *cells], width, ruled=True)


def columns(lines: Sequence[Sequence[str]], width: int, *, ruled: bool = False) -> list[str]:
    """Cells as lines with aligned columns. The first line is the head.

    Args:
        lines: the cells of each line.
        width: the largest number of characters in a line. The widest columns are cut.
        ruled: draw a line below the head.
    """
    widths = _fitted([max(map(len, column)) for column in zip(*lines, strict=True)], width)
    texts = [
        _GAP.join(_cut(cell, size).ljust(size) for cell, size in zip(line, widths, strict=False))
        for line in lines
    ]
    if ruled:
        texts.insert(1, _GAP.join("─" * size for size in widths))
    return [text.rstrip() for text in texts]


def _fitted(widths: list[int], width: int) -> list[int]:
    """The widths of as many columns as fit. The widest ones are made narrower."""
    most = max(1, (width + len(_GAP)) // (_LEAST_COLUMN + len(_GAP)))
    widths = [max(size, 1) for size in widths[:most]]
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        others = sorted(widths)[-2] if len(widths) > 1 else 1
        # Shrinks to the second widest, or by the surplus if that is less, but by 1 at least.
        step = max(1, min(widths[widest] - others, sum(widths) - room))
        widths[widest] = max(1, widths[widest] - step)
    return widths


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json_text(value)
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"


def change_line(change: dict[str, Any]) -> str:
    """An item of a feed in one line: an added, removed or changed row."""
    if "state" in change or "error" in change:
        return f"# {json_text(change)}"
    old, new = change.get("old_val"), change.get("new_val")
    if old is None:
        return f"+ {json_text(new)}"
    if new is None:
        return f"- {json_text(old)}"
    return f"~ {json_text(new)}   was {json_text(_differing(old, new))}"


def _differing(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return old
    return {name: value for name, value in old.items() if name not in new or new[name] != value}


def report(title: str, lines: Iterable[str]) -> list[str]:
    """A part of a report: a title, and lines below it."""
    return [title, *(f"  {line}" for line in lines), ""]


def counted(number: int, word: str, plural: str | None = None) -> str:
    """A number of things: `1 row`, `2 rows`."""
    return f"{number} {word if number == 1 else plural or f'{word}s'}"
