"""A face: where programs find the command line's `export`, as a function."""

from rethinkdb.cli.scripts import export as main

__all__ = ["main"]
