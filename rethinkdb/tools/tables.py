"""Asks the server about tables, and creates tables, indexes and write hooks."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlOpFailedError
from rethinkdb.tools.failures import ToolError
from rethinkdb.tools.layout import Selection, TableInfo, TableName, meant
from rethinkdb.tools.running import Runner

__all__ = [
    "build_indexes",
    "create_table",
    "existing_tables",
    "expected_rows",
    "selected_tables",
    "set_hook",
    "table_info",
    "table_term",
]

_SYSTEM = "rethinkdb"


def table_term(name: TableName, **options: Any) -> Any:
    """The term of a table."""
    return r.db(name.db).table(name.table, **options)


def existing_tables(runner: Runner, databases: Iterable[str] | None = None) -> list[TableName]:
    """The tables of these databases. None: of all databases except `rethinkdb`."""
    known = [name for name in runner.ask(r.db_list()) if name != _SYSTEM]
    wanted = known if databases is None else sorted(set(databases) & set(known))
    return [
        TableName(db, table)
        for db in sorted(wanted)
        for table in sorted(runner.ask(r.db(db).table_list()))
    ]


def selected_tables(runner: Runner, selection: Selection) -> list[TableName]:
    """The names of the selected tables.

    Raises:
        ToolError: a selected table or database does not exist.
    """
    if not selection:
        return existing_tables(runner)
    databases = {*selection.databases, *(name.db for name in selection.tables)}
    known = set(runner.ask(r.db_list()))
    for db in sorted(databases - known):
        hint = meant(db, existing_tables(runner))
        raise ToolError(f"the database {db} does not exist{hint}")
    found = existing_tables(runner, databases)
    for name in sorted(selection.tables - set(found)):
        hint = meant(str(name), existing_tables(runner))
        raise ToolError(f"the table {name} does not exist{hint}")
    return [name for name in found if selection.has(name)]


def table_info(runner: Runner, name: TableName) -> TableInfo:
    """Everything about a table that a backup needs, except the rows."""
    table = table_term(name)
    query = table.info().merge(
        {"indexes": table.index_status(), "write_hook": table.get_write_hook()}
    )
    return TableInfo.of(runner.ask(query, binary_format="raw"), str(name))


def expected_rows(info: TableInfo) -> int | None:
    """The server's estimate of a table's rows. Counting would read all of them."""
    estimates = info.kept.get("doc_count_estimates")
    return sum(estimates) if isinstance(estimates, list) else None


def create_table(
    runner: Runner,
    name: TableName,
    primary_key: str,
    shards: int | None = None,
    replicas: int | None = None,
) -> None:
    """Creates a table, and its database if needed, and waits until the table takes writes."""
    options: dict[str, Any] = {"primary_key": primary_key}
    if shards is not None:
        options["shards"] = shards
    if replicas is not None:
        options["replicas"] = replicas

    def make() -> None:
        # Another thread, or an earlier try whose answer was lost, may have created them.
        if name.db not in runner.run(r.db_list()):
            with suppress(ReqlOpFailedError):
                runner.run(r.db_create(name.db))
        if name.table not in runner.run(r.db(name.db).table_list()):
            runner.run(r.db(name.db).table_create(name.table, **options))

    runner.insist(make)
    runner.ask(table_term(name).wait(wait_for="ready_for_writes"))


def build_indexes(runner: Runner, name: TableName, indexes: Iterable[Mapping[str, Any]]) -> None:
    """Creates the secondary indexes that a table lacks or has differently, and waits for them."""
    wanted = {index["index"]: index for index in indexes}
    if not wanted:
        return
    runner.insist(lambda: _create_indexes(runner, table_term(name), wanted))
    runner.ask(table_term(name).index_wait(*wanted))


def _create_indexes(runner: Runner, table: Any, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    status = runner.run(table.index_status(), binary_format="raw")
    there = {index["index"]: index for index in status}
    for index_name, index in wanted.items():
        if index_name in there:
            if _alike(index, there[index_name]):
                continue
            runner.run(table.index_drop(index_name))
        function = function_of(index)
        multi, geo = bool(index.get("multi")), bool(index.get("geo"))
        runner.run(table.index_create(index_name, function, multi=multi, geo=geo))


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(field) == other.get(field) for field in ("function", "multi", "geo"))


def function_of(kept: Mapping[str, Any]) -> Any:
    """The function of an index or a write hook, for the command that creates it."""
    function = kept["function"]
    if isinstance(function, Mapping) and isinstance(function.get("data"), str):
        return r.binary(base64.b64decode(function["data"]))
    raise ToolError("an index or a write hook was saved without its function")


def set_hook(runner: Runner, name: TableName, hook: Mapping[str, Any] | None) -> None:
    """Sets the write hook of a table. None: removes it."""
    if hook is not None:
        runner.ask(table_term(name).set_write_hook(function_of(hook)))
