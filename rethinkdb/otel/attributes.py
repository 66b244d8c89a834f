"""The attributes of a query in spans and metrics, named as in the semantic conventions."""

from __future__ import annotations

from typing import Any

from rethinkdb.monitoring import QueryInfo

__all__ = ["attributes_of", "error_type", "span_name"]


def attributes_of(query: QueryInfo) -> dict[str, Any]:
    """The attributes that both spans and metrics have. They take only few different values.

    They are made once for each query. Do not change them.
    """
    made: dict[str, Any] | None = vars(query).get("_attributes")
    if made is not None:
        return made
    found: dict[str, Any] = {
        "db.system.name": "rethinkdb",
        "db.operation.name": query.command,
        "server.address": query.host,
        "server.port": query.port,
    }
    if (database := query.database) is not None:
        found["db.namespace"] = database
    if (table := query.table) is not None:
        found["db.collection.name"] = table
    vars(query)["_attributes"] = found
    return found


def span_name(attributes: dict[str, Any]) -> str:
    """The name of a span: the command, and the table, or else the database or the server."""
    about = attributes.get("db.collection.name") or attributes.get("db.namespace")
    place = about or f"{attributes['server.address']}:{attributes['server.port']}"
    return f"{attributes['db.operation.name']} {place}"


def error_type(error: BaseException) -> str:
    """The class name of an error, with its module unless that is `builtins`."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"
