"""A RethinkDB server inside your process, for development, tests and demonstrations.

It speaks the wire protocol of a real server, so that nothing but host and port changes when a
program moves to a real cluster. Everything is kept in memory and gone when the server stops.

    from rethinkdb import r
    from rethinkdb.embedded import Server

    with Server() as server:
        conn = r.connect(host=server.host, port=server.port)
        r.table_create("heroes").run(conn)

How a query travels, top to bottom; each module imports only those below it:

=================  =====================================================================================
`server`           TCP listener, users, start and stop; one more thin adapter over `net.ServerProtocol`
`queries`          the life of a query: START, CONTINUE, STOP, batches, noreply, many side by side
`terms/`           what each ReQL term does: small functions grouped by area, put in one table by `@term`
`compiler`         wire JSON to a tree of nodes; arity, options, backtraces, determinism, evaluation
`feeds`            changefeeds: from changes of tables to the rows a client sees
`system`           the tables of the database `rethinkdb`, and permissions
`store`            databases, tables, rows, indexes, write hooks; knows no ReQL term
`streams`          lazy sequences that know what they select from
`values`           what a term may evaluate to besides plain data: tables, selections, functions, groups
`datum`            the rules of plain data: types, order, equality, numbers, printing, JSON
`failures`         errors of a query: kind, message, backtrace
=================  =====================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkdb.embedded.server import Server

__all__ = ["Server"]


def __getattr__(name: str) -> object:
    # Lazy, so that importing one module of the package does not pull in the whole server.
    if name == "Server":
        from rethinkdb.embedded.server import Server

        return Server
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
