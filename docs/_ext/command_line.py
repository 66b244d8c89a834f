"""The directive `command-line`: the help texts of the command `reql`, as it prints them.

With names of subcommands it shows the help of these, each in a section; with a single one
its help only, as the page has a title already.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from rethinkdb.cli import COMMANDS
from rethinkdb.cli.running import module_of


class CommandLine(SphinxDirective):
    """See the module."""

    optional_arguments = len(COMMANDS)

    def run(self) -> list[nodes.Node]:
        """The help, or a section for each subcommand."""
        if len(self.arguments) == 1:
            (name,) = self.arguments
            return [nodes.literal_block(text=_help(name, COMMANDS[name]), language="text")]
        return list(self._sections())

    def _sections(self) -> Iterator[nodes.Node]:
        for name, summary in COMMANDS.items():
            if self.arguments and name not in self.arguments:
                continue
            section = nodes.section(ids=[f"reql-{name}"])
            text = f"reql {name}"
            section += nodes.title(text, text)
            section += nodes.literal_block(text=_help(name, summary), language="text")
            yield section


def _help(name: str, summary: str) -> str:
    # A width of its own: that of the terminal would differ from build to build.
    parser = argparse.ArgumentParser(
        prog=f"reql {name}",
        description=summary,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=88),
    )
    module = module_of(name)
    module.add_arguments(parser)
    return parser.format_help()


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
