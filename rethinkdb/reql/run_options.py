"""Run options: what `run` is given by name, as it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rethinkdb.ql2 import TermType
from rethinkdb.reql.conversion import node
from rethinkdb.reql.literals import DB
from rethinkdb.reql.term import build_fields

__all__ = ["build_db", "build_options", "start_options"]

# Run options for the driver alone, and the one that is not sent as it is given.
_NOT_SENT_SO = frozenset({"json_encoder", "json_decoder", "db"})

_DB = int(TermType.DB)


def start_options(options: Mapping[str, Any], db: str | None) -> dict[str, Any]:
    """All that a START query says beside the term.

    Args:
        options: the run options. `db` among them (a name, or an `r.db()` term) wins over the
            connection's; None leaves the choice to the server.
        db: the connection's default database.
    """
    sent = build_options(options) if options else {}
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
