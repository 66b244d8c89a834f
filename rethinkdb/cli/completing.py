"""Completes queries that are being typed. The only I/O is the function that `Schema` gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

_KEPT = 10.0  # seconds for which names that the server said are good

DOT_COMMANDS = {
    ".help": "show these lines",
    ".json": "show results as JSON",
    ".table": "show results as a table",
    ".use DB": "take another database for r.table(...)",
    ".exit": "leave; Ctrl-D does, too",
}
"""Commands of the shell itself."""

_IN_STRING = re.compile(r"""(?P<before>.*)(?P<quote>["'])(?P<typed>[^"']*)\Z""", re.DOTALL)
_NAME = re.compile(r"(?P<before>.*?)(?P<dot>\.?)(?P<typed>\w*)\Z", re.DOTALL)
_LAST_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*\Z")
_DATABASE = re.compile(r"""\.db\(\s*["']([\w-]+)["']\s*\)""")
_TABLE = re.compile(r"""\btable\(\s*["']([\w-]+)["']""")


class Completion(NamedTuple):
    """A possible completion.

    Attributes:
        text: the whole text.
        typed: how many of its characters are typed already.
    """

    text: str
    typed: int


class Schema:
    """The names on a server, and the names of fields in rows that were shown.

    Args:
        ask: a function that runs a query and returns its result.
    """

    def __init__(self, ask: Callable[[Any], Any]) -> None:
        self._ask = ask
        self._known: dict[tuple[str, ...], tuple[float, list[str]]] = {}
        self.fields: dict[str, None] = {}
        self.database = "test"

    def saw(self, row: Any) -> None:
        """Remembers the fields of a row that was shown."""
        if isinstance(row, Mapping):
            self.fields.update(dict.fromkeys(str(name) for name in row))
            for value in row.values():
                self.saw(value)
        elif isinstance(row, list) and row:
            self.saw(row[0])

    def databases(self) -> list[str]:
        """All databases."""
        from rethinkdb import r

        return self._names(("db",), r.db_list)

    def tables(self, database: str) -> list[str]:
        """The tables of a database."""
        from rethinkdb import r

        return self._names(("table", database), r.db(database).table_list)

    def indexes(self, database: str, table: str) -> list[str]:
        """The secondary indexes of a table."""
        from rethinkdb import r

        return self._names(("index", database, table), r.db(database).table(table).index_list)

    def _names(self, key: tuple[str, ...], query: Callable[[], Any]) -> list[str]:
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < _KEPT:
            return known[1]
        try:
            names = sorted(self._ask(query()))
        except Exception:  # errors of completion must not disturb the user who types
            names = []
        self._known[key] = monotonic(), names
        return names


def completions(
    text: str, schema: Schema, names: Mapping[str, Any] | None = None
) -> Iterator[Completion]:
    """The completions of a text.

    Args:
        text: the text before the cursor.
        schema: the names on the server.
        names: the variables.
    """
    names = names or {}
    if text.startswith("."):
        commands = (command.split()[0] for command in DOT_COMMANDS)
        yield from _fitting(text, commands)
        return
    string = _IN_STRING.match(text)
    if string is not None and _is_open(text):
        yield from _fitting(string["typed"], _strings(string["before"], text, schema))
        return
    name = _NAME.match(text)
    assert name is not None  # it matches anything
    if name["dot"]:
        before = name["before"].rstrip()
        if before.endswith("r") and not before[-2:-1].isalnum():
            yield from _fitting(name["typed"], functions())
        elif before.endswith((")", "]")):
            yield from _fitting(name["typed"], commands_of_terms())
        elif (variable := _LAST_NAME.search(before)) is not None and variable[0] in names:
            shown = [name for name in dir(names[variable[0]]) if not name.startswith("_")]
            yield from _fitting(name["typed"], shown)
    elif name["typed"]:
        yield from _fitting(name["typed"], sorted({"r", *names}))


def _is_open(text: str) -> bool:
    """Whether the last string of a text is not closed."""
    quote = ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
    return bool(quote)


def _strings(before: str, text: str, schema: Schema) -> list[str]:
    """The strings that may begin after a text."""
    head = before.rstrip()
    database = (_DATABASE.findall(text) or [schema.database])[-1]
    table = (_TABLE.findall(text) or [""])[-1]
    if head.endswith(("db(", "db_drop(")):
        return schema.databases()
    if head.endswith(("table(", "table_drop(")):
        return schema.tables(database)
    if head.endswith(("index=", "index_drop(", "index_status(", "index_wait(")):
        return schema.indexes(database, table) if table else []
    return sorted(schema.fields)


def _fitting(typed: str, texts: Iterable[str]) -> Iterator[Completion]:
    return (Completion(text, len(typed)) for text in texts if text.startswith(typed))


@cache
def functions() -> list[str]:
    """The names of the commands of `r`."""
    from rethinkdb import r

    return [name for name in dir(r) if not name.startswith("_")]


@cache
def commands_of_terms() -> list[str]:
    """The names of the commands of terms."""
    from rethinkdb import r

    return [name for name in dir(r.expr({})) if not name.startswith("_")]
