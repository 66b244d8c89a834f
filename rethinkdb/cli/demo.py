"""`reql demo`: ReQL and live changefeeds over a real socket, with nothing installed.

Every line of code it shows is the code it runs. First a tour of the queries, then the same program
on each loop in turn (see `demo_loops`).
"""

from __future__ import annotations

import argparse
import threading
from typing import Any

from rich.console import Console
from rich.pretty import pretty_repr
from rich.syntax import Syntax

from rethinkdb import errors, r
from rethinkdb.embedded import Server

from .demo_loops import LOOPS, show_loop

HEROES = [
    {"id": 1, "name": "Ada", "field": "engines", "born": 1815},
    {"id": 2, "name": "Grace", "field": "compilers", "born": 1906},
    {"id": 3, "name": "Radia", "field": "networks", "born": 1951},
]

FEED_TIMEOUT = 5
"""Seconds to wait for a change that is certain to come; only a broken installation reaches it."""


class Demo:
    """Shows a query, runs it, shows the answer."""

    def __init__(self, console: Console, server: Server) -> None:
        self._console = console
        self._names: dict[str, Any] = {"r": r, "HEROES": HEROES}
        self._connect = f"r.connect(host={server.host!r}, port={server.port})"
        self._names["conn"] = self.show("connect", "conn = " + self._connect)

    def show(self, title: str, code: str) -> Any:
        """Prints a line of code under a title, and returns what it evaluates to."""
        self._console.print(f"\n[bold]{title}[/bold]")
        self._console.print(Syntax(f">>> {code}", "python", background_color="default"))
        return eval(code.removeprefix("conn = "), self._names)

    def ask(self, title: str, code: str) -> None:
        """Shows a query with its result; a cursor is read to its end."""
        result = self.show(title, code)
        is_cursor = isinstance(result, r.Cursor)
        self._console.print(pretty_repr(list(result) if is_cursor else result))

    def watch(self) -> None:
        """A feed prints what a second connection writes, as it is written."""
        feed = self.show(
            "a changefeed, and a second connection that writes",
            "r.table('heroes').changes().run(conn)",
        )
        writes = [
            "r.table('heroes').insert({'id': 4, 'name': 'Barbara', 'field': 'data'})",
            "r.table('heroes').get(2).update({'rank': 'Rear Admiral'})",
            "r.table('heroes').get(1).delete()",
        ]
        writer = threading.Thread(target=self._write, args=(writes,))
        writer.start()
        for _ in writes:
            self._console.print("[green]feed[/green]", pretty_repr(feed.next(wait=FEED_TIMEOUT)))
        writer.join()
        feed.close()

    def _write(self, writes: list[str]) -> None:
        with eval(self._connect, self._names) as conn:
            for code in writes:
                eval(code, self._names).run(conn)

    def fail(self) -> None:
        """A mistake in a query is pointed at, in the query."""
        try:
            self.show(
                "an error says where", "r.table('heroes').map(r.row['born'] + 'BC').run(conn)"
            )
        except errors.ReqlQueryLogicError as error:
            self._console.print(f"[red]{type(error).__name__}[/red]:", str(error), highlight=False)

    def close(self) -> None:
        """Gives the connection back."""
        self._names["conn"].close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> int:
    """Runs the demonstration; the exit status is 1 if the program of a loop failed."""
    console = Console(soft_wrap=True)
    with Server() as server:
        console.print(
            f"Embedded server on {server.host}:{server.port} (in memory, gone at the end)"
        )
        demo = Demo(console, server)
        demo.ask("create a table", "r.table_create('heroes').run(conn)['tables_created']")
        demo.ask("insert", "r.table('heroes').insert(HEROES).run(conn)")
        demo.ask("query", "r.table('heroes').filter(r.row['born'] > 1900).pluck('name').run(conn)")
        demo.ask("order", "r.table('heroes').order_by(r.desc('born'))['name'].run(conn)")
        demo.watch()
        demo.fail()
        demo.close()
        well = [show_loop(console, loop, server) for loop in LOOPS]
    console.print("\nThe programs are short, and good to begin with: rethinkdb/cli/demos/")
    console.print("Nothing but host and port changes when you move to a real cluster.")
    return 0 if all(well) else 1
