"""A face: where programs find the command line's `index-rebuild`, as a function."""

from rethinkdb.cli.scripts import index_rebuild as main

__all__ = ["main"]
