"""Databases, tables, their configuration and status; users and what they may do; system tables."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlOpFailedError,
    ReqlPermissionError,
    ReqlQueryLogicError,
)

from .support import Failure, embedded_only, names, outcome

Query = Callable[[Any], Any]

_names = names("u")


def opfailed(message: str, *frames: Any) -> Failure:
    return Failure(ReqlOpFailedError, message, frames)


def wrong(message: str, *frames: Any) -> Failure:
    return Failure(ReqlQueryLogicError, message, frames)


# -- databases and tables


def test_the_life_of_a_database(conn: Any) -> None:
    name = next(_names)
    created = r.db_create(name).run(conn)
    (change,) = created.pop("config_changes")
    config = change["new_val"]
    assert (created, config["name"], change["old_val"]) == ({"dbs_created": 1}, name, None)
    assert name in r.db_list().run(conn)
    assert r.db(name).config().run(conn) == config
    assert r.db(name).info().run(conn) == {**config, "type": "DB"}
    r.db(name).table_create("a").run(conn)
    assert r.db_drop(name).run(conn) == {
        "config_changes": [{"old_val": config, "new_val": None}],
        "dbs_dropped": 1,
        "tables_dropped": 1,
    }
    assert name not in r.db_list().run(conn)


def test_the_life_of_a_table(conn: Any, database: str) -> None:
    db = r.db(database)
    created = db.table_create("b", primary_key="key", durability="soft").run(conn)
    (change,) = created.pop("config_changes")
    config = change["new_val"]
    (shard,) = config["shards"]
    assert created == {"tables_created": 1}
    assert config == {
        "db": database,
        "durability": "soft",
        "id": config["id"],
        "indexes": [],
        "name": "b",
        "primary_key": "key",
        "shards": [shard],
        "write_acks": "majority",
        "write_hook": None,
    }
    assert shard["replicas"] == [shard["primary_replica"]]
    db.table_create("a").run(conn)
    assert db.table_list().run(conn) == ["a", "b"]
    assert db.table("b").config().run(conn) == config
    dropped = db.table_drop("b").run(conn)
    assert dropped == {
        "config_changes": [{"old_val": config, "new_val": None}],
        "tables_dropped": 1,
    }
    assert db.table_list().run(conn) == ["a"]


def test_status_and_waiting(conn: Any, table: Any, table_name: str, database: str) -> None:
    status = table.status().run(conn)
    assert (status["name"], status["db"]) == (table_name, "test")
    assert status["status"] == dict.fromkeys(
        (
            "all_replicas_ready",
            "ready_for_outdated_reads",
            "ready_for_reads",
            "ready_for_writes",
        ),
        True,
    )
    assert table.wait(wait_for="ready_for_reads", timeout=5).run(conn) == {"ready": 1}
    assert r.db(database).wait().run(conn) == {"ready": 0}


def test_reconfiguring(conn: Any, table: Any) -> None:
    planned = table.reconfigure(shards=2, replicas=1, dry_run=True).run(conn)
    assert planned["reconfigured"] == 0
    assert len(planned["config_changes"][0]["new_val"]["shards"]) == 2
    assert len(table.config()["shards"].run(conn)) == 1
    done = table.reconfigure(shards=2, replicas=1).run(conn)
    assert (done["reconfigured"], len(done["status_changes"])) == (1, 1)
    assert done["config_changes"] == planned["config_changes"]
    assert len(table.config()["shards"].run(conn)) == 2


def test_reconfiguring_and_rebalancing_a_database(conn: Any, database: str) -> None:
    db = r.db(database)
    assert db.reconfigure(shards=1, replicas=1).run(conn) == {}
    assert db.rebalance().run(conn) == {}
    for name in "ab":
        db.table_create(name).run(conn)
    assert db.reconfigure(shards=1, replicas=1)["reconfigured"].run(conn) == 2
    assert db.rebalance()["rebalanced"].run(conn) == 0


BAD_NAME = "invalid (Use A-Z, a-z, 0-9, _ and - only)."
ALL_READY = (
    "'ready_for_outdated_reads', 'ready_for_reads', 'ready_for_writes', or 'all_replicas_ready'"
)
NO_SERVERS = "Could not find any servers with server tag `far`."
DEFAULT = {"replicas": {"default": 1}, "primary_replica_tag": "default"}

REFUSED: dict[str, tuple[Query, Failure]] = {
    "a database there is": (
        lambda t: r.db_create("test"),
        opfailed("Database `test` already exists."),
    ),
    "the system database again": (
        lambda t: r.db_create("rethinkdb"),
        opfailed("Database `rethinkdb` already exists."),
    ),
    "a bad database name": (
        lambda t: r.db_create("a b"),
        wrong(f"Database name `a b` {BAD_NAME}", 0),
    ),
    "a database there is not": (
        lambda t: r.db_drop("nothing_at_all"),
        opfailed("Database `nothing_at_all` does not exist."),
    ),
    "a table there is not": (
        lambda t: r.table_drop("nothing_at_all"),
        opfailed("Table `test.nothing_at_all` does not exist."),
    ),
    "a table in a database there is not": (
        lambda t: r.db("nothing_at_all").table_create("a"),
        opfailed("Database `nothing_at_all` does not exist.", 0),
    ),
    "a bad table name": (
        lambda t: r.table_create("a.b"),
        wrong(f"Table name `a.b` {BAD_NAME}", 0),
    ),
    "no shards": (
        lambda t: r.table_create("x", shards=0),
        wrong("Every table must have at least one shard.", "shards"),
    ),
    "many shards": (
        lambda t: r.table_create("x", shards=65),
        opfailed("Maximum number of shards is 64."),
    ),
    "no replicas": (
        lambda t: r.table_create("x", replicas=0),
        opfailed(
            "You must set `replicas` to at least one. `replicas` includes the primary replica; if"
            " there are zero replicas, there is nowhere to put the data."
        ),
    ),
    "more replicas than servers": (
        lambda t: r.table_create("x", replicas=2),
        opfailed(
            "Can't put 2 replicas on servers with the tag `default` because there are only 1"
            " servers with the tag `default`. It's impossible to have more replicas of the data"
            " than there are servers."
        ),
    ),
    "replicas by tag need a primary": (
        lambda t: r.table_create("x", replicas={"default": 1}),
        wrong("`primary_replica_tag` must be specified when `replicas` is an OBJECT.", "replicas"),
    ),
    "a primary needs replicas by tag": (
        lambda t: r.table_create("x", replicas=1, primary_replica_tag="default"),
        wrong("`replicas` must be an OBJECT if `primary_replica_tag` is specified.", "replicas"),
    ),
    "servers of a tag there is not": (
        lambda t: r.table_create("x", replicas={"far": 1}, primary_replica_tag="far"),
        opfailed(NO_SERVERS),
    ),
    "a primary without replicas": (
        lambda t: r.table_create("x", replicas={"default": 1}, primary_replica_tag="far"),
        opfailed(
            "Can't use server tag `far` for primary replicas because you specified no replicas in"
            " server tag `far`."
        ),
    ),
    "voters without replicas": (
        lambda t: r.table_create("x", **DEFAULT, nonvoting_replica_tags=["far"]),
        opfailed(
            "You specified that the replicas in server tag `far` should be non-voting, but you"
            " didn't specify a number of replicas in server tag `far`."
        ),
    ),
    "a negative number of replicas": (
        lambda t: t.reconfigure(shards=1, **{**DEFAULT, "replicas": {"default": -1}}),
        wrong("Can't have a negative number of replicas", "replicas"),
    ),
    "replicas of another type": (
        lambda t: t.reconfigure(shards=1, replicas="x"),
        wrong('Expected type OBJECT or NUMBER but found STRING:\n"x"', "replicas"),
    ),
    "tags of another type": (
        lambda t: t.reconfigure(shards=1, **DEFAULT, nonvoting_replica_tags=[1]),
        wrong("Expected type STRING but found NUMBER:\n1", "nonvoting_replica_tags"),
    ),
    "shards are required": (
        lambda t: t.reconfigure(replicas=1),
        wrong("Missing required argument `shards`."),
    ),
    "repairing": (
        lambda t: t.reconfigure(emergency_repair="unsafe_rollback"),
        opfailed("This table doesn't need to be repaired."),
    ),
    "repairing in another way": (
        lambda t: t.reconfigure(emergency_repair="glue"),
        wrong(
            '`emergency_repair` should be "unsafe_rollback" or "unsafe_rollback_or_erase"',
            "emergency_repair",
        ),
    ),
    "repairing and more": (
        lambda t: t.reconfigure(emergency_repair="unsafe_rollback", shards=1),
        wrong("In emergency repair mode, you can't specify shards, replicas, etc."),
    ),
    "repairing a database": (
        lambda t: r.db("test").reconfigure(emergency_repair="unsafe_rollback"),
        wrong(
            "Can't emergency repair an entire database at once; instead you should run"
            " `reconfigure()` on each table individually."
        ),
    ),
    "waiting for something else": (
        lambda t: t.wait(wait_for="spring"),
        wrong(f"Unknown table readiness state: 'spring', must be one of {ALL_READY}", "wait_for"),
    ),
    "waiting for no time": (
        lambda t: t.wait(timeout=0),
        opfailed("Timed out while waiting for tables."),
    ),
    "durability": (
        lambda t: r.table_create("x", durability="firm"),
        wrong(
            'Durability option `firm` unrecognized (options are "hard" and "soft").', "durability"
        ),
    ),
}


@pytest.mark.parametrize(("query", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(conn: Any, table: Any, query: Query, expected: Failure) -> None:
    assert outcome(conn, query(table)) == expected


SYSTEM = r.db("rethinkdb")

SPECIAL: dict[str, tuple[Any, str]] = {
    "db_drop": (r.db_drop("rethinkdb"), "you can't delete it."),
    "table_create": (SYSTEM.table_create("a"), "you can't create new tables in it."),
    "table_drop": (SYSTEM.table_drop("users"), "you can't drop tables in it."),
    "config of the database": (SYSTEM.config(), "you can't configure it."),
    "config": (SYSTEM.table("users").config(), "you can't configure the tables in it."),
    "status": (
        SYSTEM.table("users").status(),
        "the system tables in it don't have meaningful status information.",
    ),
    "wait": (
        SYSTEM.wait(),
        "the system tables in it are always available and don't need to be waited on.",
    ),
    "reconfigure": (
        SYSTEM.table("users").reconfigure(shards=1, replicas=1),
        "you can't configure the tables in it.",
    ),
    "rebalance": (SYSTEM.rebalance(), "you can't rebalance the tables in it."),
}


@pytest.mark.parametrize(("query", "reason"), SPECIAL.values(), ids=SPECIAL)
def test_the_system_database_is_special(conn: Any, query: Any, reason: str) -> None:
    assert outcome(conn, query) == opfailed(f"Database `rethinkdb` is special; {reason}")


# -- the configuration as rows


def first_error(conn: Any, write: Any) -> str | None:
    result: dict[str, Any] = write.run(conn)
    return result.get("first_error")


def test_renaming_a_database(conn: Any, database: str) -> None:
    other = next(_names)
    config = r.db(database).config()
    taken = "because database `test` already exists."
    assert first_error(conn, config.update({"name": "test"})) == (
        f"Cannot rename database `{database}` to `test` {taken}"
    )
    assert config.update({"name": other})["replaced"].run(conn) == 1
    assert r.db(other).config().update({"name": database})["replaced"].run(conn) == 1


def test_databases_are_made_and_dropped_by_their_rows(conn: Any) -> None:
    name, rows = next(_names), SYSTEM.table("db_config")
    made = rows.insert({"name": name}).run(conn)
    assert rows.get(made["generated_keys"][0])["name"].run(conn) == name
    assert first_error(conn, rows.insert({"name": name})) == f"Database `{name}` already exists."
    assert rows.filter({"name": name}).delete()["deleted"].run(conn) == 1
    assert name not in r.db_list().run(conn)


def test_tables_are_made_moved_and_dropped_by_their_rows(conn: Any, database: str) -> None:
    rows, db, name = SYSTEM.table("table_config"), r.db(database), next(_names)
    assert rows.insert({"name": "a", "db": database})["inserted"].run(conn) == 1
    db.table("a").wait().run(conn)
    db.table("a").insert({"id": 1}).run(conn)
    moved = db.table("a").config().update({"db": "test", "name": name, "write_acks": "single"})
    assert moved["replaced"].run(conn) == 1
    r.table(name).wait().run(conn)
    assert r.table(name).count().run(conn) == 1
    assert r.table(name).config()["write_acks"].run(conn) == "single"
    assert r.table(name).config().delete()["deleted"].run(conn) == 1
    assert db.table_list().run(conn) == []


WRONG_FORMAT = "The change you're trying to make to `rethinkdb.table_config` has the wrong format. "

CONFIGS: dict[str, tuple[Any, str]] = {
    "unknown field": ({"x": 1}, f"{WRONG_FORMAT}Unexpected key(s): x"),
    "primary key": ({"primary_key": "x"}, "It's illegal to change a table's primary key"),
    "durability": (
        {"durability": "x"},
        f'{WRONG_FORMAT}In `durability`: Expected "soft" or "hard", got: "x"',
    ),
    "indexes": (
        {"indexes": ["x"]},
        f"{WRONG_FORMAT}The `indexes` field is read-only and can't be used to create or drop"
        " indexes.",
    ),
    "write hook": (
        {"write_hook": "x"},
        f"{WRONG_FORMAT}The `write_hook` field is read-only and can't be used to create or drop a"
        " write hook function.",
    ),
    "no shard": (
        {"shards": []},
        f"{WRONG_FORMAT}In `shards`: You must specify at least one shard.",
    ),
    "shards elsewhere": (
        {"shards": [{"replicas": ["far"], "primary_replica": "far"}]},
        f"{WRONG_FORMAT}In `shards`: In `replicas`: Server `far` does not exist or is not"
        " connected.",
    ),
    "name": (
        {"name": "a b"},
        f'{WRONG_FORMAT}In `name`: "a b" is not a valid table name; Use A-Z, a-z, 0-9, _ and -'
        " only",
    ),
    "database": ({"db": "nothing"}, f"{WRONG_FORMAT}Database `nothing` does not exist."),
}


@pytest.mark.parametrize(("change", "message"), CONFIGS.values(), ids=CONFIGS)
def test_wrong_configurations(conn: Any, table: Any, change: Any, message: str) -> None:
    assert first_error(conn, table.config().update(change)) == message


def test_identifiers_instead_of_names(conn: Any, table: Any) -> None:
    config = table.config().run(conn)
    shown = SYSTEM.table("table_config", identifier_format="uuid").get(config["id"]).run(conn)
    assert shown["db"] == r.db("test").info()["id"].run(conn)
    assert shown["name"] == config["name"]


SYSTEM_WRITES: dict[str, tuple[Any, str]] = {
    "status": (
        SYSTEM.table("table_status").insert({"id": "x"}),
        "It's illegal to write to the `rethinkdb.table_status` table.",
    ),
    "logs": (
        SYSTEM.table("logs").insert({"id": "x"}),
        "It's illegal to write to the `rethinkdb.logs` system table.",
    ),
    "jobs": (
        SYSTEM.table("jobs").insert({"id": "x"}),
        "The `rethinkdb.jobs` system table only allows deletions, not inserts or updates.",
    ),
    "servers": (
        SYSTEM.table("server_config").insert({"name": "x"}),
        "It's illegal to insert new rows into the `rethinkdb.server_config` system table.",
    ),
    "no servers": (
        SYSTEM.table("server_config").delete(),
        "It's illegal to delete rows from the `rethinkdb.server_config` system table.",
    ),
    "server names": (
        SYSTEM.table("server_config").update({"name": "a b"}),
        "The row you're trying to put into `rethinkdb.server_config` has the wrong format. In"
        ' `name`: "a b" is not a valid server name; Use A-Z, a-z, 0-9, _ and - only',
    ),
    "a cache of negative size": (
        SYSTEM.table("server_config").update({"cache_size_mb": -1}),
        "The row you're trying to put into `rethinkdb.server_config` has the wrong format. In"
        " `cache_size_mb`: Cache size cannot be negative.",
    ),
    "settings of the cluster": (
        SYSTEM.table("cluster_config").get("heartbeat").update({"heartbeat_timeout_secs": 1}),
        "The heartbeat timeout must be at least two seconds",
    ),
    "no settings": (
        SYSTEM.table("cluster_config").delete(),
        "It's illegal to delete rows from the `rethinkdb.cluster_config` table.",
    ),
    "a key that was not generated": (
        SYSTEM.table("db_config").insert({"id": "x", "name": "y"}),
        "The change you're trying to make to `rethinkdb.db_config` has the wrong format. In `id`:"
        ' Expected a UUID; got "x"',
    ),
}


@pytest.mark.parametrize(("write", "message"), SYSTEM_WRITES.values(), ids=SYSTEM_WRITES)
def test_what_system_tables_refuse(conn: Any, write: Any, message: str) -> None:
    assert first_error(conn, write) == message


def test_settings_that_are_kept(conn: Any) -> None:
    heartbeat = SYSTEM.table("cluster_config").get("heartbeat")
    seconds = heartbeat["heartbeat_timeout_secs"].run(conn)
    assert heartbeat.update({"heartbeat_timeout_secs": 7})["replaced"].run(conn) == 1
    assert heartbeat["heartbeat_timeout_secs"].run(conn) == 7
    heartbeat.update({"heartbeat_timeout_secs": seconds}).run(conn)


def test_the_server(conn: Any) -> None:
    (config,) = SYSTEM.table("server_config").run(conn)
    (status,) = SYSTEM.table("server_status").run(conn)
    assert conn.server() == {"id": config["id"], "name": config["name"], "proxy": False}
    assert (status["id"], status["name"]) == (config["id"], config["name"])
    assert config["tags"] == ["default"]
    assert re.match(r"rethinkdb \d+\.\d+\.\d+ ", status["process"]["version"])


def test_system_tables_are_read_like_others(conn: Any) -> None:
    assert SYSTEM.table_list().run(conn) == [
        "cluster_config",
        "current_issues",
        "db_config",
        "jobs",
        "logs",
        "permissions",
        "server_config",
        "server_status",
        "stats",
        "table_config",
        "table_status",
        "users",
    ]
    scratch = SYSTEM.table("_debug_scratch")
    scratch.insert([{"id": 1}, {"id": 2}, {"id": "a"}]).run(conn)
    try:
        assert list(scratch.order_by(index=r.desc("id")).run(conn)) == [
            {"id": "a"},
            {"id": 2},
            {"id": 1},
        ]
        assert list(scratch.between(1, 2, left_bound="open", right_bound="closed").run(conn)) == [
            {"id": 2}
        ]
    finally:
        assert scratch.delete()["deleted"].run(conn) == 3
    assert list(SYSTEM.table("current_issues").run(conn)) == []
    no_index = "Index `x` was not found on table `rethinkdb._debug_scratch`"
    assert outcome(conn, scratch.get_all(1, index="x").count()) == opfailed(no_index, 0)
    assert outcome(conn, scratch.between(1, 2, index="x").count()) == opfailed(no_index)


def test_a_query_sees_itself_among_the_jobs(conn: Any) -> None:
    jobs = SYSTEM.table("jobs").filter({"type": "query"}).run(conn)
    job = next(job for job in jobs if 'table("jobs")' in job["info"]["query"])
    assert job["id"][0] == "query"
    assert job["info"]["user"] == "admin"
    assert job["info"]["query"].startswith('r.db("rethinkdb").table("jobs").filter(')


# -- users and permissions


@pytest.fixture
def user(conn: Any) -> Iterator[str]:
    """The name of a user who may connect, and nothing else."""
    name = next(_names)
    SYSTEM.table("users").insert({"id": name, "password": "secret"}).run(conn)
    r.grant(name, {"connect": True}).run(conn)
    yield name
    SYSTEM.table("users").get(name).delete().run(conn)


@pytest.fixture
def theirs(server: Any, user: str) -> Iterator[Any]:
    """A connection of that user."""
    with r.connect(host=server.host, port=server.port, user=user, password="secret") as connection:
        yield connection


def denied(user: str, kind: str, *frames: Any) -> Failure:
    message = f"User `{user}` does not have the required `{kind}` permission."
    return Failure(ReqlPermissionError, message, frames)


def test_passwords(conn: Any, server: Any, user: str) -> None:
    row = SYSTEM.table("users").get(user)
    assert row.run(conn) == {"id": user, "password": True}
    with pytest.raises(ReqlAuthError):
        r.connect(host=server.host, port=server.port, user=user, password="guess")
    row.update({"password": {"password": "new", "iterations": 5}}).run(conn)
    with r.connect(host=server.host, port=server.port, user=user, password="new") as connection:
        assert r.expr(1).run(connection) == 1
    row.update({"password": False}).run(conn)
    assert row["password"].run(conn) is False
    with r.connect(host=server.host, port=server.port, user=user) as connection:
        assert r.expr(1).run(connection) == 1


USERS: dict[str, tuple[Any, str]] = {
    "no password": ({"id": "x"}, "Expected a field named `password`."),
    "more fields": ({"id": "x", "password": "", "y": 1}, "Unexpected key(s) `y`."),
    "a number": (
        {"id": "x", "password": 1},
        "Expected an object, string or boolean for `password`, got 1.",
    ),
    "any password": (
        {"id": "x", "password": True},
        "Expected an object or string to set the password, or `false` to keep it unset, got true.",
    ),
    "iterations": (
        {"id": "x", "password": {"password": "y", "iterations": 0}},
        "Expected `iterations` to be an integer greater than zero, got 0.",
    ),
    "no iterations": (
        {"id": "x", "password": {"password": "y"}},
        "Expected a field named `iterations`.",
    ),
    "no name": ({"id": 5, "password": ""}, "Expected a username as the primary key, got 5."),
}


@pytest.mark.parametrize(("row", "message"), USERS.values(), ids=USERS)
def test_wrong_users(conn: Any, row: Any, message: str) -> None:
    assert first_error(conn, SYSTEM.table("users").insert(row)) == message


def test_the_administrator_stays(conn: Any) -> None:
    assert first_error(conn, SYSTEM.table("users").get("admin").delete()) == (
        "The user `admin` can't be deleted."
    )
    unchanged = "The permissions of the user `admin` can't be modified."
    assert outcome(conn, r.grant("admin", {"read": False})) == opfailed(unchanged)
    assert first_error(conn, SYSTEM.table("permissions").get(["admin"]).delete()) == unchanged


def test_granting(conn: Any, user: str, table: Any) -> None:
    def granted(query: Any) -> Any:
        result = query.run(conn)
        assert result["granted"] == 1
        (change,) = result["permissions_changes"]
        return change["old_val"], change["new_val"]

    both = {"connect": True, "read": True}
    assert granted(r.grant(user, {"read": True})) == ({"connect": True}, both)
    assert granted(r.grant(user, {})) == (both, both)
    assert granted(r.db("test").grant(user, {"write": False})) == (None, {"write": False})
    assert granted(table.grant(user, {"config": True})) == (None, {"config": True})
    assert granted(r.db("test").grant(user, {"write": None})) == ({"write": False}, None)
    rows = SYSTEM.table("permissions").filter({"user": user})
    assert [row["permissions"] for row in rows.order_by("id").run(conn)] == [
        both,
        {"config": True},
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"read": 1}, "Expected a boolean or null for `read`, got 1."),
        ({"b": 1, "a": 1}, "Unexpected key(s) `a`, `b`."),
        ({"connect": True}, "The `connect` permission is only valid at the global scope."),
        (5, "Expected an object, got 5."),
    ],
)
def test_what_cannot_be_granted(conn: Any, user: str, change: Any, message: str) -> None:
    assert outcome(conn, r.db("test").grant(user, change)) == opfailed(message)


def test_permissions_as_rows(conn: Any, user: str) -> None:
    rows = SYSTEM.table("permissions")
    assert rows.get([user])["permissions"].run(conn) == {"connect": True}
    changed = rows.get([user]).update({"permissions": {"read": True}})
    assert changed["replaced"].run(conn) == 1
    gone = rows.get([user]).update({"permissions": {"read": None, "connect": None}})
    assert gone["deleted"].run(conn) == 1
    test = r.db("test").info()["id"].run(conn)
    row = {"id": [user, test], "permissions": {"write": True}}
    assert rows.insert(row)["inserted"].run(conn) == 1
    assert rows.get([user, test]).run(conn) == {**row, "user": user, "database": "test"}
    for key, message in {
        "x": 'Expected an array of one to three items in the primary key, got "x".',
        (1,): "Expected a string as the username, got 1.",
        (user, "x"): 'Expected a UUID as the database, got "x".',
        ("nobody",): "No user named `nobody`.",
    }.items():
        bad = {"id": key if isinstance(key, str) else list(key), "permissions": {}}
        assert first_error(conn, rows.insert(bad)) == message
    wrong_name = {**row, "database": "other"}
    assert first_error(conn, rows.insert(wrong_name, conflict="replace")) == (
        "The key `database` does not match the primary key."
    )


NEEDED: dict[str, tuple[Query, str]] = {
    "reading a table": (lambda t: t.count(), "read"),
    "reading a row": (lambda t: t.get(1), "read"),
    "writing": (lambda t: t.insert({}), "write"),
    "deleting rows": (lambda t: t.delete(), "read"),
    "deleting a row": (lambda t: t.get(1).delete(), "write"),
    "adding users": (lambda t: SYSTEM.table("users").insert({"id": "x", "password": ""}), "read"),
    "syncing": (lambda t: t.sync(), "write"),
    "indexes": (lambda t: t.index_create("a"), "config"),
    "hooks": (lambda t: t.set_write_hook(None), "config"),
    "going around hooks": (lambda t: t.insert({}, ignore_write_hook=True), "config"),
    "configuring": (lambda t: t.config(), "config"),
    "laying out": (lambda t: t.reconfigure(shards=1, replicas=1), "config"),
    "rebalancing": (lambda t: t.rebalance(), "config"),
    "making databases": (lambda t: r.db_create("x"), "config"),
    "dropping databases": (lambda t: r.db_drop("test"), "config"),
    "making tables": (lambda t: r.table_create("x"), "config"),
    "granting": (lambda t: r.grant("admin2", {}), "read"),
    "reading users": (lambda t: SYSTEM.table("users").count(), "read"),
}


@pytest.mark.parametrize(("query", "kind"), NEEDED.values(), ids=NEEDED)
def test_what_needs_a_permission(
    conn: Any, theirs: Any, user: str, table: Any, query: Query, kind: str
) -> None:
    message = f"User `{user}` does not have the required `{kind}` permission."
    assert message in outcome(theirs, query(table)).message


def test_permissions_of_tables_and_databases_come_first(
    conn: Any, theirs: Any, user: str, table: Any
) -> None:
    r.grant(user, {"read": True, "write": False}).run(conn)
    assert table.count().run(theirs) == 0
    assert outcome(theirs, SYSTEM.table("users").count()).kind is ReqlPermissionError
    r.db("test").grant(user, {"write": True}).run(conn)
    assert table.insert({"id": 1})["inserted"].run(theirs) == 1
    table.grant(user, {"read": False}).run(conn)
    assert outcome(theirs, table.insert({"id": 2})) == denied(user, "write")
    table.grant(user, {"read": None, "config": True}).run(conn)
    assert table.index_create("a").run(theirs) == {"created": 1}


def test_deleted_users_may_do_nothing(conn: Any, server: Any, table: Any) -> None:
    name = next(_names)
    SYSTEM.table("users").insert({"id": name, "password": ""}).run(conn)
    r.grant(name, {"connect": True, "read": True}).run(conn)
    with contextlib.closing(r.connect(host=server.host, port=server.port, user=name)) as theirs:
        assert table.count().run(theirs) == 0
        SYSTEM.table("users").get(name).delete().run(conn)
        assert outcome(theirs, table.get(1)).kind is ReqlPermissionError


@embedded_only
def test_changes_of_system_tables(conn: Any) -> None:
    name = next(_names)
    feed = SYSTEM.table("db_config").changes().run(conn)
    r.db_create(name).run(conn)
    assert feed.next(wait=10)["new_val"]["name"] == name
    r.db_drop(name).run(conn)
    assert feed.next(wait=10)["old_val"]["name"] == name
    feed.close()
