"""The result of a write: counts, first error, changes. Results of several writes are added up."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import logic


class ReturnChanges(enum.Enum):
    """Which documents a write reports back."""

    NO = "none"
    CHANGED = "those that changed"
    ALWAYS = "all, failed ones included"


OUTCOMES = ("deleted", "errors", "inserted", "replaced", "skipped", "unchanged")


@dataclass(slots=True)
class Tally:
    """The result of one write, as it grows document by document."""

    return_changes: ReturnChanges
    array_limit: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    first_error: str | None = None
    last_error: str = ""
    changes: list[Datum] = field(default_factory=list)
    generated_keys: list[str] = field(default_factory=list)
    keys_left_out: int = 0
    any_documents: bool = False

    def wrote(self, old: Datum, new: Datum, *, changed: bool) -> None:
        """Counts a document that was written, changed or not. None means: no document."""
        self.any_documents = True
        self.counts[_outcome(old, new, changed)] += 1
        if self.return_changes is ReturnChanges.NO:
            return
        if changed or self.return_changes is ReturnChanges.ALWAYS:
            self._report({"old_val": old, "new_val": new})

    def failed(self, old: Datum, message: str) -> None:
        """Counts a document that could not be written."""
        self._count_error(message)
        if self.return_changes is ReturnChanges.ALWAYS:
            self._report({"old_val": old, "new_val": old, "error": message})

    def refused(self, message: str) -> None:
        """Counts a document that could not be looked up. A real server always reports these."""
        self._count_error(message)
        if self.return_changes is not ReturnChanges.NO:
            self._report({"old_val": None, "new_val": None, "error": message})

    def failed_early(self, message: str) -> None:
        """Counts a document that could not be computed. A real server does not report these."""
        self._count_error(message)

    def _count_error(self, message: str) -> None:
        self.any_documents = True
        self.counts["errors"] += 1
        self.last_error = message
        if self.first_error is None:
            self.first_error = message

    def _report(self, change: dict[str, Datum]) -> None:
        if (
            len(self.changes) <= self.array_limit
        ):  # one more than fits, to know that some are left out
            self.changes.append(change)

    def generated(self, key: str) -> None:
        """Adds a key that was generated for a document."""
        if len(self.generated_keys) < self.array_limit:
            self.generated_keys.append(key)
        else:
            self.keys_left_out += 1

    def as_datum(self) -> dict[str, Datum]:
        """The result as a document for the client."""
        result: dict[str, Datum] = dict(self.counts)
        warnings = []
        if self.first_error is not None:
            result["first_error"] = self.first_error
        if self.any_documents and self.return_changes is not ReturnChanges.NO:
            result["changes"] = self.changes[: self.array_limit]
            if len(self.changes) > self.array_limit:
                warnings.append(_too_many_changes(self.array_limit))
        if self.generated_keys:
            result["generated_keys"] = self.generated_keys
        if self.keys_left_out:
            kept = len(self.generated_keys)
            warnings.append(
                f"Too many generated keys ({kept + self.keys_left_out}), array truncated to {kept}."
            )
        if warnings:
            result["warnings"] = warnings
        return result


def _outcome(old: Datum, new: Datum, changed: bool) -> str:
    if old is None:
        return "skipped" if new is None else "inserted"
    if new is None:
        return "deleted"
    return "replaced" if changed else "unchanged"


def _too_many_changes(limit: int) -> str:
    return f"Too many changes, array truncated to {limit}."


class Total:
    """The sum of the results of several writes, as `for_each` gives it."""

    def __init__(self, array_limit: int) -> None:
        self._fields: dict[str, Datum] = {}
        self._warnings: list[str] = []
        self._array_limit = array_limit

    def add(self, result: dict[str, Datum]) -> None:
        """Adds one result: sums numbers, joins arrays, and keeps the first of several texts."""
        for name in sorted(result):
            value = result[name]
            known = name in self._fields
            self._fields[name] = self._joined(self._fields[name], value) if known else value

    def _joined(self, left: Datum, right: Datum) -> Datum:
        if datum.is_number(left) and datum.is_number(right):
            return datum.number(left + right)
        if isinstance(left, list) and isinstance(right, list):
            return self._joined_arrays(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return left
        described = (f"`{datum.truncated(x)}` (type {datum.type_name(x)})" for x in (left, right))
        raise logic(f"Cannot merge statistics {' and '.join(described)}.")

    def _joined_arrays(self, left: list[Datum], right: list[Datum]) -> list[Datum]:
        joined = left + right
        if len(joined) <= self._array_limit:
            return joined
        warning = _too_many_changes(self._array_limit)
        if warning not in self._warnings:
            self._warnings.append(warning)
        return joined[: self._array_limit]

    def as_datum(self) -> dict[str, Datum]:
        """The sum."""
        if not self._warnings:
            return self._fields
        mentioned = self._fields.get("warnings", [])
        return {**self._fields, "warnings": [*mentioned, *self._warnings]}
