"""`reql shell`: queries typed by people."""

from __future__ import annotations

import argparse
import codeop
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rethinkdb.cli.completing import DOT_COMMANDS, Schema, completions
from rethinkdb.cli.connecting import add_connection_arguments, open_connection
from rethinkdb.cli.evaluating import NOTHING, evaluated, mistake, namespace
from rethinkdb.cli.rendering import change_line, json_text, table_lines
from rethinkdb.cli.signals import interrupted_as_usual
from rethinkdb.errors import ReqlError
from rethinkdb.net.cursor import BaseCursor

EXTRAS = ("cli",)

_HISTORY = "reql/history"
_RESERVED_LINES = 4

# Words that end other shells. A variable with such a name has precedence.
_PLAIN_WORDS = {"exit": ".exit", "quit": ".exit", "help": ".help"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--table", action="store_true", help="show results as tables, not as JSON")
    parser.add_argument("--db", help="the database of r.table(...)")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the shell until the user exits."""
    with open_connection(arguments) as conn:
        if arguments.db:
            conn.use(arguments.db)
        shell = Shell(conn, as_table=arguments.table)
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        shell.paged = terminal
        if terminal:
            print(f"Connected to {conn.host}:{conn.port}. `.help` shows what there is.")
        read = _prompt(shell) if terminal else _plain_input
        with interrupted_as_usual():  # only now, so that Ctrl-C does not hit an import
            shell.interact(read)
    return 0


class Shell:
    """Evaluates the lines that a user types.

    Args:
        conn: the connection for queries.
        as_table: whether to show results as tables.
        show: a function that prints a line.

    Attributes:
        schema: the names for completion.
        names: the variables.
        paged: whether to ask before showing more than fits on the screen.
    """

    def __init__(
        self, conn: Any, *, as_table: bool = False, show: Callable[[str], None] = print
    ) -> None:
        self.conn = conn
        self.names = namespace(conn)
        self.schema = Schema(lambda query: query.run(conn))
        self.schema.database = conn.db or "test"
        self.paged = False
        self._as_table = as_table
        self._show = show
        self._ended = False

    def interact(self, read: Callable[[str], str]) -> None:
        """Reads and evaluates lines until the input ends.

        Args:
            read: a function that reads a line, given the prompt.
        """
        lines: list[str] = []
        while not self._ended:
            try:
                lines.append(read("... " if lines else "reql> "))
                if not self._is_complete("\n".join(lines)):
                    continue
                text, lines = "\n".join(lines), []
                self.answer(text)
            except EOFError:
                return
            except KeyboardInterrupt:
                lines = []
                self._show("")

    @staticmethod
    def _is_complete(text: str) -> bool:
        if text.startswith("."):
            return True
        try:
            return codeop.compile_command(text, "<typed>", "single") is not None
        except (SyntaxError, ValueError, OverflowError):
            return True  # the error is shown at evaluation

    def answer(self, text: str) -> None:
        """Evaluates a text, and shows the result or the error."""
        text = text.strip()
        if text not in self.names:
            text = _PLAIN_WORDS.get(text, text)
        if not text:
            return
        if text.startswith("."):
            self._command(text)
            return
        try:
            value = evaluated(text, self.names, self.conn)
            if value is not NOTHING:
                self.names["_"] = value
                self._result(value)
        except ReqlError as error:
            self._show(f"{type(error).__name__}: {error}")
        except (AttributeError, NameError) as error:
            self._show(mistake(error, self.names))
        except Exception as error:
            self._show("".join(traceback.format_exception_only(error)).rstrip())

    # -- results

    def _result(self, value: Any) -> None:
        if isinstance(value, BaseCursor):
            if value._stream.is_feed:
                self._feed(value)
            else:
                self._pages(iter(value))  # type: ignore[call-overload]  # this loop's can do it
        elif isinstance(value, list) and value:
            self._pages(iter(value))
        elif value is not None:  # as of print(), which has nothing to show
            self.schema.saw(value)
            for line in self._lines([value]) if self._as_table else [json_text(value, indent=2)]:
                self._show(line)

    def _feed(self, feed: Any) -> None:
        try:
            self._show("A changefeed: Ctrl-C ends it.")
            for change in feed:
                self.schema.saw(change)
                self._show(change_line(change) if isinstance(change, dict) else json_text(change))
        except KeyboardInterrupt:
            self._show("")
        finally:
            feed.close()

    def _pages(self, rows: Iterator[Any]) -> None:
        number = 0
        while True:
            page = []
            for row in rows:
                self.schema.saw(row)
                page.append(row)
                if len(page) == self._page_size():
                    break
            for line in self._lines(page):
                self._show(line)
            number += len(page)
            if len(page) < self._page_size() or not self._goes_on(number):
                break
        self._show(f"{number} row{'' if number == 1 else 's'}")

    def _page_size(self) -> int:
        lines = shutil.get_terminal_size().lines
        return max(lines - _RESERVED_LINES, 5) if self.paged else 1000

    def _goes_on(self, number: int) -> bool:
        if not self.paged:
            return True
        try:
            return input(f"-- {number} rows; Enter shows more, q ends --") != "q"
        except (EOFError, KeyboardInterrupt):
            return False

    def _lines(self, rows: list[Any]) -> list[str]:
        if not rows:
            return []
        if self._as_table:
            return table_lines(rows, shutil.get_terminal_size().columns)
        return [json_text(row) for row in rows]

    # -- commands of the shell itself

    def _command(self, text: str) -> None:
        name, _, argument = text.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            ".help": self._help,
            ".json": lambda _: self._format(False),
            ".table": lambda _: self._format(True),
            ".use": self._use,
            ".exit": self._exit,
        }
        command = commands.get(name)
        if command is None:
            self._show(f"There is no command {name}. `.help` shows what there is.")
        else:
            command(argument.strip())

    def _help(self, _: str) -> None:
        self._show('Type queries, such as r.table("users").filter({"age": 20}), or any Python.')
        self._show("`conn` is the connection, `_` the last result. Tab completes names.")
        for name, what in DOT_COMMANDS.items():
            self._show(f"  {name:<8} {what}")

    def _format(self, as_table: bool) -> None:
        self._as_table = as_table

    def _use(self, database: str) -> None:
        if not database:
            self._show(f"The database is {self.schema.database}. `.use DB` takes another one.")
            return
        self.conn.use(database)
        self.schema.database = database

    def _exit(self, _: str) -> None:
        self._ended = True


def _plain_input(prompt: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def history_file() -> Path:
    """The file that keeps the history of typed lines."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / _HISTORY
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _prompt(shell: Shell) -> Callable[[str], str]:
    """A function that reads lines from a terminal, with colours, history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import Completer, Completion
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.python import PythonLexer

    def offered(_: Any, document: Any, event: Any) -> Iterator[Any]:
        for found in completions(document.text_before_cursor, shell.schema, shell.names):
            yield Completion(found.text, start_position=-found.typed)

    # Not a `class` statement: type checkers would need the optional library.
    names = type("Names", (Completer,), {"get_completions": offered})
    session: Any = PromptSession(
        history=FileHistory(str(history_file())),
        lexer=PygmentsLexer(PythonLexer),
        completer=names(),
        complete_while_typing=False,
        complete_in_thread=True,
        auto_suggest=AutoSuggestFromHistory(),
    )

    def read(prompt: str) -> str:
        line: str = session.prompt(prompt)
        return line

    return read
