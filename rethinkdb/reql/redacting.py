"""Printing queries without the values in them: for logs and traces, which strangers may read.

Each value is `?`: numbers, strings, whole documents. What remains is what the program says, not
its data: commands, and the names of databases, tables, indexes and fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rethinkdb.reql.printing import Piece, Printer, documents, mapping, pieces_of

__all__ = ["RedactingPrinter"]

_PLACEHOLDER = "?"

# The commands whose strings are names: all of them, or all but the first, which is what the command
# is called on.
_NAMED = frozenset({"asc", "db", "db_create", "db_drop", "desc"})
_NAMED_AFTER_FIRST = frozenset(
    {
        "_bracket",
        "avg",
        "get_field",
        "group",
        "has_fields",
        "index_create",
        "index_drop",
        "index_rename",
        "index_status",
        "index_wait",
        "max",
        "min",
        "order_by",
        "pluck",
        "sum",
        "with_fields",
        "without",
    }
)
_TABLES = frozenset({"table", "table_create", "table_drop"})

# The options whose strings are names, or one of a few words.
_NAMED_OPTIONS = frozenset(
    {
        "conflict",
        "durability",
        "emergency_repair",
        "format",
        "group_format",
        "index",
        "left_bound",
        "primary_key",
        "read_mode",
        "right_bound",
        "unit",
        "wait_for",
    }
)


class RedactingPrinter(Printer):
    """Collects the text of a query, with `?` for each value."""

    def _pieces(self, node: Any, parent: Any, key: int | str | None) -> Iterator[Piece]:
        prints = getattr(node, "_prints", None)
        if prints is mapping or prints is documents or type(node) in (list, dict):
            return iter((_PLACEHOLDER,))
        if prints is not None and not hasattr(node, "data"):
            return pieces_of(node)
        value = node._nodes[0] if prints is not None else node
        return iter((repr(value) if _is_name(value, parent, key) else _PLACEHOLDER,))


def _is_name(value: Any, parent: Any, key: int | str | None) -> bool:
    """Whether a scalar is no data: a name, or a switch."""
    if isinstance(key, str):
        return isinstance(value, bool) or (isinstance(value, str) and key in _NAMED_OPTIONS)
    if not isinstance(value, str):
        return False
    statement = getattr(parent, "statement", "")
    if statement in _NAMED:
        return True
    if statement in _TABLES:
        return bool(key) or len(parent._nodes) == 1
    return statement in _NAMED_AFTER_FIRST and bool(key)
