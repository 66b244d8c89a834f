"""Moving the data of tables to servers, and waiting until tables are ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Database, Table
from rethinkdb.embedded.failures import QueryFailure, logic, op_failed
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import term
from rethinkdb.embedded.storage import access, permissions
from rethinkdb.embedded.storage.store import SYSTEM_DATABASE, DatabaseData, StoredTable
from rethinkdb.embedded.storage.write_results import Total
from rethinkdb.embedded.system import configuration
from rethinkdb.embedded.system.configuration import changed, special
from rethinkdb.embedded.system.layouts import DEFAULT_TAG, Layout
from rethinkdb.embedded.terms.selecting import check_name, default_database
from rethinkdb.ql2 import TermType

# -- layouts


def _located(call: Call, option: str, check: Callable[[], Any]) -> Any:
    """Runs a check of an option. If it fails, the error points at the option."""
    try:
        return check()
    except QueryFailure as failure:
        if failure.backtrace is None:
            failure.backtrace = call.option_backtrace(option)
        raise


def shards_option(call: Call) -> int:
    """The option `shards`. It is required."""
    shards: int = call.option_as("shards", datum.as_integer)
    if shards <= 0:
        raise logic("Every table must have at least one shard.", call.option_backtrace("shards"))
    return shards


def layout_options(call: Call, shards: int) -> Layout:
    """The options about replicas."""
    replicas: dict[str, int] = (
        _located(call, "replicas", lambda: _replicas(call))
        if call.has_option("replicas")
        else {DEFAULT_TAG: 1}
    )
    nonvoting: tuple[str, ...] = call.option_as("nonvoting_replica_tags", _tags, ())
    primary = call.option_as("primary_replica_tag", _tag, DEFAULT_TAG)
    return Layout(shards, replicas, primary, nonvoting)


def _replicas(call: Call) -> dict[str, int]:
    given = values.as_datum(call.option("replicas"))
    if isinstance(given, dict):
        if not call.has_option("primary_replica_tag"):
            raise logic("`primary_replica_tag` must be specified when `replicas` is an OBJECT.")
        return {_tag(tag): _replica_count(call, given[tag]) for tag in sorted(given)}
    if not datum.is_number(given):
        raise _wrong_type("OBJECT or NUMBER", given)
    for option in ("primary_replica_tag", "nonvoting_replica_tags"):
        if call.has_option(option):
            raise logic(f"`replicas` must be an OBJECT if `{option}` is specified.")
    # A negative number wraps around on a real server.
    return {DEFAULT_TAG: datum.as_integer(given) % 2**64}


def _replica_count(call: Call, value: Datum) -> int:
    try:
        datum.as_number(value)
    except QueryFailure as failure:
        failure.backtrace = call.node.backtrace  # for a real server this error is one of the term
        raise
    count = datum.as_integer(value)
    if count < 0:
        raise logic("Can't have a negative number of replicas")
    return count


def _tag(value: Datum) -> str:
    return check_name(datum.as_string(value), "Server tag")


def _tags(value: Datum) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong_type("ARRAY", value)
    wrong = next((tag for tag in value if not isinstance(tag, str)), None)
    if wrong is not None:
        raise _wrong_type("STRING", wrong)
    return tuple(map(_tag, value))


def _wrong_type(expected: str, value: Datum) -> QueryFailure:
    return logic(
        f"Expected type {expected} but found {datum.type_name(value)}:\n{datum.pretty(value)}"
    )


# -- the tables that a term affects


class _Target(NamedTuple):
    """The tables that an administrative term affects: one, or all tables of a database."""

    database: DatabaseData
    tables: list[StoredTable]
    is_database: bool


def _target(call: Call, verb: str, system_database: str) -> _Target:
    if call.count == 0:
        default_database(call)
        raise logic(f"`{verb}` can only be called on a table or database.")
    chosen = call.value(0)
    table: Table | None = None if isinstance(chosen, Database) else call.table(0)
    database = chosen if table is None else table.database
    if database.name == SYSTEM_DATABASE:
        raise special(system_database)
    store = call.environment.store
    found = store.database(database.name)
    if table is None:
        return _Target(found, sorted(found.tables.values(), key=lambda each: each.id), True)
    return _Target(found, [store.table(found.name, table.name)], False)


_READINESS = (
    "ready_for_outdated_reads",
    "ready_for_reads",
    "ready_for_writes",
    "all_replicas_ready",
)


@term(
    TermType.WAIT,
    0,
    1,
    options=("timeout", "wait_for"),
    determinism=Determinism.NEVER,
    writes=True,
)
def wait(call: Call) -> Datum:
    """`table.wait()`, `db.wait()`. Outside of a cluster, tables are always ready."""
    _check_called_on_something(call, "wait")
    wanted = call.option_as("wait_for", datum.as_string, "all_replicas_ready")
    if wanted not in _READINESS:
        *most, last = (f"'{known}'" for known in _READINESS)
        raise logic(
            f"Unknown table readiness state: '{wanted}', must be one of"
            f" {', '.join(most)}, or {last}",
            call.option_backtrace("wait_for"),
        )
    timeout = call.option_as("timeout", datum.as_integer)
    target = _target(
        call, "wait", "the system tables in it are always available and don't need to be waited on."
    )
    if timeout == 0 or not _all_ready(call, target.tables, wanted, timeout):
        raise op_failed("Timed out while waiting for tables.")
    return {"ready": len(target.tables)}


def _all_ready(call: Call, tables: list[StoredTable], readiness: str, timeout: int | None) -> bool:
    deadline = None if timeout is None else time.monotonic() + timeout
    for table in tables:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if table.gate is not None and not table.gate.wait(call.environment, readiness, left):
            return False
    return True


def _check_called_on_something(call: Call, verb: str) -> None:
    if call.count == 0:
        _target(call, verb, "")


@term(
    TermType.RECONFIGURE,
    0,
    1,
    options=(
        "dry_run",
        "emergency_repair",
        "nonvoting_replica_tags",
        "primary_replica_tag",
        "replicas",
        "shards",
    ),
    determinism=Determinism.NEVER,
    writes=True,
)
def reconfigure(call: Call) -> Datum:
    """`table.reconfigure(...)`, `db.reconfigure(...)`."""
    _check_called_on_something(call, "reconfigure")
    dry_run = bool(call.option_as("dry_run", datum.truth, False))
    if call.option("emergency_repair") is not None:
        return _repair(call)
    for option in ("shards", "replicas"):
        if not call.has_option(option):
            raise logic(f"Missing required argument `{option}`.")
    layout = layout_options(call, shards_option(call))
    target = _target(call, "reconfigure", "you can't configure the tables in it.")
    _require_config(call, target)
    return _each_table(
        call, target, lambda table: _reconfigured(call, target, table, layout, dry_run)
    )


def _reconfigured(
    call: Call, target: _Target, table: StoredTable, layout: Layout, dry_run: bool
) -> dict[str, Datum]:
    store, name = call.environment.store, f"{target.database.name}.{table.name}"
    require = access.require_reachable if dry_run else access.require_majority
    with store.lock:
        require(table, name, "The table was not reconfigured.")
        old_config = configuration.table_config(store, target.database, table)
        old_status = configuration.table_status(store, target.database, table)
        old, new = table.shards, layout.place(store, table)
        table.shards = new
        new_config = configuration.table_config(store, target.database, table)
        new_status = configuration.table_status(store, target.database, table, settled=old == new)
        table.shards = old
        if dry_run:
            return {"config_changes": changed(old_config, new_config), "reconfigured": 0}
        table.reshape(new)
        store.configuration_changed()
    return {
        "config_changes": changed(old_config, new_config),
        "reconfigured": 1,
        "status_changes": changed(old_status, new_status),
    }


def _repair(call: Call) -> Datum:
    mode = call.option_as("emergency_repair", datum.as_string)
    if mode not in ("unsafe_rollback", "unsafe_rollback_or_erase"):
        raise logic(
            '`emergency_repair` should be "unsafe_rollback" or "unsafe_rollback_or_erase"',
            call.option_backtrace("emergency_repair"),
        )
    others = ("nonvoting_replica_tags", "primary_replica_tag", "replicas", "shards")
    if any(call.has_option(option) for option in others):
        raise logic("In emergency repair mode, you can't specify shards, replicas, etc.")
    if isinstance(call.value(0), Database):
        raise logic(
            "Can't emergency repair an entire database at once; instead you should run"
            " `reconfigure()` on each table individually."
        )
    target = _target(call, "reconfigure", "you can't configure the tables in it.")
    _require_config(call, target)
    (table,) = target.tables
    failing = (
        "The table was not repaired. At least one of a table's replicas must be accessible in"
        " order to repair it."
    )
    access.require_reachable(table, f"{target.database.name}.{table.name}", failing)
    raise op_failed("This table doesn't need to be repaired.")


@term(TermType.REBALANCE, 0, 1, determinism=Determinism.NEVER, writes=True)
def rebalance(call: Call) -> Datum:
    """`table.rebalance()`, `db.rebalance()`. The parts change, although no row has to be moved."""
    target = _target(call, "rebalance", "you can't rebalance the tables in it.")
    _require_config(call, target)
    return _each_table(call, target, lambda table: _rebalanced(call, target, table))


def _rebalanced(call: Call, target: _Target, table: StoredTable) -> dict[str, Datum]:
    store, moved = call.environment.store, bool(table.rows)
    name = f"{target.database.name}.{table.name}"
    access.require_majority(table, name, "The table was not rebalanced.")
    old, new = (
        configuration.table_status(store, target.database, table, settled=settled)
        for settled in (True, not moved)
    )
    if moved and len(table.shards) > 1:
        with store.lock:
            table.end_feeds()
    return {"rebalanced": int(moved), "status_changes": changed(old, new)}


def require_config_of_all(call: Call, database: DatabaseData) -> None:
    """Raises unless the user may configure a database and each of its tables."""
    permissions.require_config(call.environment, database.id)
    for table in database.tables.values():
        permissions.require_config(call.environment, database.id, table.id)


def _require_config(call: Call, target: _Target) -> None:
    if target.is_database:
        return require_config_of_all(call, target.database)
    return permissions.require_config(call.environment, target.database.id, target.tables[0].id)


def _each_table(
    call: Call, target: _Target, work: Callable[[StoredTable], dict[str, Datum]]
) -> Datum:
    total = Total(call.array_limit)
    for table in target.tables:
        total.add(work(table))
    return total.as_datum()
