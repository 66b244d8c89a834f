"""The first part of `reql demo`: a session of queries, as in an interactive Python."""

from __future__ import annotations

import ast
import logging
from typing import Any

from rich.console import Console
from rich.pretty import pretty_repr
from rich.syntax import Syntax

from rethinkdb import errors, r
from rethinkdb.embedded import Server

HANG_UP = "# The server hangs up on all its clients, as when it is started again."
"""A step that is not code. The text is shown, and the server closes all connections."""

STEPS = {
    "connect": [
        "from rethinkdb import r",
        "conn = r.connect({address})",
    ],
    "create a table": ['r.table_create("heroes").run(conn)["tables_created"]'],
    "insert": [
        'ada = {{"id": 1, "name": "Ada", "born": 1815}}',
        'grace = {{"id": 2, "name": "Grace", "born": 1906}}',
        'radia = {{"id": 3, "name": "Radia", "born": 1951}}',
        'r.table("heroes").insert([ada, grace, radia]).run(conn)["inserted"]',
    ],
    "query": ['r.table("heroes").filter(r.row["born"] > 1900).pluck("name").run(conn)'],
    "order": ['r.table("heroes").order_by(r.desc("born"))["name"].run(conn)'],
    "watch a table, while another connection writes to it": [
        'feed = r.table("heroes").changes().run(conn)',
        "other = r.connect({address})",
        'barbara = {{"id": 4, "name": "Barbara", "born": 1939}}',
        'r.table("heroes").insert(barbara).run(other)["inserted"]',
        "feed.next()",
        'r.table("heroes").get(2).update({{"rank": "Rear Admiral"}}).run(other)["replaced"]',
        "feed.next()",
        'r.table("heroes").get(1).delete().run(other)["deleted"]',
        "feed.next()",
    ],
    "a feed of a pool goes on when the server was away": [
        "pool = r.ConnectionPool({address})",
        'feed = r.table("heroes").changes().run(pool, resume="diff")',
        HANG_UP,
        'joan = {{"id": 5, "name": "Joan", "born": 1917}}',
        'r.table("heroes").insert(joan).run(pool, idempotent=True)["inserted"]',
        "feed.next()",
        "conn = conn.reconnect()",
    ],
    "an error says where": ['r.table("heroes").map(r.row["born"] + "BC").run(conn)'],
}
"""Lines of code by title. They share a namespace. `{address}` is filled in by `str.format`."""


class Tour:
    """Shows lines of code, runs them, and shows their values.

    Args:
        console: the output.
        server: the server that they connect to.
    """

    def __init__(self, console: Console, server: Server) -> None:
        self._console = console
        self._server = server
        self._address = f'"{server.host}", {server.port}'
        self._names: dict[str, Any] = {}

    def show(self) -> None:
        """Shows all steps, and closes the connections and pools that they opened."""
        # The lost connection is part of the demonstration, so no warning is needed.
        logging.getLogger("rethinkdb").addHandler(logging.NullHandler())
        for title, lines in STEPS.items():
            self._console.print(f"\n[bold]{title}[/bold]")
            for line in lines:
                self._step(line.format(address=self._address))
        for value in self._names.values():
            if isinstance(value, (r.Connection, r.ConnectionPool)):
                value.close()

    def _step(self, code: str) -> None:
        self._console.print(Syntax(f">>> {code}", "python", background_color="default"))
        try:
            self._run(code)
        except errors.ReqlQueryLogicError as error:
            self._console.print(f"[red]{type(error).__name__}[/red]:", str(error), highlight=False)

    def _run(self, code: str) -> None:
        if code == HANG_UP:
            self._server.chaos.cut()
            return
        if not isinstance(ast.parse(code).body[0], ast.Expr):
            exec(code, self._names)
            return
        value: Any = eval(code, self._names)
        if isinstance(value, r.Cursor):
            value = value.to_list()
        self._console.print(pretty_repr(value))
