"""Results as text: JSON, one JSON value per line, or a table. No I/O."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

FORMATS = ("json", "ndjson", "table")

_LEAST_COLUMN = 8  # narrower, a column says little
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

    If not all columns fit, `id` is the first one, and a last line names those that are missing.

    Args:
        rows: documents, or any values.
        width: the largest number of characters in a line.
    """
    documents = [row if isinstance(row, dict) else {"value": row} for row in rows]
    names = list(dict.fromkeys(name for row in documents for name in map(str, row)))
    if not names:
        return ["(nothing)"]
    texts = {name: [_cell(row[name]) if name in row else "" for row in documents] for name in names}
    sizes = {name: max(map(cells, [_cell(name), *texts[name]])) for name in names}
    shown = _first_that_fit(names, sizes, width)
    if len(shown) < len(names):
        names.sort(key=lambda name: name != "id")
        shown = _first_that_fit(names, sizes, width)
    lines = columns(
        list(zip(*([_cell(name), *texts[name]] for name in shown), strict=True)), width, ruled=True
    )
    if len(shown) < len(names):
        missing = names[len(shown) :]
        note = f"({counted(len(missing), 'more column')}: {', '.join(map(_cell, missing))})"
        lines.append(_cut(note, width))
    return lines


def _first_that_fit(names: Sequence[str], sizes: Mapping[str, int], width: int) -> list[str]:
    """The columns that fit beside each other, when the wide ones are cut. One at least."""
    shown: list[str] = []
    left = width + len(_GAP)
    for name in names:
        left -= min(sizes[name], _LEAST_COLUMN) + len(_GAP)
        if left < 0 and shown:
            break
        shown.append(name)
    return shown


def columns(lines: Sequence[Sequence[str]], width: int, *, ruled: bool = False) -> list[str]:
    """Cells as lines with aligned columns. The first line is the head.

    Args:
        lines: the cells of each line.
        width: the largest number of characters in a line. The widest columns are cut.
        ruled: draw a line below the head.
    """
    widths = _fitted([max(map(cells, column)) for column in zip(*lines, strict=True)], width)
    texts = [
        _GAP.join(_padded(cell, size) for cell, size in zip(line, widths, strict=False))
        for line in lines
    ]
    if ruled:
        texts.insert(1, _GAP.join("─" * size for size in widths))
    return [text.rstrip() for text in texts]


def _fitted(widths: list[int], width: int) -> list[int]:
    """The widths of as many columns as fit. The widest ones are made narrower."""
    most = max(1, (width + len(_GAP)) // (1 + len(_GAP)))
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


def cells(text: str) -> int:
    """How many cells of a terminal a text takes. Chinese characters and emoji take two."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def _cells_of(sign: str) -> int:
    if unicodedata.east_asian_width(sign) in "WF":
        return 2
    return 0 if unicodedata.category(sign) in ("Mn", "Me", "Cf") else 1


def _padded(text: str, size: int) -> str:
    text = _cut(text, size)
    return text + " " * (size - cells(text))


def _cut(text: str, size: int) -> str:
    if cells(text) <= size:
        return text
    kept, left = 0, size - 1
    while left >= (needed := _cells_of(text[kept])):
        left -= needed
        kept += 1
    return f"{text[:kept]}…"


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
