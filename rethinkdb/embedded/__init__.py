"""A RethinkDB server inside your process, for development, tests and demonstrations.

It speaks the wire protocol of a real server, so that nothing but host and port changes when a
program moves to a real cluster. Everything is in memory and gone when the server stops, unless it
is given a file to keep it in.

    from rethinkdb import r
    from rethinkdb.embedded import Server

    with Server() as server:
        conn = r.connect(host=server.host, port=server.port)
        r.table_create("heroes").run(conn)

How a query travels, top to bottom; each package imports only those below it:

==============  ==================================================================================
`server`        start, stop, users, address
`chaos/`        trouble on order: links that break, answers that fail
`cluster/`      several servers of the same data, which come and go
`serving/`      sockets and threads, the life of a query, batches, replies
`terms/`        what each ReQL term does: small functions by area, put in one table by `@term`
`feeds/`        changefeeds: from changes of tables to the rows a client sees
`system/`       the database `rethinkdb`: tables computed from the state of the server
`keeping/`      the data file: what is written to it, and how it is read again
`language/`     wire JSON to a tree of nodes; evaluation; what implementations see of it
`storage/`      databases, tables, rows, indexes, users; knows no ReQL term
`geo/`          geometry on the sphere and the ellipsoid
`outside/`      JavaScript, the web, optional libraries
`data/`         plain data: types, order, numbers, JSON, times; tables, selections, streams
`failures`      errors of a query: kind, message, backtrace
`blocking`      threads that wait for something outside
`limits`        what keeps one client from harming others, each with its reason
==============  ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkdb.embedded.cluster.cluster import Cluster
    from rethinkdb.embedded.server import Server

__all__ = ["Cluster", "Server"]


def __getattr__(name: str) -> object:
    # Lazy, so that importing one module of the package does not pull in the whole server.
    if name == "Server":
        from rethinkdb.embedded.server import Server

        return Server
    if name == "Cluster":
        from rethinkdb.embedded.cluster.cluster import Cluster

        return Cluster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
