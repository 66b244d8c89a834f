"""The two forms of a query, with variables numbered from 1 so that tests can spell them out."""

from __future__ import annotations

import re
from typing import Any


def wire(query: Any) -> Any:
    """What is sent."""
    return _renumber(query.build(), {})


def text(query: Any) -> str:
    """How it prints."""
    names: dict[str, str] = {}
    return re.sub(r"var_\d+", lambda m: names.setdefault(m[0], f"var_{len(names) + 1}"), str(query))


def _renumber(node: Any, numbers: dict[int, int]) -> Any:
    match node:
        case [69, [[2, parameters], body]]:
            mine = [numbers.setdefault(number, len(numbers) + 1) for number in parameters]
            return [69, [[2, mine], _renumber(body, numbers)]]
        case [10, [int(number)]]:
            return [10, [numbers[number]]]
        case list():
            return [_renumber(item, numbers) for item in node]
        case dict():
            return {key: _renumber(item, numbers) for key, item in node.items()}
    return node
