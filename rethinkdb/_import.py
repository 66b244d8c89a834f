"""A face: where programs find the command line's `import`, as a function."""

from rethinkdb.cli.scripts import import_ as main

__all__ = ["main"]
