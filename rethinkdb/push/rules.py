"""Which event a changefeed row belongs to. Only the presence of keys decides, not their values."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from rethinkdb.typed.changes import Change

__all__ = ["RULES", "Rule", "event_of", "subscribed"]


class Rule(NamedTuple):
    """One kind of changefeed rows.

    Attributes:
        event: the name of the event for such a row.
        keys: keys that the row must have. Their values become the values of the event.
        lacks: a key that the row must not have.
        sign: the value that its key `state` must have; None: any.
    """

    event: str
    keys: tuple[str, ...]
    lacks: str | None = None
    sign: str | None = None


#: In order: a row belongs to the first kind that fits and that has a handler method or listener.
RULES = (
    Rule("change", ("old_val", "new_val")),
    Rule("initial", ("new_val",), lacks="old_val"),
    Rule("uninitial", ("old_val",), lacks="new_val"),
    Rule("change_error", ("error",)),
    Rule("gap", ("since", "until", "cause"), sign="gap"),
    Rule("state", ("state",)),
)

UNHANDLED = "unhandled"


def subscribed(events: Container[str]) -> tuple[Rule, ...]:
    """The rules for these events only."""
    return tuple(rule for rule in RULES if rule.event in events)


def event_of(row: Any, rules: tuple[Rule, ...]) -> tuple[str, tuple[Any, ...]]:
    """The event of a row, and the event's values. If no rule fits: `unhandled` and the whole row.

    A row can be of any type, since a feed may end with `map`.
    """
    if isinstance(row, Change):
        row = row.as_row()
    if isinstance(row, dict):
        for event, keys, lacks, sign in rules:
            if sign is not None and row.get("state") != sign:
                continue
            if lacks not in row and all(key in row for key in keys):
                return event, tuple(row[key] for key in keys)
    return UNHANDLED, (row,)
