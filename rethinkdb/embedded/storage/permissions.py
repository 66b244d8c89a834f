"""Users, their permissions, and the checks of these.

A permission of a table is granted, denied or not set. If it is not set, that of the database
counts, and then the global one. The user `admin` may do everything. The system database does not
inherit global permissions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, op_failed, permission
from rethinkdb.net.scram import Credentials

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.environment import Environment

ADMIN = "admin"
SYSTEM_DATABASE_ID = str(uuid.uuid5(uuid.UUID("39a24924-14ec-4deb-99f1-742eda7aba5e"), "rethinkdb"))
"""The id of the system database. It is made from the name, so it is the same on all servers."""
KINDS = ("read", "write", "config")
GLOBAL_KINDS = (*KINDS, "connect")

Permissions = dict[str, bool]
"""The permissions that are granted or denied in one scope. A missing one is not set."""


@dataclass(slots=True)
class User:
    """A user: the password and the permissions, globally and by id of database or table.

    It does not store the password, only data to check it.
    """

    name: str
    has_password: bool = False
    credentials: Credentials = field(default_factory=lambda: Credentials.from_password("", 1))
    globally: Permissions = field(default_factory=dict)
    databases: dict[str, Permissions] = field(default_factory=dict)
    tables: dict[str, Permissions] = field(default_factory=dict)

    def set_password(self, password: str, iterations: int = 4096) -> None:
        """Changes the password. An empty one means that none is needed."""
        self.has_password = bool(password)
        self.credentials = Credentials.from_password(password, iterations if password else 1)

    def grant_globally(self, change: Datum) -> tuple[Permissions, Permissions]:
        """Changes the global permissions. Returns the old and the new ones."""
        old = self.globally
        self.globally = merged(old, change, GLOBAL_KINDS)
        return old, self.globally

    def grant(
        self, scopes: dict[str, Permissions], id: str, change: Datum
    ) -> tuple[Permissions, Permissions]:
        """Changes the permissions of a database or table. Returns the old and the new ones."""
        old = scopes.get(id, {})
        scopes[id] = merged(old, change, KINDS)
        return old, scopes[id]

    def may(self, kind: str, database: str | None = None, table: str | None = None) -> bool:
        """Whether the user has a permission for a table or database (ids), or else globally."""
        if self.name == ADMIN:
            return True
        for said in (self.tables.get(table or ""), self.databases.get(database or "")):
            if said is not None and kind in said:
                return said[kind]
        return database != SYSTEM_DATABASE_ID and self.globally.get(kind, False)


def admin() -> User:
    """The user with whom every server starts."""
    return User(ADMIN, globally=dict.fromkeys(GLOBAL_KINDS, True))


def merged(granted: Permissions, change: Datum, kinds: Iterable[str]) -> Permissions:
    """The permissions after a change by `grant`. A null value makes a permission "not set"."""
    if not isinstance(change, dict):
        raise op_failed(f"Expected an object, got {datum.pretty(change)}.")
    result = dict(granted)
    for kind in (kind for kind in GLOBAL_KINDS if kind in change):
        if kind not in kinds:
            raise op_failed("The `connect` permission is only valid at the global scope.")
        value = change[kind]
        if value is not None and not isinstance(value, bool):
            raise op_failed(f"Expected a boolean or null for `{kind}`, got {datum.pretty(value)}.")
        result.pop(kind, None)
        if value is not None:
            result[kind] = value
    check_no_other_keys(change, kinds)
    return result


def check_no_other_keys(found: dict[str, Datum], known: Iterable[str]) -> None:
    """Raises for an object with unknown fields."""
    unexpected = sorted(set(found) - set(known))
    if unexpected:
        raise op_failed(f"Unexpected key(s) `{'`, `'.join(unexpected)}`.")


# -- checks; the user of an environment may have been deleted since it connected


def require_read(environment: Environment, table: Table) -> None:
    """Raises unless the user may read the table."""
    _require(environment, ("read",), "read", table.database.id, table.data.id)


def require_write(environment: Environment, table: Table) -> None:
    """Raises unless the user may read and write the table."""
    if table.data.is_system:
        require_read(environment, table)
    _require(environment, ("read", "write"), "write", table.database.id, table.data.id)


def require_config(
    environment: Environment, database: str | None = None, table: str | None = None
) -> None:
    """Raises unless the user may configure the table or database with these ids, or everything."""
    _require(environment, ("config",), "config", database, table)


def require_connect(environment: Environment) -> None:
    """Raises unless the user may reach other machines from the server."""
    _require(environment, ("connect",), "connect", None, None)


def _require(
    environment: Environment,
    kinds: tuple[str, ...],
    name: str,
    database: str | None,
    table: str | None,
) -> None:
    if environment.user == ADMIN:
        return
    user = environment.store.users.get(environment.user)
    if user is None or not all(user.may(kind, database, table) for kind in kinds):
        raise denied(environment.user, name)


def denied(user: str, kind: str) -> QueryFailure:
    """The error for a missing permission."""
    return permission(f"User `{user}` does not have the required `{kind}` permission.")
