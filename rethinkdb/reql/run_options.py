"""Run options, the keyword arguments of `run`, as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rethinkdb.converters import Values
from rethinkdb.errors import ReqlDriverCompileError, ReqlRunOptionWarning
from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.conversion import node
from rethinkdb.reql.literals import DB
from rethinkdb.reql.refusals import placed
from rethinkdb.reql.term import RqlQuery, build_fields

__all__ = ["build_db", "build_options", "start_options"]

# The driver alone uses the others; `db` is sent in another form.
_NOT_SENT_SO = frozenset({"as_type", "json_encoder", "json_decoder", "db"})

_DB = int(TermNumber.DB)


# The commands that have an option `timeout`, which a run option of that name sets.
_TAKE_TIMEOUT = frozenset({TermNumber.HTTP, TermNumber.JAVASCRIPT, TermNumber.WAIT})


def start_options(
    term: RqlQuery, options: Mapping[str, Any], db: str | None, values: Values | None = None
) -> dict[str, Any]:
    """All run options as they are sent, with the database.

    Args:
        term: the query.
        options: the run options. `db` among them, a name or an `r.db()` term, replaces the
            connection's database; None means the server's default.
        db: the connection's database.
        values: what the connection does with values that ReQL does not have.
    """
    sent = build_options(options, values) if options else {}
    if "timeout" in sent and not _takes_timeout(term):
        from rethinkdb.warning import warn_program  # late, as few programs need it

        warn_program(
            "The run option `timeout` limits nothing here. It is an option of `r.http`, `r.js` and"
            " `wait`, and this query has none of them. To limit how long you wait for the query,"
            " use the run option `deadline`.",
            ReqlRunOptionWarning,
        )
    db = options.get("db", db)
    if db is not None:
        sent["db"] = build_db(db, values)
    return sent


def build_options(options: Mapping[str, Any], values: Values | None = None) -> dict[str, Any]:
    """Run options as they are sent. Their values are converted as arguments of commands are.

    `db` is left out (see `build_db`), and so are options that only the driver uses.
    """
    sent: dict[str, Any] = {}
    for name, value in options.items():
        if name in _NOT_SENT_SO:
            continue
        try:
            sent |= build_fields({name: node(value)}, values)
        except ReqlDriverCompileError as error:
            placed(error, f"the run option `{name}`")
            raise
    return sent


def build_db(db: Any, values: Values | None = None) -> Any:
    """The run option `db`, a name or an `r.db()` term, as it is sent."""
    if type(db) is str:
        return [_DB, [db]]
    return db.build() if isinstance(db, DB) else [_DB, [build_options({"": db}, values)[""]]]


def _takes_timeout(term: RqlQuery) -> bool:
    # Scalars and objects have no type: they are sent as they are.
    return any(getattr(part, "term_type", None) in _TAKE_TIMEOUT for part in term._parts())
