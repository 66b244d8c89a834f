"""The system tables of users and of their permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, op_failed
from rethinkdb.embedded.storage import permissions
from rethinkdb.embedded.storage.permissions import (
    ADMIN,
    GLOBAL_KINDS,
    KINDS,
    SYSTEM_DATABASE_ID,
    Permissions,
    User,
)
from rethinkdb.embedded.storage.store import SYSTEM_DATABASE
from rethinkdb.embedded.storage.watchers import Change
from rethinkdb.embedded.system import conversions
from rethinkdb.embedded.system.tables import SystemTable


class Users(SystemTable):
    """Accounts. A client can write a password, but it can only read whether there is one."""

    NAME = "users"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """All accounts."""
        for user in tuple(self.store.users.values()):
            yield {"id": user.name, "password": user.has_password}

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Creates, changes or deletes an account."""
        name = change.key
        if not isinstance(name, str) or generated:
            raise op_failed(f"Expected a username as the primary key, got {datum.pretty(name)}.")
        users = self.store.users
        if change.new is not None:
            account = users.get(name) or User(name)
            _set_password(account, change.new)
            users[name] = account
            return change.new
        if name == ADMIN:
            raise op_failed(f"The user `{name}` can't be deleted.")
        if name not in users:
            raise op_failed(f"User `{name}` not found.")
        del users[name]
        return None


def _set_password(account: User, row: dict[str, Datum]) -> None:
    if "password" not in row:
        raise op_failed("Expected a field named `password`.")
    permissions.check_no_other_keys(row, ("id", "password"))
    password = row["password"]
    if isinstance(password, dict):
        account.set_password(*_password_and_iterations(password))
    elif isinstance(password, str):
        account.set_password(password)
    elif not isinstance(password, bool):
        raise op_failed(
            f"Expected an object, string or boolean for `password`, got {datum.pretty(password)}."
        )
    elif not password:
        account.set_password("")
    elif not account.has_password:
        raise op_failed(
            "Expected an object or string to set the password, or `false` to keep it unset,"
            f" got {datum.pretty(password)}."
        )


def _password_and_iterations(given: dict[str, Datum]) -> tuple[str, int]:
    for name in ("iterations", "password"):
        if name not in given:
            raise op_failed(f"Expected a field named `{name}`.")
        if name == "iterations" and not (type(given[name]) is int and given[name] >= 1):
            raise op_failed(
                "Expected `iterations` to be an integer greater than zero,"
                f" got {datum.pretty(given[name])}."
            )
    if not isinstance(given["password"], str):
        raise op_failed(
            f"Expected `password` to be a string, got {datum.pretty(given['password'])}."
        )
    permissions.check_no_other_keys(given, ("iterations", "password"))
    return given["password"], given["iterations"]


class _Scope(NamedTuple):
    """Where permissions of a user apply: everywhere, in a database, or for a table."""

    user: str
    database: str | None = None
    table: str | None = None


class PermissionsTable(SystemTable):
    """The permissions of users, one row for each user and scope."""

    NAME = "permissions"

    # -- reading

    def read_rows(self) -> Iterator[dict[str, Datum]]:
        """All permissions that are granted or denied. The administrator may do everything."""
        everything = dict.fromkeys(KINDS, True)
        yield self._row(_Scope(ADMIN), dict.fromkeys(GLOBAL_KINDS, True))
        yield self._row(_Scope(ADMIN, SYSTEM_DATABASE_ID), everything)
        for user in tuple(self.store.users.values()):
            if user.name != ADMIN:
                yield from self._rows_of(user)

    def _rows_of(self, user: User) -> Iterator[dict[str, Datum]]:
        if user.globally:
            yield self._row(_Scope(user.name), user.globally)
        for database, granted in user.databases.items():
            if granted:
                yield self._row(_Scope(user.name, database), granted)
        for table, granted in user.tables.items():
            found = self._database_of(table)
            if granted and found is not None:
                yield self._row(_Scope(user.name, found, table), granted)

    def _row(self, scope: _Scope, granted: Permissions) -> dict[str, Datum]:
        row: dict[str, Datum] = {
            "id": [part for part in scope if part is not None],
            "permissions": dict(granted),
            "user": scope.user,
        }
        if scope.database is not None:
            name = self._database_name(scope.database) or "__deleted_database__"
            row["database"] = self.shown(name, scope.database)
        if scope.table is not None:
            row["table"] = self.shown(self._table_name(scope.table) or "", scope.table)
        return row

    # -- writing

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Grants or denies permissions for a scope, or removes what was said about it."""
        if generated:
            raise op_failed("You must specify a primary key.")
        scope = self._scope(change.key)
        if scope.user == ADMIN:
            raise op_failed(f"The permissions of the user `{ADMIN}` can't be modified.")
        account = self.store.users.get(scope.user)
        if account is None:
            raise op_failed(f"No user named `{scope.user}`.")
        if change.new is None:
            _say(account, scope, {})
            return None
        self._check_names(scope, change.new)
        if "permissions" not in change.new:
            raise op_failed("Expected a field `permissions`.")
        kinds = GLOBAL_KINDS if scope.database is None else KINDS
        granted = permissions.merged(_said(account, scope), change.new["permissions"], kinds)
        known = ("id", "user", "permissions", *("database", "table")[: len(change.key) - 1])
        permissions.check_no_other_keys(change.new, known)
        _say(account, scope, granted)
        return change.new if granted else None  # a row without any permission counts as deleted

    def _check_names(self, scope: _Scope, row: dict[str, Datum]) -> None:
        expected = self._row(scope, {})
        for name in ("user", "database", "table"):
            if name in row and name in expected and row[name] != expected[name]:
                if name != "user" and self.shows_names:
                    conversions.name(f"{name} name")(row[name])
                raise op_failed(f"The key `{name}` does not match the primary key.")

    def _scope(self, key: Datum) -> _Scope:
        if not isinstance(key, list) or not 1 <= len(key) <= 3:
            raise op_failed(
                "Expected an array of one to three items in the primary key,"
                f" got {datum.pretty(key)}."
            )
        if not isinstance(key[0], str):
            raise op_failed(f"Expected a string as the username, got {datum.pretty(key[0])}.")
        database = _identifier(key[1], "database") if len(key) > 1 else None
        if database is not None and self._database_name(database) is None:
            raise op_failed(f"No database with UUID `{database}` exists.")
        table = _identifier(key[2], "table") if len(key) > 2 else None
        if table is not None and self._database_of(table) != database:
            raise op_failed(f"No table with UUID `{table}` exists.")
        return _Scope(key[0], database, table)

    # -- names and ids

    def _database_name(self, id: str) -> str | None:
        if id == SYSTEM_DATABASE_ID:
            return SYSTEM_DATABASE
        found = (each.name for each in self.store.databases.values() if each.id == id)
        return next(found, None)

    def _place(self, table: str) -> tuple[str, str] | None:
        stored = ((db.id, each.name) for db, each in self.store.all_tables() if each.id == table)
        system = (
            (SYSTEM_DATABASE_ID, each.name)
            for each in self.store.system_tables()
            if each.id == table
        )
        return next(stored, None) or next(system, None)

    def _database_of(self, table: str) -> str | None:
        place = self._place(table)
        return None if place is None else place[0]

    def _table_name(self, table: str) -> str | None:
        place = self._place(table)
        return None if place is None else place[1]


def _identifier(value: Datum, kind: str) -> str:
    try:
        return conversions.identifier(value)
    except QueryFailure:
        raise op_failed(f"Expected a UUID as the {kind}, got {datum.pretty(value)}.") from None


def _said(account: User, scope: _Scope) -> Permissions:
    if scope.table is not None:
        return account.tables.get(scope.table, {})
    if scope.database is not None:
        return account.databases.get(scope.database, {})
    return account.globally


def _say(account: User, scope: _Scope, granted: Permissions) -> None:
    if scope.table is not None:
        account.tables[scope.table] = granted
    elif scope.database is not None:
        account.databases[scope.database] = granted
    else:
        account.globally = granted
