"""A face: where programs find the command line's `restore`, as a function."""

from rethinkdb.cli.scripts import restore as main

__all__ = ["main"]
