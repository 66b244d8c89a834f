"""`Change`: a row of a changefeed, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, get_origin

__all__ = ["Change", "change_of", "gap_of", "is_change", "lengthened"]

T = TypeVar("T")

# The fields that the rows of a type have, where those are not `old_val` and `new_val`.
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

    Feeds give these when they are run with `as_type=Hero`, or when their table was made with
    `of=Hero`.

    Attributes:
        old_val: the document as it was; None if there was none.
        new_val: the document as it is; None if there is none.
        type: what happened: `add`, `remove`, `change`; `initial` and `uninitial` for documents that
            were there, with `include_initial`; `state`, with `include_states`; `error`, if the
            server has skipped changes; `gap`, with `resume="restart"`.
        state: `initializing`, `ready` or `gap`.
        error: what the server says of changes that it has skipped.
        old_offset, new_offset: with `include_offsets`.
        since, until, cause: of a gap.

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
        # The server says the type, as the driver asks it to; but not if the query says otherwise.
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
        """The fields that the same row has without a type."""
        names = _FIELDS.get(self.type or "", ("old_val", "new_val"))
        return {name: getattr(self, name) for name in names}


def is_change(row_type: Any) -> bool:
    """Whether a type is `Change`, or `Change[...]`."""
    return row_type is Change or get_origin(row_type) is Change


def change_of(row_type: Any) -> Any:
    """The type of the rows of a feed, whose documents are of a type."""
    return row_type if is_change(row_type) else Change[row_type]


def lengthened(gap: Any, until: datetime) -> None:
    """Let a gap end later."""
    if isinstance(gap, Change):
        gap.until = until
    else:
        gap["until"] = until


def gap_of(gap: dict[str, Any], row_type: Any) -> Any:
    """What tells of a gap in a feed whose rows are of a type."""
    return Change(type="gap", **gap) if is_change(row_type) else gap
