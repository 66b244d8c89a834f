"""Tables of Markdown pages."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"

_CELL = re.compile(r"(?<!\\)\|")


def rows_of(page: str, header: str) -> list[list[str]]:
    """The rows, as lists of cells, of all tables of a page that have this header row."""
    found: list[list[str]] = []
    lines = iter((DOCS / page).read_text().splitlines())
    for line in lines:
        if line != header:
            continue
        next(lines)  # the rule below the header
        for row in lines:
            if not row.startswith("|"):
                break
            found.append([cell.strip().replace("\\|", "|") for cell in _CELL.split(row)[1:-1]])
    return found
