"""Runs one command of `reql`: its arguments in, an exit status out.

An error that users can understand is shown as one line on stderr. A traceback means a bug in this
package.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any, NoReturn

from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.signals import ended_by_signals
from rethinkdb.errors import ReqlDriverError
from rethinkdb.version import __version__

FAILED = 1
WRONG_ARGUMENTS = 2


class Parser(argparse.ArgumentParser):
    """Reports wrong arguments in one line, which also says how to get help."""

    def error(self, message: str) -> NoReturn:
        """Prints the error and ends the program."""
        self.exit(WRONG_ARGUMENTS, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parsed(self, words: Sequence[str]) -> argparse.Namespace:
        """Parses the arguments. The error for an unknown one names an option that looks like it."""
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            getattr(arguments, "parser", self).refuse(unknown)
        return arguments

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Ends the program because of unknown arguments."""
        near = [option for word in unknown for option in self._near(word)]
        hint = f". Did you mean {' '.join(near)}?" if near else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse, whose error then also names the choice that looks like a wrong one."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = get_close_matches(str(value), [str(each) for each in action.choices or ()], n=1)
            if near and "you meant" not in error.message:  # Python 3.15 says so itself
                error.message += f". Did you mean {near[0]}?"
            raise

    def _near(self, word: str) -> list[str]:
        """The option that looks like a word: it contains the word, or its spelling is similar."""
        known = list(self._option_string_actions)
        whole = [option for option in known if word.strip("-") in option.strip("-").split("-")]
        return whole[:1] or get_close_matches(word, known, n=1)


def run_command(argv: Sequence[str] | None, commands: Mapping[str, str]) -> int:
    """Runs a command.

    Args:
        argv: the name of the command and its arguments. None: those of the process.
        commands: the names of all commands, each with its line in `--help`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words:  # `python -m rethinkdb index_rebuild`, as the official package has it
        words[0] = words[0].replace("_", "-")
    with ended_by_signals(for_good=argv is None):
        try:
            status = _run(words, commands)
        except SystemExit:  # argparse has shown what was asked for
            if not _flush():
                raise SystemExit(FAILED) from None
            raise
        return status if _flush(quiet=status != 0) else FAILED


def run_script(command: str, argv: Sequence[str] | None, prog: str) -> int:
    """Runs a command that has its own program. Returns the exit status, also for `--help`.

    Args:
        command: the name of the command.
        argv: the arguments. None: those of the process.
        prog: the name of the program.
    """
    module = module_of(command)
    parser = Parser(prog=prog, description=(module.__doc__ or "").partition(": ")[2])
    module.add_arguments(parser)
    parser.set_defaults(run=module.run, command=command, prog=prog)
    words = list(sys.argv[1:] if argv is None else argv)
    with ended_by_signals(for_good=argv is None):
        try:
            status = _run_parsed(parser.parsed(words))
        except SystemExit as exc:
            status = exc.code if isinstance(exc.code, int) else FAILED
        return status if _flush(quiet=status != 0) else FAILED


def _run(words: Sequence[str], commands: Mapping[str, str]) -> int:
    parser = _parser(words, commands)
    if not words:
        parser.print_help(sys.stderr)
        raise SystemExit(WRONG_ARGUMENTS)
    return _run_parsed(parser.parsed(words))


def _run_parsed(arguments: argparse.Namespace) -> int:
    _leave_losses_to_commands()
    try:
        status: int = arguments.run(arguments)
    except CommandError as exc:
        return _fail(arguments, str(exc), exc.status)
    except ModuleNotFoundError as exc:
        library = (exc.name or "rethinkdb").partition(".")[0]
        if library == "rethinkdb":
            raise  # a bug of this package
        return _fail(arguments, f"{library} is not installed. {_install(arguments)}")
    except BrokenPipeError:  # the reader of the output has stopped reading, as `head` does
        return FAILED
    except (OSError, ReqlDriverError) as exc:
        return _fail(arguments, told(exc))
    return status


def _leave_losses_to_commands() -> None:
    """Turns off the driver's warnings about lost connections, which commands report themselves."""
    import logging  # late, because `reql --help` does not need it

    logging.getLogger("rethinkdb.pool").addHandler(logging.NullHandler())


def _parser(words: Sequence[str], commands: Mapping[str, str]) -> Parser:
    parser = Parser(prog="reql", description="Tools around RethinkDB.")
    parser.add_argument("--version", action="version", version=f"rethinkdb-loops {__version__}")
    subparsers = parser.add_subparsers(metavar="command", required=True)
    asked_for = next((word for word in words if not word.startswith("-")), None)
    for name, summary in commands.items():
        command = subparsers.add_parser(name, help=summary, description=summary)
        if name == asked_for:
            module = module_of(name)
            module.add_arguments(command)
            command.set_defaults(run=module.run, command=name, prog=f"reql {name}", parser=command)
    return parser


def module_of(command: str) -> Any:
    """The module of a command, imported now."""
    name = command.replace("-", "_")
    return importlib.import_module(f"rethinkdb.cli.{name}{'_' * iskeyword(name)}")


def told(exc: BaseException) -> str:
    """The message of an exception in one line, without error numbers of the system."""
    text = str(exc) or type(exc).__name__
    if isinstance(exc, OSError) and exc.strerror:
        text = f"{exc.filename}: {exc.strerror}" if exc.filename else exc.strerror
    return " ".join(text.split())


def _install(arguments: argparse.Namespace) -> str:
    extras = ",".join(module_of(arguments.command).EXTRAS)
    return f"Install what this command needs: pip install 'rethinkdb-loops[{extras}]'"


def _fail(arguments: argparse.Namespace, text: str, status: int = FAILED) -> int:
    print(f"{arguments.prog}: {text}", file=sys.stderr)
    return status


def _flush(quiet: bool = False) -> bool:
    """Flushes the output. Returns whether this worked, and otherwise reports the error."""
    try:
        sys.stdout.flush()
    except OSError as exc:
        if not quiet and not isinstance(exc, BrokenPipeError):
            print(f"reql: cannot write the output: {told(exc)}", file=sys.stderr)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # for what is still in the buffer
        os.close(nowhere)
        return False
    return True
