"""`Change`: a row of a changefeed, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, get_origin

__all__ = ["Change", "change_of", "gap_of", "is_change", "lengthened"]

T = TypeVar("T")

# The fields of a changefeed row by its type. All other types have `old_val` and `new_val`.
_FIELDS = {
    "initial": ("new_val",),
    "uninitial": ("old_val",),
    "state": ("state",),
    "error": ("error",),
    "gap": ("state", "since", "until", "cause"),
}


@dataclass(slots=True, repr=False)
class Change(Generic[T]):
    """A row of a changefeed whose documents are objects of a class: `Change[Hero]`.

    A changefeed gives such rows if it is run with `as_type=Hero`, or if its table is
    `r.table(..., of=Hero)`.

    Attributes:
        old_val: the document before the change; None if there was none.
        new_val: the document after the change; None if there is none.
        type: what happened: `add`, `remove` or `change`. With `include_initial`: `initial` and
            `uninitial` for documents that existed at the start. With `include_states`: `state`.
            If the server has skipped changes: `error`. With `resume="restart"`: `gap`.
        state: `initializing`, `ready` or `gap`.
        error: the server's message about changes that it has skipped.
        old_offset, new_offset: the positions of the document, with `include_offsets`.
        since, until, cause: for a gap: its start, its end, and the error that caused it.

    Example:
        for change in r.table("heroes", of=Hero).changes().run(conn):
            if change.type == "add":
                print(change.new_val.name)
    """

    old_val: T | None = None
    new_val: T | None = None
    type: str | None = None
    state: str | None = None
    error: str | None = None
    old_offset: int | None = None
    new_offset: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    cause: Any = None

    def __post_init__(self) -> None:
        # The driver asks the server for the type, unless the query sets `include_types` itself.
        if self.type is None:
            self.type = self._likely_type()

    def _likely_type(self) -> str:
        if self.state is not None:
            return "state"
        if self.error is not None:
            return "error"
        if self.old_val is None:
            return "add"
        return "remove" if self.new_val is None else "change"

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in self.__slots__)
        fields = ", ".join(f"{name}={value!r}" for name, value in shown if value is not None)
        return f"Change({fields})"

    def as_row(self) -> dict[str, Any]:
        """The row as the dict that it is without `as_type`."""
        names = _FIELDS.get(self.type or "", ("old_val", "new_val"))
        return {name: getattr(self, name) for name in names}


def is_change(row_type: Any) -> bool:
    """Whether a type is `Change`, or `Change[...]`."""
    return row_type is Change or get_origin(row_type) is Change


def change_of(row_type: Any) -> Any:
    """The type of a feed's rows, for documents of type `row_type`: `Change[row_type]`."""
    return row_type if is_change(row_type) else Change[row_type]


def lengthened(gap: Any, until: datetime) -> None:
    """Set a later end for a gap."""
    if isinstance(gap, Change):
        gap.until = until
    else:
        gap["until"] = until


def gap_of(gap: dict[str, Any], row_type: Any) -> Any:
    """The row that reports a gap: a `Change` if the feed's rows are such, else a dict."""
    return Change(type="gap", **gap) if is_change(row_type) else gap
