"""The directive `command-line`: the help texts of the command `reql`, as it prints them."""

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

    def run(self) -> list[nodes.Node]:
        """A section for each subcommand."""
        return list(self._sections())

    def _sections(self) -> Iterator[nodes.Node]:
        for name, summary in COMMANDS.items():
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
