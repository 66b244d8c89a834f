"""`reql demo`: ReQL and live changefeeds over a real socket, with nothing installed.

First a tour of the queries (`demo_tour`), then the same program on each loop in turn
(`demo_loops`). Every line of code that it shows is the code that it runs.
"""

from __future__ import annotations

import argparse

EXTRAS = ("cli", "embedded")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> int:
    """Runs the demonstration; the exit status is 1 if the program of a loop failed."""
    from rich.console import Console

    from rethinkdb.cli.demo_loops import LOOPS, PROGRAMS, show_loop
    from rethinkdb.cli.demo_tour import Tour
    from rethinkdb.embedded import Server

    console = Console(soft_wrap=True)
    with Server() as server:
        where = f"{server.host}:{server.port}"
        console.print(f"An embedded server listens on {where}. Its data is in memory.")
        Tour(console, server).show()
        well = [show_loop(console, loop, server) for loop in LOOPS]
    console.print(f"\nThese programs are short, and good to begin with: {PROGRAMS}")
    console.print("Nothing but host and port changes when you move to a real cluster.")
    return 0 if all(well) else 1
