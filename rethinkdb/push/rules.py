"""Which event a row of a changefeed is. Presence of a key decides, never the truth of its value."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from rethinkdb.typed.changes import Change

__all__ = ["RULES", "Rule", "event_of", "subscribed"]


class Rule(NamedTuple):
    """The rows of one kind.

    Attributes:
        event: what a row of this kind is called.
        keys: those that it has; their values are the event's.
        lacks: a key that it must not have.
        sign: a value that its key `state` must have.
    """

    event: str
    keys: tuple[str, ...]
    lacks: str | None = None
    sign: str | None = None


#: A row is of the first kind that fits and that somebody wants.
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
    """The rules for those who want these events only."""
    return tuple(rule for rule in RULES if rule.event in events)


def event_of(row: Any, rules: tuple[Rule, ...]) -> tuple[str, tuple[Any, ...]]:
    """A row's event and its values; `unhandled`, with the whole row, if no rule takes it.

    Feeds that were mapped have rows of any type.
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
