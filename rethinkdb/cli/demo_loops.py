"""The part of `reql demo` that shows the loops. It runs the programs of `demos`.

Each program runs in its own process, because loops cannot share one. The demo shows the part of the
code that differs from loop to loop, and then the first lines that the program prints.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from threading import Timer

from rich.console import Console
from rich.syntax import Syntax

from rethinkdb.cli.signals import child
from rethinkdb.embedded import Server

LOOPS = {
    "asyncio": "asyncio",
    "tornado": "Tornado",
    "twisted": "Twisted",
    "trio": "trio",
    "gevent": "gevent",
    "blocking": "threads",
}
"""Titles by loop type. A loop type is also the name of the program and of the extra."""

WITHOUT_EXTRA = {"asyncio", "blocking"}
"""The loops that need only Python itself."""

PROGRAMS = Path(__file__).with_name("demos")
"""The directory of the programs."""

SHOWN = 1
"""How many changes of each table are shown. The others are only counted."""

TIMEOUT = 30
"""The time limit of a program in seconds. It takes less than one, unless something is broken."""

_CHANGE = re.compile(r"Seen on table (\w+): ")


def show_loop(console: Console, loop: str, server: Server) -> bool:
    """Runs the program of a loop, or says what to install for it.

    Args:
        console: the output.
        loop: one of `LOOPS`.
        server: the server that the program uses.

    Returns:
        Whether the program succeeded. Errors are shown on stderr.
    """
    console.print(f"\n[bold]two feeds at once with {LOOPS[loop]}[/bold]")
    if loop not in WITHOUT_EXTRA and find_spec(loop) is None:
        install = f"pip install 'rethinkdb-loops[{loop}]'"
        console.print(f"Skipped: it is not installed. {install}", markup=False, highlight=False)
        return True
    console.print(Syntax(code_of(loop), "python", background_color="default"))
    module = f"rethinkdb.cli.demos.{loop}"
    console.print(f"$ python -m {module} {server.host} {server.port}", highlight=False)
    # Unbuffered, so that each line comes as soon as the program prints it.
    command = [sys.executable, "-u", "-m", module, server.host, str(server.port)]
    with child(command, stdout=subprocess.PIPE) as program:
        timer = Timer(TIMEOUT, program.kill)
        timer.daemon = True
        timer.start()
        seen = _show_lines(console, program)
        status = program.wait()
        timer.cancel()
    hidden = sum(max(count - SHOWN, 0) for count in seen.values())
    total = ", ".join(f"{seen[table]} on table {table}" for table in sorted(seen))
    console.print(f"... and {hidden} more: {total}", highlight=False)
    return status == 0


def code_of(loop: str) -> str:
    """The part of a loop's program that reads a feed."""
    source = (PROGRAMS / f"{loop}.py").read_text("utf-8")
    (function,) = (node for node in ast.parse(source).body if _is_reader(node))
    return ast.get_source_segment(source, function) or ""


def _is_reader(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "watch"


def _show_lines(console: Console, program: subprocess.Popen[str]) -> Counter[str]:
    """Shows the first changes of each table, and counts all."""
    seen: Counter[str] = Counter()
    for line in program.stdout or ():
        change = _CHANGE.match(line)
        if change:
            seen[change[1]] += 1
        if not change or seen[change[1]] <= SHOWN:
            console.print(line.rstrip(), markup=False)
    return seen
