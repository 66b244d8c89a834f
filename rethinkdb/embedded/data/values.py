"""The results of terms that are no plain data: tables, selections, streams, functions, groups.

Some kinds can stand for others: a table for a selection, a selection for a sequence, and a row
picked from a table for its datum. The `as_...` functions convert them, or raise the error of a real
server. Kinds and conversions are in one module, as a new kind needs an entry in most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum, Extremum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.failures import Backtrace, QueryFailure, about_user, logic, typed

if TYPE_CHECKING:
    from rethinkdb.embedded.language.environment import Environment, Scope
    from rethinkdb.embedded.language.nodes import Node
    from rethinkdb.embedded.storage.store import TableData

Value: TypeAlias = Any
"""A datum or one of the classes below (or a `Stream`)."""


@dataclass(frozen=True, slots=True)
class Database:
    """`r.db(name)`: an existing database, with its id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """`r.table(name)`: a whole table, and the way to read it."""

    database: Database
    name: str
    data: TableData
    read_mode: str = "single"
    backtrace: Backtrace | None = field(default=None, compare=False)
    """Where it was named, for failures about slices of it."""

    @property
    def display_name(self) -> str:
        """The name in messages: `database.table`."""
        return f"{self.database.name}.{self.name}"


@dataclass(frozen=True, slots=True)
class TableSlice:
    """Part of a table, in the order of an index. `between` and indexed `order_by` return it.

    `left` and `right` are bounds with whether they belong to the slice; `sorting` is None, "asc"
    or "desc".
    """

    table: Table
    index: str | None = None
    left: Datum = datum.MINVAL
    left_closed: bool = True
    right: Datum = datum.MAXVAL
    right_closed: bool = True
    sorting: str | None = None
    bounded: bool = False
    """A second `between` on the same table is refused."""
    keys: tuple[Datum, ...] | None = None
    """The keys of `get_all`, each giving its rows as often as it is named; None: bounds count."""

    @property
    def primary_keys(self) -> tuple[Datum, ...] | None:
        """The primary keys of its rows. None if the slice is of another index."""
        return self.keys if self.index in (None, self.table.data.primary_key) else None

    def narrowed(self, **changes: Any) -> TableSlice:
        """The same slice with some of its properties changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows picked from a table. They are read lazily, and can still be updated or deleted."""

    table: Table
    stream: Stream


class SingleSelection:
    """One row of a table, by key. It is read once, when it is needed.

    Attributes:
        table: the table.
        extreme: if it is the first row of this slice (`min`, `max` with an index), that slice.
    """

    __slots__ = ("_key", "_read", "_row", "extreme", "table")

    def __init__(
        self,
        table: Table,
        key: Datum,
        read: Callable[[], Datum],
        *,
        extreme: TableSlice | None = None,
    ) -> None:
        self.table = table
        self.extreme = extreme
        self._key = key
        self._read = read
        self._row: list[Datum] = []

    @classmethod
    def of_row(cls, table: Table, row: Datum) -> SingleSelection:
        """A row that has been read already."""
        return cls(table, row.get(table.data.primary_key), lambda: row)

    @property
    def key(self) -> Datum:
        """The primary key of the row. An extreme row must be read to know it."""
        if self.extreme is None:
            return self._key
        return self.row().get(self.table.data.primary_key)

    def row(self) -> Datum:
        """The row. Null if there is no row with this key."""
        if not self._row:
            self._row.append(self._read())
        return self._row[0]


@dataclass(frozen=True, slots=True)
class Function:
    """A ReQL function with the variables that it captured where it was written.

    `enclosing` is the number of functions with one parameter around it.
    """

    parameters: tuple[int, ...]
    body: Node
    scope: Scope
    enclosing: int = 0

    @property
    def arity(self) -> int | None:
        """The number of parameters."""
        return len(self.parameters)

    @property
    def determinism(self) -> Determinism:
        """Whether it returns the same result each time."""
        return self.body.determinism

    @property
    def backtrace(self) -> Backtrace:
        """The backtrace of its body."""
        return self.body.backtrace

    def call(self, *arguments: Datum, literal_ok: bool = False) -> Value:
        """Its result for these arguments. A function without parameters ignores them."""
        parameters, body, scope = self.parameters, self.body, self.scope
        scope.environment.check_interrupted()
        if parameters:
            if len(arguments) != len(parameters):
                raise logic(_wrong_arity(len(arguments), len(parameters)), body.backtrace)
            scope = scope.bind(parameters, arguments)
        value = body.evaluate(scope, literal_ok=literal_ok)
        if not body.passes_on:
            scope.environment.place = body.backtrace
        return value

    def __call__(self, *arguments: Datum) -> Datum:
        """Its result as a datum."""
        if len(self.parameters) == 1 == len(arguments):
            value = self._of_row(arguments[0])
        else:
            value = self.call(*arguments)
        if type(value) in PLAIN_TYPES:
            return value
        try:
            return self.scope.environment.located_here(as_datum, value)
        except QueryFailure as failure:
            if failure.backtrace is None and self.backtrace:  # it wanted a row, and got none
                failure.backtrace = self.backtrace[0]
            raise

    def _of_row(self, row: Datum) -> Value:
        # What `call` does, for the case that is worth being quick: a function run for each row.
        body, scope = self.body, self.scope
        environment = scope.environment
        environment.check_interrupted()
        value = body.evaluate(scope.bind_row(self.parameters[0], row))
        if not body.passes_on:
            environment.place = body.backtrace
        return value

    def truth(self, *arguments: Datum) -> bool:
        """Its result as a truth value."""
        return datum.truth(self(*arguments))


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """A function made by the server: shortcuts such as `map('field')`, JavaScript.

    `constant` marks data that stands for a function: `filter` compares rows with its fields.
    `source` is how `info` shows it.
    """

    native: Callable[..., Value]
    arity: int | None = None
    constant: bool = False
    determinism: Determinism = Determinism.ALWAYS
    backtrace: Backtrace | None = None
    source: str = ""

    def call(self, *arguments: Datum, literal_ok: bool = False) -> Value:
        """Its result for these arguments."""
        try:
            return self.native(*arguments)
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = self.backtrace
            raise

    def __call__(self, *arguments: Datum) -> Datum:
        """Its result as a datum."""
        return as_datum(self.call(*arguments))

    def truth(self, *arguments: Datum) -> bool:
        """Its result as a truth value."""
        return datum.truth(self(*arguments))


AnyFunction: TypeAlias = "Function | NativeFunction"


@dataclass(slots=True)
class GroupedData:
    """The results of a query, one for each group. Until `ungroup`, terms run once for each group.

    Keys are kept in ReQL's order.
    """

    groups: dict[tuple[Any, ...], tuple[Datum, Value]] = field(default_factory=dict)

    def add(self, key: Datum, value: Value) -> None:
        """Sets the result of one group."""
        self.groups[datum.order_key(key)] = (key, value)

    def __iter__(self) -> Iterator[tuple[Datum, Value]]:
        """Pairs of group and result, in the order of the groups."""
        return (self.groups[key] for key in sorted(self.groups))

    def __len__(self) -> int:
        """The number of groups."""
        return len(self.groups)

    def transformed(self, change: Callable[[Value], Value]) -> GroupedData:
        """The same groups with each result changed."""
        result = GroupedData()
        for key, value in self:
            result.add(key, change(value))
        return result


PLAIN_TYPES = frozenset((type(None), bool, int, float, str, bytes, list, dict, Extremum))
"""The Python types of data."""

_KIND_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Database, "DATABASE"),
    (Table, "TABLE"),
    (TableSlice, "TABLE_SLICE"),
    (Selection, "SELECTION"),
    (Stream, "SEQUENCE"),
    (SingleSelection, "SINGLE_SELECTION"),
    ((Function, NativeFunction), "FUNCTION"),
    (GroupedData, "GROUPED_DATA"),
)


def kind_name(value: Value) -> str:
    """The kind of a value, as in error messages."""
    if type(value) in PLAIN_TYPES:
        return "DATUM"
    return next((name for kind, name in _KIND_NAMES if isinstance(value, kind)), "DATUM")


def is_datum(value: Value) -> bool:
    """Whether it is plain data, or a single row, which can be converted to plain data."""
    return type(value) in PLAIN_TYPES or isinstance(value, SingleSelection)


def print_value(value: Value) -> str:
    """A value, as in error messages."""
    if isinstance(value, Database):
        return f'db("{value.name}")'
    if isinstance(value, Table):
        return f'table("{value.name}")'
    if isinstance(value, (TableSlice, Selection)):
        return f"SELECTION ON table({value.table.name})"
    if is_datum(value):
        return datum.pretty(as_datum(value))
    return f"VALUE {kind_name(value)}"


def wrong_kind(expected: str, value: Value) -> QueryFailure:
    """The failure for a value that does not convert to the kind that is needed."""
    found = as_datum(value) if is_datum(value) else value
    try:
        shown = print_value(value)
    except QueryFailure as failure:  # `r.minval` and `r.maxval` have no text
        return about_user(failure)
    return typed(found, f"Expected type {expected} but found {kind_name(value)}:\n{shown}")


def as_datum(value: Value) -> Datum:
    """The value as plain data. Sequences are not turned into arrays silently."""
    if type(value) in PLAIN_TYPES:
        return value
    if isinstance(value, SingleSelection):
        return value.row()
    raise wrong_kind("DATUM", value)


def as_database(value: Value) -> Database:
    """The value, which must be a database."""
    if isinstance(value, Database):
        return value
    raise wrong_kind("DATABASE", value)


def as_table(value: Value) -> Table:
    """The value, which must be a whole table."""
    if isinstance(value, Table):
        return value
    raise wrong_kind("TABLE", value)


def as_table_slice(value: Value) -> TableSlice:
    """The value as part of a table in the order of an index."""
    if isinstance(value, Table):
        return TableSlice(value)
    if isinstance(value, TableSlice):
        return value
    raise wrong_kind("TABLE_SLICE", value)


def as_selection(value: Value, environment: Environment) -> Selection:
    """The value as rows picked from a table."""
    if isinstance(value, Selection):
        return value
    if isinstance(value, (Table, TableSlice)):
        part = as_table_slice(value)
        return Selection(part.table, environment.read(part))
    raise wrong_kind("SELECTION", value)


def is_selection(value: Value) -> bool:
    """Whether it is a selection of rows, which can still be updated."""
    return isinstance(value, (Selection, Table, TableSlice))


def table_of(value: Table | TableSlice | Selection) -> Table:
    """The table that rows are picked from."""
    return value if isinstance(value, Table) else value.table


def is_sequence(value: Value) -> bool:
    """Whether it is a sequence other than an array."""
    return isinstance(value, (Stream, Selection, Table, TableSlice))


def as_stream(value: Value, environment: Environment) -> Stream:
    """The value as a sequence to be pulled once: streams, selections, tables, arrays.

    For data that is no array, the failure is about the term that wants a sequence; for any other
    value, about where that was made.
    """
    if isinstance(value, Stream):
        return value
    if isinstance(value, Selection):
        return value.stream
    if isinstance(value, (Table, TableSlice)):
        return environment.read(as_table_slice(value))
    if isinstance(value, list):
        return Stream.of_array(value)
    if type(value) in PLAIN_TYPES:
        raise typed(value, f"Cannot convert {datum.type_name(value)} to SEQUENCE")
    raise wrong_kind("SEQUENCE", value)


def _wrong_arity(given: int, taken: int) -> str:
    plural = ["" if count == 1 else "s" for count in (given, taken)]
    return (
        f"Expected function with {given} argument{plural[0]}"
        f" but found function with {taken} argument{plural[1]}."
    )
