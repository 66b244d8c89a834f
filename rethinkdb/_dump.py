"""A face: where programs find the command line's `dump`, as a function."""

from rethinkdb.cli.scripts import dump as main

__all__ = ["main"]
