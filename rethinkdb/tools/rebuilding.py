"""`index_rebuild`: rebuilds secondary indexes that an older server version built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rethinkdb.tools.layout import Selection, TableName
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.running import Runner
from rethinkdb.tools.tables import function_of, selected_tables, table_term
from rethinkdb.tools.threads import in_threads

__all__ = ["RebuiltIndex", "index_rebuild"]

_TEMPORARY = "$reql_temp_index$_"


class RebuiltIndex(NamedTuple):
    """An index that is rebuilt."""

    table: TableName
    name: str

    def __str__(self) -> str:
        return f"{self.table}:{self.name}"


def index_rebuild(
    conn: Any,
    *,
    tables: Iterable[str] | None = None,
    concurrent: int = 1,
    force: bool = False,
    on_found: Callable[[list[RebuiltIndex]], None] | None = None,
    tally: Tally | None = None,
) -> list[RebuiltIndex]:
    """Rebuilds outdated secondary indexes.

    A new index is built beside the old one, and replaces it when it is ready.

    Args:
        conn: a blocking connection or a blocking pool.
        tables: the names of tables, each as `DB` or `DB.TABLE`. Default: all tables.
        concurrent: how many indexes are built at once.
        force: rebuild indexes that are up to date, too.
        on_found: a function that is called once at the beginning, with the indexes to rebuild.
        tally: an object that counts the progress.

    Returns:
        The indexes that were rebuilt.

    Raises:
        ToolError: a table does not exist.
        ReqlError: the server failed. The old index still exists then.

    Example::

        tools.index_rebuild(conn, tables=["shop"])
    """
    runner = Runner(conn)
    tally = tally or Tally()
    wanted: dict[RebuiltIndex, dict[str, Any]] = {}
    for table in selected_tables(runner, Selection(tables)):
        for index in runner.ask(table_term(table).index_status(), binary_format="raw"):
            if index["index"].startswith(_TEMPORARY):
                runner.ask(table_term(table).index_drop(index["index"]))  # an earlier run left it
            elif force or index["outdated"]:
                wanted[RebuiltIndex(table, index["index"])] = index
    if on_found is not None:
        on_found(list(wanted))
    tally.expect((str(index), 1) for index in wanted)
    tally.phase("rebuilding")

    def rebuild(index: RebuiltIndex) -> None:
        tally.begin(str(index))
        _rebuild(runner, index, wanted[index])
        tally.add(str(index), 1)
        tally.end(str(index))

    in_threads(runner, rebuild, wanted, concurrent)
    return list(wanted)


def _rebuild(runner: Runner, index: RebuiltIndex, kept: dict[str, Any]) -> None:
    table, temporary = table_term(index.table), f"{_TEMPORARY}{index.name}"
    runner.run(
        table.index_create(temporary, function_of(kept), multi=kept["multi"], geo=kept["geo"])
    )
    runner.ask(table.index_wait(temporary))
    runner.run(table.index_rename(temporary, index.name, overwrite=True))
