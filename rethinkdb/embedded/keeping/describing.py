"""Converts the state of a server, except the rows, to plain JSON and back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.keeping import files
from rethinkdb.embedded.language.stored_functions import StoredFunction
from rethinkdb.embedded.storage.indexes import Index, IndexDefinition
from rethinkdb.embedded.storage.permissions import User
from rethinkdb.embedded.storage.placement import Shard
from rethinkdb.embedded.storage.store import Store
from rethinkdb.embedded.storage.tables import StoredTable, WriteHook, build_index
from rethinkdb.net.scram import Credentials


def described(store: Store) -> dict[str, Any]:
    """The description of a store. The caller holds the store's lock."""
    server = store.server
    return {
        "server": {
            "id": server.id,
            "name": server.name,
            "tags": list(server.tags),
            "cache_size_mb": server.cache_size_mb,
        },
        "heartbeat_timeout": store.heartbeat_timeout,
        "users": [_user(user) for user in store.users.values()],
        "databases": [
            {
                "id": database.id,
                "name": database.name,
                "tables": [_table(table) for table in database.tables.values()],
            }
            for database in store.databases.values()
        ],
    }


def _user(user: User) -> dict[str, Any]:
    known = user.credentials
    return {
        "name": user.name,
        "has_password": user.has_password,
        "salt": _text(known.salt),
        "iterations": known.iterations,
        "stored_key": _text(known.stored_key),
        "server_key": _text(known.server_key),
        "globally": user.globally,
        "databases": user.databases,
        "tables": user.tables,
    }


def _table(table: StoredTable) -> dict[str, Any]:
    hook = table.write_hook
    return {
        "id": table.id,
        "name": table.name,
        "primary_key": table.primary_key,
        "durability": table.durability,
        "write_acks": table.write_acks,
        "shards": len(table.shards),
        "indexes": [_index(index) for index in table.indexes.values()],
        "write_hook": None if hook is None else _hook(hook),
    }


def _index(index: Index) -> dict[str, Any]:
    return {
        "name": index.name,
        "multi": index.multi,
        "geo": index.geo,
        **_function(index.definition.source),
    }


def _hook(hook: WriteHook) -> dict[str, Any]:
    assert isinstance(hook.function, StoredFunction)
    source = hook.source
    return {
        **_function(hook.function),
        "source": {"function": _text(source["function"]), "query": source["query"]},
    }


def _function(function: StoredFunction) -> dict[str, Any]:
    return {"function": function.wire, "captured": function.captured}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


# -- and back


def restore(
    store: Store, description: dict[str, Any], rows_of: Callable[[str], Iterable[Datum]]
) -> None:
    """Fills a store from a description.

    Args:
        store: the store. Its old content is dropped.
        description: the result of `described`.
        rows_of: a function that gives the rows of a table by its id.
    """
    server = description["server"]
    identity = store.server
    identity.id, identity.name = server["id"], server["name"]
    identity.tags, identity.cache_size_mb = tuple(server["tags"]), server["cache_size_mb"]
    store.heartbeat_timeout = description["heartbeat_timeout"]
    store.users = {user["name"]: _restored_user(user) for user in description["users"]}
    for name in list(store.databases):
        store.drop_database(name)
    for database in description["databases"]:
        store.create_database(database["name"], database["id"])
        for table in database["tables"]:
            _restore_table(store, database["name"], table, rows_of(table["id"]))


def _restored_user(kept: dict[str, Any]) -> User:
    credentials = Credentials(
        _bytes(kept["salt"]),
        kept["iterations"],
        _bytes(kept["stored_key"]),
        _bytes(kept["server_key"]),
    )
    return User(
        kept["name"],
        kept["has_password"],
        credentials,
        kept["globally"],
        kept["databases"],
        kept["tables"],
    )


def _restore_table(
    store: Store, database: str, kept: dict[str, Any], rows: Iterable[Datum]
) -> None:
    table = store.create_table(
        database,
        kept["name"],
        kept["primary_key"],
        kept["durability"],
        [Shard.on(store.server)] * kept["shards"],
        kept["id"],
    )
    table.write_acks = kept["write_acks"]
    with table.lock:
        table.fill((datum.order_key(row[table.primary_key]), row) for row in rows)
        for index in kept["indexes"]:
            function = _restored_function(index, store)
            definition = IndexDefinition(function, index["multi"], index["geo"], function)
            build_index(table, Index(index["name"], definition))
        hook = kept["write_hook"]
        if hook is not None:
            source = {**hook["source"], "function": _bytes(hook["source"]["function"])}
            table.write_hook = WriteHook(_restored_function(hook, store), source)


def _restored_function(kept: dict[str, Any], store: Store) -> StoredFunction:
    return StoredFunction.from_wire(kept["function"], store, captured=kept["captured"])


def all_rows(store: Store) -> dict[tuple[str, bytes], Datum]:
    """The rows of all tables of a store, by table and key. The caller holds the store's lock."""
    return {
        (table.id, files.stored_key(table.key_of(row))): row
        for _, table in store.all_tables()
        for row in table.rows.values()
    }
