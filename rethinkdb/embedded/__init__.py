"""A RethinkDB server inside your process, for development, tests and demonstrations.

It speaks the wire protocol of a real server. When a program moves to a real cluster, only the host
and the port change. All data is in memory and is lost with the `Server` object, unless you name a
`data` file.

    from rethinkdb import r
    from rethinkdb.embedded import Server

    with Server() as server:
        conn = r.connect(host=server.host, port=server.port)
        r.table_create("heroes").run(conn)

The packages, in the order in which a query passes through them. Each imports only those below it:

==============  ==================================================================================
`server`        start, stop, users, address
`chaos/`        failures that a test asks for: links that break, queries that fail
`cluster/`      several servers that share their data, and can be stopped one by one
`serving/`      sockets and threads, the life of a query, batches, replies
`terms/`        what each ReQL term does: small functions by area; `@term` registers each
`feeds/`        changefeeds: turn changes of tables into the rows a client sees
`system/`       the database `rethinkdb`: tables computed from the state of the server
`keeping/`      the data file: how it is written and read
`language/`     compiles wire JSON to a tree of nodes, and evaluates that
`storage/`      databases, tables, rows, indexes, users; knows no ReQL term
`geo/`          geometry on the sphere and the ellipsoid
`outside/`      JavaScript, HTTP requests, optional libraries
`data/`         plain data: types, order, numbers, JSON, times; tables, selections, streams
`failures`      the errors of a query: kind, message, backtrace
`blocking`      marks threads that wait for something outside
`limits`        the limits that keep one client from harming others, each with its reason
==============  ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkdb.embedded.cluster.cluster import Cluster
    from rethinkdb.embedded.server import Server

__all__ = ["Cluster", "Server"]


_MODULES = {"Server": "server", "Cluster": "cluster.cluster"}


def __getattr__(name: str) -> object:
    # Lazy: importing one module of the package must not import the whole server.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("rethinkdb"):
            raise
        raise ModuleNotFoundError(
            f"The embedded server needs {error.name}: pip install 'rethinkdb-loops[embedded]'.",
            name=error.name,
        ) from error
