"""Run options: what `run` is given by name, as it is sent."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from rethinkdb.errors import ReqlRunOptionWarning
from rethinkdb.ql2 import TermType
from rethinkdb.reql.conversion import node
from rethinkdb.reql.literals import DB
from rethinkdb.reql.term import RqlQuery, build_fields

__all__ = ["build_db", "build_options", "start_options"]

# Run options for the driver alone, and the one that is not sent as it is given.
_NOT_SENT_SO = frozenset({"json_encoder", "json_decoder", "db"})

_DB = int(TermType.DB)


# The commands that have an option `timeout`, which a run option of that name sets.
_TAKE_TIMEOUT = frozenset({TermType.HTTP, TermType.JAVASCRIPT, TermType.WAIT})


def start_options(term: RqlQuery, options: Mapping[str, Any], db: str | None) -> dict[str, Any]:
    """All that a START query says beside the term.

    Args:
        term: the query.
        options: the run options. `db` among them (a name, or an `r.db()` term) wins over the
            connection's; None leaves the choice to the server.
        db: the connection's default database.
    """
    sent = build_options(options) if options else {}
    if "timeout" in sent and not _takes_timeout(term):
        _warn(
            "The run option `timeout` limits nothing here. It is an option of `r.http`, `r.js` and"
            " `wait`, and this query has none of them. To limit how long you wait for the query,"
            " use the run option `deadline`.",
        )
    db = options.get("db", db)
    if db is not None:
        sent["db"] = build_db(db)
    return sent


def build_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Run options as JSON values; any value that can be an argument can be one of these.

    `db` is left out (see `build_db`), and so are those that concern the driver alone.
    """
    nodes = {name: node(value) for name, value in options.items() if name not in _NOT_SENT_SO}
    return build_fields(nodes)


def build_db(db: Any) -> Any:
    """The run option `db` as JSON values: of a name, or of an `r.db()` term."""
    if type(db) is str:
        return [_DB, [db]]
    return db.build() if isinstance(db, DB) else [_DB, [build_options({"": db})[""]]]


def _takes_timeout(term: RqlQuery) -> bool:
    # Scalars and objects have no type: they are sent as they are.
    return any(getattr(part, "_type", None) in _TAKE_TIMEOUT for part in term._parts())


def _warn(text: str) -> None:
    """Warn where the query is run: in the first frame that is none of this package."""
    ours = str(Path(__file__).parent.parent)
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(ours):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, ReqlRunOptionWarning, stacklevel=level)
