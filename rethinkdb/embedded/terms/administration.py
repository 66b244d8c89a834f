"""Creating, dropping and configuring databases and tables; granting permissions."""

from __future__ import annotations

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Database, SingleSelection
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import term
from rethinkdb.embedded.storage import permissions
from rethinkdb.embedded.storage.store import SYSTEM_DATABASE
from rethinkdb.embedded.system import configuration
from rethinkdb.embedded.system.configuration import changed, special
from rethinkdb.embedded.terms.reconfiguring import (
    layout_options,
    require_config_of_all,
    shards_option,
)
from rethinkdb.embedded.terms.selecting import (
    database_and_name,
    default_database,
    name_argument,
)
from rethinkdb.embedded.terms.writing import check_durability
from rethinkdb.ql2 import TermType

# -- databases


@term(TermType.DB_CREATE, 1, determinism=Determinism.NEVER, writes=True)
def db_create(call: Call) -> Datum:
    """`r.db_create(name)`."""
    name = name_argument(call, 0, "Database")
    if name != SYSTEM_DATABASE:
        permissions.require_config(call.environment)
    created = call.environment.store.create_database(name)
    config = configuration.database_config(created)
    return {"config_changes": changed(None, config), "dbs_created": 1}


@term(TermType.DB_DROP, 1, determinism=Determinism.NEVER, writes=True)
def db_drop(call: Call) -> Datum:
    """`r.db_drop(name)`."""
    name = name_argument(call, 0, "Database")
    if name == SYSTEM_DATABASE:
        raise special("you can't delete it.")
    store = call.environment.store
    require_config_of_all(call, store.database(name))
    dropped = store.drop_database(name)
    config = configuration.database_config(dropped)
    return {
        "config_changes": changed(config, None),
        "dbs_dropped": 1,
        "tables_dropped": len(dropped.tables),
    }


@term(TermType.DB_LIST, 0, determinism=Determinism.NEVER)
def db_list(call: Call) -> Datum:
    """`r.db_list()`."""
    return call.environment.store.database_names()


# -- tables


@term(
    TermType.TABLE_CREATE,
    1,
    2,
    options=(
        "primary_key",
        "shards",
        "replicas",
        "nonvoting_replica_tags",
        "primary_replica_tag",
        "durability",
    ),
    determinism=Determinism.NEVER,
    writes=True,
)
def table_create(call: Call) -> Datum:
    """`db.table_create(name)`."""
    shards = shards_option(call) if call.has_option("shards") else 1
    layout = layout_options(call, shards)
    primary_key = call.option_as("primary_key", datum.as_string, "id")
    durability = check_durability(call)
    database, name = database_and_name(call)
    if database.name == SYSTEM_DATABASE:
        raise special("you can't create new tables in it.")
    permissions.require_config(call.environment, database.id)
    store = call.environment.store
    with store.lock:
        found = store.database(database.name)
        # If the name is taken, that is reported before anything else.
        placed = [] if name in found.tables else layout.place(store)
        created = store.create_table(found.name, name, primary_key, durability, placed)
        config = configuration.table_config(store, found, created)
    return {"config_changes": changed(None, config), "tables_created": 1}


@term(TermType.TABLE_DROP, 1, 2, determinism=Determinism.NEVER, writes=True)
def table_drop(call: Call) -> Datum:
    """`db.table_drop(name)`."""
    database, name = database_and_name(call)
    if database.name == SYSTEM_DATABASE:
        raise special("you can't drop tables in it.")
    store = call.environment.store
    with store.lock:
        table = store.table(database.name, name)
        permissions.require_config(call.environment, database.id, table.id)
        config = configuration.table_config(store, store.database(database.name), table)
        store.drop_table(database.name, name)
    return {"config_changes": changed(config, None), "tables_dropped": 1}


@term(TermType.TABLE_LIST, 0, 1, determinism=Determinism.NEVER)
def table_list(call: Call) -> Datum:
    """`db.table_list()`."""
    database = default_database(call) if call.count == 0 else call.database(0)
    store = call.environment.store
    if database.name == SYSTEM_DATABASE:
        return [table.name for table in store.system_tables()]
    return sorted(store.database(database.name).tables)


# -- configuration and status


@term(TermType.CONFIG, 1, determinism=Determinism.NEVER)
def config(call: Call) -> SingleSelection:
    """`db.config()`, `table.config()`: the row of the system table. Queries can change it."""
    target = call.value(0)
    if isinstance(target, Database):
        if target.name == SYSTEM_DATABASE:
            raise special("you can't configure it.")
        permissions.require_config(call.environment, target.id)
        return _system_row(call, "db_config", target.id)
    table = call.table(0)
    if table.data.is_system:
        raise special("you can't configure the tables in it.")
    permissions.require_config(call.environment, table.database.id, table.data.id)
    return _system_row(call, "table_config", table.data.id)


@term(TermType.STATUS, 1, determinism=Determinism.NEVER)
def status(call: Call) -> SingleSelection:
    """`table.status()`."""
    table = call.table(0)
    if table.data.is_system:
        raise special("the system tables in it don't have meaningful status information.")
    return _system_row(call, "table_status", table.data.id)


def _system_row(call: Call, name: str, key: str) -> SingleSelection:
    table = call.environment.store.open_table(SYSTEM_DATABASE, name)
    row = table.data.get(key)
    return SingleSelection(table, key, lambda: row)


# -- permissions


@term(TermType.GRANT, 2, 3, determinism=Determinism.NEVER, writes=True)
def grant(call: Call) -> Datum:
    """`r.grant(user, permissions)`, and the same for a database or a table."""
    user, granted = call.string(call.count - 2), call.datum(call.count - 1)
    scope = call.value(0) if call.count == 3 else None
    table = None if scope is None or isinstance(scope, Database) else call.table(0)
    if user == permissions.ADMIN:
        raise op_failed(f"The permissions of the user `{user}` can't be modified.")
    store = call.environment.store
    permissions_table = store.open_table(SYSTEM_DATABASE, "permissions")
    permissions.require_read(call.environment, permissions_table)
    permissions.require_write(call.environment, permissions_table)
    with store.lock:
        account = store.users.get(user)
        if account is None:
            raise op_failed(f"User `{user}` not found.")
        if scope is None:
            old, new = account.grant_globally(granted)
        elif table is None:
            old, new = account.grant(account.databases, scope.id, granted)
        else:
            old, new = account.grant(account.tables, table.data.id, granted)
        store.configuration_changed()
    return {"granted": 1, "permissions_changes": changed(old or None, new or None)}
