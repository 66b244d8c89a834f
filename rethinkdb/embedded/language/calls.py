"""The `Call` object that the implementation of a term gets: arguments, options, backtraces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.streams import Accumulator, Stream
from rethinkdb.embedded.data.values import (
    PLAIN_TYPES,
    AnyFunction,
    Database,
    Function,
    GroupedData,
    NativeFunction,
    Selection,
    Table,
    TableSlice,
    Value,
)
from rethinkdb.embedded.failures import Backtrace, QueryFailure
from rethinkdb.embedded.language import results
from rethinkdb.embedded.language.environment import Result, Scope, located
from rethinkdb.embedded.language.registry import SHORTCUTS, Shortcut
from rethinkdb.ql2 import TermType

if TYPE_CHECKING:
    from rethinkdb.embedded.language.nodes import Node, TermNode


class Call:
    """One evaluation of a term, as its implementation sees it.

    Each argument is evaluated once, at its first use. If an accessor finds a wrong type, it raises
    a failure whose backtrace shows where the value was made, as a real server does. Other failures
    get the backtrace of the term.
    """

    __slots__ = (
        "_arguments",
        "_places",
        "_result_place",
        "_values",
        "environment",
        "literal_ok",
        "node",
        "scope",
    )

    def __init__(
        self, node: TermNode, arguments: Sequence[Node], scope: Scope, literal_ok: bool
    ) -> None:
        self.node = node
        self.scope = scope
        self.environment = scope.environment
        self.literal_ok = literal_ok
        self._arguments = arguments
        self._values: dict[int, Value] = {}
        self._places: dict[int, Backtrace] | None = None
        self._result_place: Backtrace | None = None

    def on(self, subject: Value) -> Call:
        """The same call with another first argument: one group of grouped data."""
        call = Call(self.node, self._arguments, self.scope, self.literal_ok)
        call._values[0] = subject
        call._places = {0: self.node.backtrace}
        return call

    @property
    def count(self) -> int:
        """The number of arguments, after `r.args` has been spliced in."""
        return len(self._arguments)

    @property
    def array_limit(self) -> int:
        """The largest array the query may make."""
        return self.environment.array_limit

    @property
    def place(self) -> Backtrace:
        """The backtrace of the term itself."""
        return self.node.backtrace

    # -- positional arguments

    def first_value(self) -> Value:
        """The first argument, evaluated for the first time."""
        node = self._arguments[0]
        value = self._values[0] = node.evaluate(self.scope, literal_ok=self.literal_ok)
        if node.passes_on:
            self._places = {0: self.environment.place}
        return value

    def value(self, index: int, *, literal_ok: bool = False) -> Value:
        """An argument, of whatever kind."""
        known = self._values
        if index in known:
            return known[index]
        node = self._arguments[index]
        value = known[index] = node.evaluate(self.scope, literal_ok=literal_ok)
        if node.passes_on:
            if self._places is None:
                self._places = {}
            self._places[index] = self.environment.place
        return value

    def evaluated(self, index: int, *, literal_ok: bool = False) -> Value:
        """An argument, evaluated again. For each row, where a real server makes it a function."""
        self._values.pop(index, None)
        return self.value(index, literal_ok=literal_ok)

    def backtrace(self, index: int) -> Backtrace:
        """The backtrace of an argument, for failures about it."""
        if self._places is not None and index in self._places:
            return self._places[index]
        return self._arguments[index].backtrace

    def note_place_of(self, value: Value) -> None:
        """Notes in the environment where the value that the call returns was made."""
        place = self._result_place
        if place is None and isinstance(value, (GroupedData, GroupedStream)):
            place = self.node.backtrace
        if place is None:
            place = self._place_of_argument(value)
        if place is not None:
            self.environment.place = place

    def _place_of_argument(self, value: Value) -> Backtrace | None:
        """The backtrace of an argument. None if the value came from a function, which noted it."""
        if self.node.rules.type is TermType.FUNCALL:
            return None if isinstance(self._values[0], Function) else self.backtrace(0)
        calls_function = False
        for index in reversed(self._values):
            argument = self._values[index]
            if argument is value:
                return self.backtrace(index)
            calls_function = calls_function or isinstance(argument, (Function, NativeFunction))
        return None if calls_function else self.node.backtrace

    def argument_node(self, index: int) -> Node:
        """An argument, not evaluated."""
        return self._arguments[index]

    def determinism(self, index: int) -> Determinism:
        """Whether an argument gives the same result each time."""
        return self._arguments[index].determinism

    def _converted(self, index: int, convert: Callable[[Value], Result]) -> Result:
        return located(convert, self.value(index), self.backtrace(index))

    def datum(self, index: int, *, literal_ok: bool = False) -> Datum:
        """An argument as plain data."""
        known = self._values
        value = known[index] if index in known else self.value(index, literal_ok=literal_ok)
        if type(value) in PLAIN_TYPES:
            return value
        return located(values.as_datum, value, self.backtrace(index))

    def data(self, start: int = 0) -> list[Datum]:
        """All arguments from position `start` as plain data."""
        return [self.datum(index) for index in range(start, self.count)]

    def number(self, index: int) -> int | float:
        """An argument that must be a NUMBER."""
        known = self._values
        value = known[index] if index in known else self.value(index)
        if type(value) is int or type(value) is float:
            return value
        return located(datum.as_number, self.datum(index), self.backtrace(index))

    def integer(self, index: int) -> int:
        """An argument that must be a NUMBER without a fraction."""
        value = self.datum(index)
        if type(value) is int:
            return value
        return located(datum.as_integer, value, self.backtrace(index))

    def string(self, index: int) -> str:
        """An argument that must be a STRING."""
        value = self.datum(index)
        if type(value) is str:
            return value
        return located(datum.as_string, value, self.backtrace(index))

    def boolean(self, index: int) -> bool:
        """The truth of an argument: all but null and false."""
        return datum.truth(self.datum(index))

    def array(self, index: int) -> list[Datum]:
        """An argument that must be an ARRAY."""
        return located(datum.as_array, self.datum(index), self.backtrace(index))

    def object(self, index: int) -> dict[str, Datum]:
        """An argument that must be an OBJECT."""
        return located(datum.as_object, self.datum(index), self.backtrace(index))

    def stream(self, index: int) -> Stream:
        """An argument as a sequence whose rows can be pulled once."""
        stream = self.unbatched_stream(index)
        _ = self.environment.batch_limits  # refused if they are wrong
        return stream

    def unbatched_stream(self, index: int) -> Stream:
        """As `stream`, for terms where a real server does not check the batch options."""
        value = self.value(index)
        if type(value) in PLAIN_TYPES:
            stream = values.as_stream(value, self.environment)
        else:
            stream = self._converted(index, lambda value: values.as_stream(value, self.environment))
        if stream.backtrace is None:
            stream.backtrace = self.backtrace(index)
        return stream

    def selection(self, index: int) -> Selection:
        """An argument as rows picked from a table."""
        selection = self._converted(
            index, lambda value: values.as_selection(value, self.environment)
        )
        if selection.stream.backtrace is None:
            selection.stream.backtrace = self.backtrace(index)
        _ = self.environment.batch_limits  # checks the batch options
        return selection

    def table(self, index: int) -> Table:
        """An argument that must be a whole table."""
        return self._converted(index, values.as_table)

    def table_slice(self, index: int) -> TableSlice:
        """An argument as part of a table in the order of an index."""
        return self._converted(index, values.as_table_slice)

    def database(self, index: int) -> Database:
        """An argument that must be a database."""
        return self._converted(index, values.as_database)

    def function(self, index: int, shortcut: Shortcut = Shortcut.NONE) -> AnyFunction:
        """An argument as a function. The shortcut says what plain data means."""
        value = self.value(index)
        if type(value) is Function:
            return value
        place = self.backtrace(index)
        return located(lambda value: as_function(value, shortcut, place), value, place)

    # -- results

    def sequence(self, stream: Stream) -> Value:
        """A stream as the result of the term. If it comes from an array, it becomes an array."""
        return results.sequence(stream, self.environment)

    def picked(self, subject: Value, stream: Stream) -> Value:
        """A stream of rows of the subject: a selection if the subject is one."""
        if values.is_selection(subject):
            return Selection(values.table_of(subject), stream)
        return self.sequence(stream)

    def aggregate(self, stream: Stream, start: Callable[[], Accumulator]) -> Value:
        """The result of an aggregation over a stream. One for each group if it is grouped.

        For backtraces of failures, the result counts as made by the stream.
        """
        self._result_place = stream.backtrace
        environment = self.environment
        within, environment.aggregating = environment.aggregating, True
        try:
            return results.aggregate(stream, start)
        finally:
            environment.aggregating = within

    # -- options

    def has_option(self, name: str) -> bool:
        """Whether an optarg was given, on the term or as a run option. Null counts as given."""
        return name in self.node.options or name in self.environment.options

    def option_node(self, name: str) -> Node | None:
        """An optarg of the term itself, not evaluated."""
        return self.node.options.get(name)

    def option(self, name: str) -> Value | None:
        """The value of an optarg, else of the run option with the same name, else None."""
        node = self.node.options.get(name)
        return self.environment.option(name) if node is None else node.evaluate(self.scope)

    def option_as(self, name: str, convert: Callable[[Datum], Any], default: Any = None) -> Any:
        """The converted value of an optarg. Failures of `convert` get the optarg's backtrace."""
        if not self.has_option(name):
            return default
        value = self.option(name)
        place = self.option_backtrace(name)
        try:
            return convert(values.as_datum(value))
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = place
            raise

    def option_function(self, name: str) -> AnyFunction | None:
        """An optarg that must be a function. None if it was not given."""
        if not self.has_option(name):
            return None
        return located(as_function, self.option(name), self.option_backtrace(name))

    def option_backtrace(self, name: str) -> Backtrace:
        """The backtrace of an optarg, for failures about it. Call it after the evaluation."""
        node = self.node.options.get(name)
        return () if node is None else node.place(self.scope)


def as_function(
    value: Value, shortcut: Shortcut = Shortcut.NONE, place: Backtrace | None = None
) -> AnyFunction:
    """The value as a function. Data is converted by the shortcut, or fails at `place`."""
    if isinstance(value, (Function, NativeFunction)):
        return value
    if shortcut is Shortcut.NONE or not values.is_datum(value):
        raise values.wrong_kind("FUNCTION", value)
    made: NativeFunction = SHORTCUTS[shortcut](values.as_datum(value))
    return replace(made, constant=shortcut is Shortcut.CONSTANT, backtrace=place)
