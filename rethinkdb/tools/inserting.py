"""Inserts rows of files as text, and finds the rows that a server refuses."""

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
"""Bytes of rows in one query. A server does not accept much longer queries."""

_REFUSED = (ReqlQueryLogicError, ReqlResourceLimitError)


class Target(NamedTuple):
    """The table for rows, and how to insert them.

    Attributes:
        name: the table.
        primary_key: the name of the primary key.
        conflict: "error", "replace" or "keep". "keep" leaves existing rows unchanged.
        hard: wait until rows are on disk.
        hook: what the table's write hook does. "none": there is none. "ignored": rows are stored
            as the file has them. "runs": it sees all rows except existing ones that are kept.
    """

    name: TableName
    primary_key: str
    conflict: str = "error"
    hard: bool = False
    hook: str = "none"


class Inserter:
    """Inserts rows into a table. Any number of threads may use it at once.

    Args:
        runner: runs the queries.
        target: the table.
        bad: is called with each row that cannot be inserted.
    """

    def __init__(self, runner: Runner, target: Target, bad: Callable[[BadRow], None]) -> None:
        self._runner = runner
        self._target = target
        self._bad = bad
        self._table = table_term(target.name)

    def insert(self, group: RowGroup) -> int:
        """Inserts rows. Returns how many of them are in the table now."""
        try:
            result = self._run(group.text, group.number)
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

    def _run(self, text: bytes, number: int) -> Any:
        # A row may be large, so one alone is not copied into an array, unless it is to be filtered.
        alone = number == 1 and self._target.hook != "runs"
        values = _values(text if alone else b"[%b]" % text)
        # After a lost connection, existing rows may come from our own earlier try.
        return self._runner.persist(
            lambda: self._runner.run(self._term(values, self._target.conflict)),
            lambda: self._runner.run(self._term(values, self._again)),
        )

    @property
    def _again(self) -> str:
        return "replace" if self._target.conflict == "replace" else "keep"

    def _term(self, values: Any, conflict: str) -> Any:
        options: dict[str, Any] = {"durability": "hard" if self._target.hard else "soft"}
        if self._target.hook == "ignored":
            options["ignore_write_hook"] = True
        if conflict == "keep" and self._target.hook == "runs":
            # The hook would run on rows that `conflict` keeps, too, and could change them.
            return self._table.insert(r.expr(values).filter(self._is_new), **options)
        options["conflict"] = (lambda key, old, new: old) if conflict == "keep" else conflict
        return self._table.insert(values, **options)

    def _is_new(self, row: Any) -> Any:
        key = self._target.primary_key
        return row.has_fields(key).not_() | self._table.get(row[key]).eq(None)

    # -- one by one

    def _insert_each(self, group: RowGroup, *, earlier: bool) -> int:
        """Inserts the rows one by one, because the server refused at least one of them.

        Args:
            group: the rows.
            earlier: whether an earlier try may have inserted some of them.
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
        """Inserts a row. Returns the server's reason for refusing it; None if it is inserted."""
        try:
            result = self._run(row.text, 1)
        except _REFUSED as error:
            return _first_line(error)
        if not result["errors"]:
            return None
        # A row that the earlier try inserted is not a conflict.
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
        except _REFUSED:  # the value cannot be a key
            return False


def _values(text: bytes) -> Any:
    """The term for an array of rows."""
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
