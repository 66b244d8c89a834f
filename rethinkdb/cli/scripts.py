"""The commands of the official package under their own names, such as `rethinkdb-dump`.

The server's program `rethinkdb` has subcommands with these names, which run these commands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Main = Callable[..., int]


def _main_of(command: str) -> Main:
    def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
        from rethinkdb.cli import INTERRUPTED

        try:
            from rethinkdb.cli.running import run_script

            return run_script(command, argv, prog or f"rethinkdb-{command}")
        except KeyboardInterrupt:
            return INTERRUPTED

    main.__doc__ = f"""Runs `rethinkdb-{command}`.

        Args:
            argv: its arguments; those of the process if not given.
            prog: what errors call it.

        Returns:
            The exit status.
        """
    main.__name__ = main.__qualname__ = command.replace("-", "_")
    main.__module__ = __name__
    return main


dump = _main_of("dump")
restore = _main_of("restore")
export = _main_of("export")
import_ = _main_of("import")
index_rebuild = _main_of("index-rebuild")
repl = _main_of("repl")
