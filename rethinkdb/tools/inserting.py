"""Inserts rows of files, as text, and finds out which of them a server refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rethinkdb import query as r
from rethinkdb.codec import loads
from rethinkdb.errors import ReqlQueryLogicError, ReqlResourceLimitError
from rethinkdb.tools.failures import BadRow
from rethinkdb.tools.layout import TableName
from rethinkdb.tools.rows import Row, RowGroup
from rethinkdb.tools.running import Runner
from rethinkdb.tools.tables import table_term

__all__ = ["Inserter", "Target"]

_MOST_TEXT = 100 * 1024 * 1024
"""Bytes that may go as one text: a query of the server cannot hold much more."""

_REFUSED = (ReqlQueryLogicError, ReqlResourceLimitError)


class Target(NamedTuple):
    """Where rows go, and how.

    Attributes:
        name: the table.
        primary_key: the name of the field.
        conflict: "error", "replace", or "keep": what is there stays as it is.
        hard: wait until rows are on disk.
    """

    name: TableName
    primary_key: str
    conflict: str = "error"
    hard: bool = False


class Inserter:
    """Inserts rows into a table. Any number of threads may use it at once.

    Args:
        runner: where to run queries.
        target: where the rows go.
        bad: is told of each row that cannot be inserted.
    """

    def __init__(self, runner: Runner, target: Target, bad: Callable[[BadRow], None]) -> None:
        self._runner = runner
        self._target = target
        self._bad = bad
        self._table = table_term(target.name)

    def insert(self, group: RowGroup) -> int:
        """Inserts rows; gives how many of them are in the table now."""
        try:
            result = self._run(b"[%b]" % group.text)
        except _REFUSED as error:
            if group.number == 1:
                self._bad(_refused(next(group.rows()), _first_line(error)))
                return 0
            return self._insert_each(group, earlier=False)
        if not result["errors"]:
            return group.number
        if group.number == 1:
            self._bad(_refused(next(group.rows()), result["first_error"]))
            return 0
        return self._insert_each(group, earlier=True)

    def _run(self, text: bytes) -> Any:
        values = _values(text)
        # After a lost connection the rows may be there, and then they are ours.
        return self._runner.persist(
            lambda: self._runner.run(self._term(values, self._target.conflict)),
            lambda: self._runner.run(self._term(values, self._again)),
        )

    @property
    def _again(self) -> str:
        return "replace" if self._target.conflict == "replace" else "keep"

    def _term(self, values: Any, conflict: str) -> Any:
        options: dict[str, Any] = {"durability": "hard" if self._target.hard else "soft"}
        options["conflict"] = (lambda key, old, new: old) if conflict == "keep" else conflict
        return self._table.insert(values, **options)

    # -- one by one

    def _insert_each(self, group: RowGroup, *, earlier: bool) -> int:
        """The rows one by one, as at least one of them is refused.

        Args:
            group: the rows.
            earlier: whether an earlier try has inserted those that are not.
        """
        done, seen = 0, set()
        for row in group.rows():
            key = repr(loads(row.text).get(self._target.primary_key, row.place))
            problem = self._problem_of(row, twice=key in seen, earlier=earlier)
            seen.add(key)
            if problem is None:
                done += 1
            else:
                self._bad(_refused(row, problem))
        return done

    def _problem_of(self, row: Row, *, twice: bool, earlier: bool) -> str | None:
        """What the server has against a row, which it is to insert; None: nothing."""
        try:
            result = self._run(b"[%b]" % row.text)
        except _REFUSED as error:
            return _first_line(error)
        if not result["errors"]:
            return None
        # What the earlier try has inserted itself is in nobody's way.
        if earlier and not twice and self._is_there(row):
            return None
        return str(result["first_error"])

    def _is_there(self, row: Row) -> bool:
        value = loads(row.text)
        key = value.get(self._target.primary_key)
        if key is None:
            return False
        same = self._table.get(key).eq(r.json(row.text.decode()))
        try:
            return bool(self._runner.ask(same))
        except _REFUSED:  # it is no key
            return False


def _values(text: bytes) -> Any:
    """An array of rows, for a query."""
    # As a string in the query each quote and backslash takes two bytes.
    if len(text) + text.count(b'"') + text.count(b"\\") <= _MOST_TEXT:
        return r.json(text.decode())
    return loads(text)


def _refused(row: Row, reason: str) -> BadRow:
    return BadRow(row.place, f"the server refuses it: {_shortened(reason)}", row.text, True)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", "") or error)


def _shortened(reason: str) -> str:
    line = " ".join(reason.split()).rstrip(".")
    return line if len(line) <= 300 else f"{line[:300]}..."
