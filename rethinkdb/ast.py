"""The terms of ReQL: their common base, the literals, and how Python values become terms.

A term holds nodes, its positional arguments and its options. A node is another term, a scalar, or
plain data in wire form that holds no term. Plain data is thus converted once, when the query is
built, and neither walked nor copied again to send it.

Terms do not change once made: they can be run any number of times, on any connection, by any
thread, and be pickled and copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.errors import (
    ReqlDriverCompileError,
    ReqlDriverError,
    ReqlTypeError,
    ReqlValueError,
)
from rethinkdb.pseudotypes import RqlBinary, RqlTzinfo, to_binary
from rethinkdb.ql2 import QueryType, TermType
from rethinkdb.terms import printing, toplevel
from rethinkdb.terms.aggregation import AggregationCommands
from rethinkdb.terms.control import ControlCommands
from rethinkdb.terms.declare import COMMANDS, Rows, usual_class_name
from rethinkdb.terms.documents import DocumentCommands
from rethinkdb.terms.functions import next_variables, parameter_count
from rethinkdb.terms.geo import GeoCommands
from rethinkdb.terms.operators import Operators
from rethinkdb.terms.sequences import SequenceCommands
from rethinkdb.terms.tables import DatabaseCommands, TableCommands
from rethinkdb.terms.times import TimeCommands
from rethinkdb.terms.writing import WritingCommands

if TYPE_CHECKING:
    from typing import TypeAlias, TypeVar, overload

    from rethinkdb.errors import Frames
    from rethinkdb.push import QueryHandle
    from rethinkdb.terms.types import Runs, Value

    R = TypeVar("R")
    _Style: TypeAlias = staticmethod[[printing.Printer, Any, printing.Path], None]

__all__ = [
    "DB",
    "Datum",
    "Func",
    "MakeArray",
    "MakeObj",
    "RqlBinary",
    "RqlQuery",
    "RqlTzinfo",
    "Table",
    "Var",
    "binary",
    "build_db",
    "build_options",
    "expr",
]

NESTING_DEPTH = 20

# Shorter lists of documents to insert are not worth a closer look.
_FEW_DOCUMENTS = 8

# Values that are nodes as they are.
_SCALARS = frozenset({str, int, bool, type(None)})

_DB = int(TermType.DB)
_MAKE_ARRAY = int(TermType.MAKE_ARRAY)
_START = int(QueryType.START)

# Run options for the driver alone, and the one that is not sent as it is given.
_NOT_SENT_SO = frozenset({"json_encoder", "json_decoder", "db"})


class RqlQuery(
    Operators,
    SequenceCommands,
    DocumentCommands,
    AggregationCommands,
    WritingCommands,
    ControlCommands,
    TimeCommands,
    GeoCommands,
):
    """A query, or a part of one. Commands are methods, operators short for some; `run` sends it."""

    __slots__ = ("_args", "_optargs")

    _type: ClassVar[int]
    _name: ClassVar[str] = ""
    _prints: ClassVar[_Style] = staticmethod(printing.method)
    _prints_as: ClassVar[str] = ""
    _rows: ClassVar[Rows] = Rows.NONE
    _option_rows: ClassVar[bool] = False
    _compares: ClassVar[bool] = False
    _inspects: ClassVar[bool] = False  # any of the last three
    _binds_tight: ClassVar[bool] = False  # made by & or |

    def __init__(self, args: Sequence[Any], optargs: dict[str, Any]) -> None:
        self._args = args
        self._optargs = optargs

    # --- running

    if TYPE_CHECKING:

        @overload
        def run(self, c: None = None, **options: Value) -> Any: ...
        @overload
        def run(self, c: Runs[R], **options: Value) -> R: ...

    def run(self, c: Any = None, **options: Value) -> Any:
        """Sends the query and gives its result.

        Args:
            c: the connection. Default: the one that called `repl()` in this thread.
            options: run options, such as `db`, `noreply`, `read_mode`, `time_format`, `profile`,
                `max_batch_rows`, `json_encoder`; and options of commands, for those commands of
                the query that lack them.

        Returns:
            What the connection's loop type gives: the value or cursor (blocking, gevent), or a
            coroutine, Future or Deferred of it. Every sequence is a cursor, every array a list, or
            with `as_cursor=True` a cursor too; None with `noreply`. Cancelling the awaitable stops
            the query on the server, and the connection stays usable.

        Raises:
            ReqlDriverError: there is no connection, or it is closed.
            ReqlCompileError, ReqlRuntimeError: the query is wrong, or failed.

        Example:
            r.table("users").get("ada").run(conn, read_mode="majority")
        """
        if c is None:
            c = _default_connection()
        try:
            start = c._start
        except AttributeError:
            if not callable(c):
                raise
            raise ReqlDriverError(
                "run() takes a connection. For a function use query.run_with(function, conn)."
            ) from None
        return start(self, **options)

    def run_with(self, handler: Any, c: Any = None, **options: Value) -> QueryHandle:
        """Sends the query, and gives its results to callbacks.

        Args:
            handler: a `Handler`, a class of them, or a function. A function of one parameter gets
                each row of a sequence, each element of an array, any other value as it is; one
                of two gets an error first, or None; one of none is only called. Where callers
                await, all of them may be asynchronous.
            c: the connection, as for `run`. It may also come first.
            options: run options, as for `run`, but not `noreply`. `include_states` is set if the
                handler has `on_state`.

        Returns:
            A `QueryHandle`, at once. `close()` ends the query; `await handle`, or on all loops
            `handle.wait()`, waits for its end, and raises what a callback raised.

        Raises:
            ReqlDriverError: there is no open connection, its loop does not run, a method of the
                handler cannot be called as it would be, or the handler was stopped.
            ReqlCompileError: the query is wrong.

        Example:
            handle = r.table("users").changes().run_with(print, conn)
        """
        from rethinkdb.push.start import run_with

        return run_with(self, handler, c, options)

    #: The name of `run_with` in Ruby's documentation.
    em_run = run_with

    def build(self) -> Any:
        """The query as JSON values, as the server takes it."""
        # One frame a level, not a comprehension's second: long chains nest deep.
        args = []
        for node in self._args:
            args.append(node.build() if isinstance(node, RqlQuery) else node)
        if not self._optargs:
            return [self._type, args]
        return [self._type, args, _build_fields(self._optargs)]

    def start_body(self, options: Mapping[str, Any], db: str | None) -> list[Any]:
        """The whole START query as JSON values.

        Args:
            options: the run options. `db` among them (a name, or an `r.db()` term) wins over the
                connection's; None leaves the choice to the server.
            db: the connection's default database.
        """
        sent = build_options(options) if options else {}
        db = options.get("db", db)
        if db is not None:
            sent["db"] = build_db(db)
        return [_START, self.build(), sent]

    # --- printing

    def render(self, frames: Frames | None = None) -> tuple[str, tuple[int, int] | None]:
        """The query as Python text, and where in it the part lies that `frames` lead to."""
        printer = printing.Printer()
        try:
            printer.node(self, None if frames is None else tuple(frames))
        except RecursionError:
            return "<a query nested too deep to print>", None
        return printer.text, printer.span

    def __str__(self) -> str:
        return self.render()[0]

    def __repr__(self) -> str:
        return f"<RqlQuery instance: {self} >"

    # --- building

    @classmethod
    def _call(cls, args: Sequence[Value], options: Mapping[str, Value], subjects: int) -> RqlQuery:
        """The term of a call; the first arguments, if `subjects`, are not looked at for rows."""
        nodes: list[Any] = []
        for arg in args:
            known = type(arg) in _SCALARS or isinstance(arg, RqlQuery)
            nodes.append(arg if known else _node(arg))
        optargs = {name: _node(value) for name, value in options.items()} if options else {}
        if cls._inspects:
            optargs = cls._inspected(nodes, optargs, subjects)
        return cls(nodes, optargs)

    @classmethod
    def _inspected(cls, nodes: list[Any], optargs: dict[str, Any], subjects: int) -> dict[str, Any]:
        """Makes functions of what holds `r.row`: in the list of nodes, and in the options returned.

        Raises:
            ReqlDriverCompileError: operands bind tighter than was likely meant.
        """
        if cls._rows is not Rows.NONE:
            first = subjects if cls._rows is Rows.ALL else max(subjects, len(nodes) - 1)
            nodes[first:] = map(_row_function, nodes[first:])
        if cls._compares:
            _refuse_tight_operands(cls, nodes)
        if cls._option_rows:
            return {name: _row_function(node) for name, node in optargs.items()}
        return optargs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._args, self._optargs)


def _build_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: node.build() if isinstance(node, RqlQuery) else node for name, node in fields.items()
    }


def _default_connection() -> Any:
    from rethinkdb.repl import Repl

    connection = Repl.get()
    if connection is not None:
        return connection
    text = "RqlQuery.run must be given a connection to run on."
    if Repl.active:
        text += " A default connection was set by repl(), but in another thread."
    raise ReqlDriverError(text)


def _refuse_tight_operands(cls: type[RqlQuery], nodes: Iterable[Any]) -> None:
    for node in nodes:
        if isinstance(node, RqlQuery) and node._binds_tight:
            raise ReqlDriverCompileError(
                f"Calling '{cls._prints_as}' on result of infix bitwise operator:\n{node}.\n"
                "This is almost always a precedence error: in Python `a < b | b < c` means"
                " `a < (b | b) < c`. Put parentheses around the comparisons, or use"
                " `.and_()` and `.or_()`."
            )


# --- literals ------------------------------------------------------------------------------------


class Datum(RqlQuery):
    """A scalar."""

    __slots__ = ()
    _prints = staticmethod(printing.datum)

    def build(self) -> Any:
        """The scalar itself."""
        (value,) = self._args
        return value


class MakeArray(RqlQuery):
    """An array."""

    __slots__ = ()
    _type = _MAKE_ARRAY
    _prints = staticmethod(printing.array)


class MakeObj(RqlQuery):
    """An object; its fields are its options."""

    __slots__ = ()
    _prints = staticmethod(printing.mapping)

    def build(self) -> Any:
        """A JSON object: the term MAKE_OBJ is never sent."""
        return _build_fields(self._optargs)


class Func(RqlQuery):
    """A function; its arguments are its parameters' numbers, as an array, and its body."""

    __slots__ = ()
    _type = int(TermType.FUNC)
    _prints = staticmethod(printing.function)


class Var(RqlQuery):
    """A parameter of a function, by its number."""

    __slots__ = ()
    _type = int(TermType.VAR)
    _prints = staticmethod(printing.variable)


class Binary(RqlQuery):
    """Binary data: the pseudo-type object of Python bytes, or a term to be made binary."""

    __slots__ = ()
    _type = int(TermType.BINARY)
    _name = "binary"
    _prints = staticmethod(printing.binary)

    def build(self) -> Any:
        """The pseudo-type object, or the term BINARY."""
        (node,) = self._args
        return node if type(node) is dict else super().build()


class Constant(RqlQuery):
    """A term without arguments that is no call: `r.monday`, `r.minval`."""

    __slots__ = ()
    _prints = staticmethod(printing.constant)


class ImplicitVar(Constant):
    """`r.row`, the document at hand."""

    __slots__ = ()
    _type = int(TermType.IMPLICIT_VAR)
    _name = "row"

    def __call__(self, *args: object, **kwargs: object) -> RqlQuery:
        """Refuses: other drivers write `r.row('field')`.

        Raises:
            TypeError: always.
        """
        raise TypeError("'r.row' is not callable, use 'r.row[...]' instead")


class Funcall(RqlQuery):
    """A call of a function, which comes first on the wire."""

    __slots__ = ()

    @classmethod
    def _call(cls, args: Sequence[Value], options: Mapping[str, Value], subjects: int) -> RqlQuery:
        if not args:
            raise ReqlDriverCompileError("Expected 1 or more arguments but found 0.")
        *arguments, function = super()._call(args, options, subjects)._args
        return cls([function, *arguments], {})


class Documents(RqlQuery):
    """Documents to insert, as JSON text that the server parses; prints as what they were."""

    __slots__ = ()
    _type = int(TermType.JSON)
    _prints = staticmethod(printing.documents)

    def build(self) -> Any:
        """The term JSON."""
        return [self._type, [self._args[0]]]

    def written(self) -> Any:
        """The node of the documents as the ordinary path makes it."""
        from rethinkdb.terms import bulk

        return _node(bulk.written(bulk.Text(*self._args)))


class Insert(RqlQuery):
    """Documents into a table; long lists of plain ones go as text (see `rethinkdb.terms.bulk`)."""

    __slots__ = ()

    @classmethod
    def _call(cls, args: Sequence[Value], options: Mapping[str, Value], subjects: int) -> RqlQuery:
        if len(args) == 2 and type(args[1]) is list and len(args[1]) >= _FEW_DOCUMENTS:
            args = (args[0], _documents(args[1]))
        return super()._call(args, options, subjects)


def _documents(documents: list[Any]) -> Any:
    """The documents, as far as possible as text."""
    from rethinkdb.terms import bulk  # only here: terms need no JSON

    text = bulk.encoded(documents, NESTING_DEPTH)
    if text is not None:
        return Documents(text, {})
    mixed = bulk.encoded_singly(documents, NESTING_DEPTH)
    if mixed is None:
        return documents
    return [Documents(item, {}) if type(item) is bulk.Text else item for item in mixed]


class Table(TableCommands, RqlQuery):
    """A table."""

    __slots__ = ()


class DB(DatabaseCommands, RqlQuery):
    """A database."""

    __slots__ = ()


# --- from Python values to nodes -----------------------------------------------------------------


def expr(val: Value, nesting_depth: int = NESTING_DEPTH) -> RqlQuery:
    """Makes a term of a Python value. Arguments of commands need no `expr`: they go through it.

    Args:
        val: a term (returned as it is); a callable, which is called at once with a variable for
            each parameter to make a function; an aware datetime; str, bytes, bool, int, float,
            None; a mapping with str keys; any other iterable, which makes an array.
        nesting_depth: how deep mappings and iterables may be nested.

    Raises:
        ReqlDriverCompileError: the value is nested too deep (or contains itself), has a key that
            is no str, or is a datetime without timezone.
        ReqlTypeError: a type that ReQL does not have (also a TypeError).
        ReqlValueError: a number that is not finite (also a ValueError).

    Example:
        r.expr({"name": "Ada", "tags": ["a", "b"]}).merge({"age": 36}).run(conn)
    """
    if not isinstance(nesting_depth, int):
        raise ReqlDriverCompileError("Second argument to `r.expr` must be a number.")
    node = _node(val, nesting_depth)
    if isinstance(node, RqlQuery):
        return node
    if type(node) is list:
        return MakeArray(node[1], {})
    if type(node) is dict:
        return MakeObj((), node)
    return Datum((node,), {})


def _node(value: Value, depth: int = NESTING_DEPTH) -> Any:
    kind = type(value)
    if kind in _SCALARS or isinstance(value, RqlQuery):
        return value
    if kind is dict:
        return _object(value, depth)
    if kind is list:
        return _array(value, depth)
    if kind is float:
        return _finite(value)
    for test, convert in _CONVERSIONS:
        if test(value):
            return convert(value, depth)
    return _foreign(value)


def _object(fields: Mapping[Any, Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes = {}
    for key, value in fields.items():
        if type(value) not in _SCALARS:
            value = _node(value, depth - 1)
            plain = plain and not isinstance(value, RqlQuery)
        nodes[key if type(key) is str else _key(key)] = value
    return nodes if plain else MakeObj((), nodes)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ReqlDriverCompileError("Object keys must be strings.")
    return _text(key)


def _array(items: Iterable[Value], depth: int) -> Any:
    if depth <= 0:
        raise ReqlDriverCompileError("Nesting depth limit exceeded.")
    plain = True
    nodes = []
    for value in items:
        if type(value) not in _SCALARS:
            value = _node(value, depth - 1)
            plain = plain and not isinstance(value, RqlQuery)
        nodes.append(value)
    return [_MAKE_ARRAY, nodes] if plain else MakeArray(nodes, {})


def _function(function: Callable[..., Value], depth: int = 0) -> RqlQuery:
    numbers = next_variables(parameter_count(function))
    body = function(*(Var((number,), {}) for number in numbers))
    return Func(([_MAKE_ARRAY, numbers], _node(body)), {})


def _date(value: date, depth: int) -> RqlQuery:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return toplevel.iso8601(value.isoformat())
    kind = "datetime" if isinstance(value, datetime) else "date"
    raise ReqlDriverCompileError(
        f"Cannot convert {kind} to ReQL time object without timezone information. Make it aware"
        " with `zoneinfo` or `pytz` or r.make_timezone('[+-]HH:MM'), or use one of r.now(),"
        " r.time(...) and r.iso8601(...) in its place."
    )


def _bytes(value: bytes | bytearray | memoryview, depth: int = 0) -> RqlQuery:
    return Binary((to_binary(value),), {})


def _finite(value: float, depth: int = 0) -> float:
    if not math.isfinite(value):
        raise ReqlValueError(f"Out of range float values are not JSON compliant: {value}")
    return float(value)


def _text(value: str, depth: int = 0) -> str:
    # Of a subclass, above all an enumeration, the characters count.
    return str.__str__(value.value if isinstance(value, Enum) else value)


def _foreign(value: object) -> object:
    from rethinkdb.codec import foreign_values_allowed  # only here: terms need no JSON

    if not foreign_values_allowed():
        raise ReqlTypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return value


def _is(*types: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, types)


# The first test that holds decides. What is most frequent is not looked up here.
_CONVERSIONS: tuple[tuple[Callable[[object], bool], Callable[[Any, int], Any]], ...] = (
    (callable, _function),
    (_is(float), _finite),
    (_is(tuple), _array),
    (_is(date), _date),
    (_is(str), _text),
    (_is(bytes, bytearray, memoryview), _bytes),
    (_is(int), lambda value, depth: int(value)),
    (_is(Mapping), _object),
    (_is(Iterable), _array),
)


def binary(data: Value, /) -> RqlQuery:
    """Binary data, from Python bytes or from a query that yields a string.

    Args:
        data: bytes, bytearray, memoryview, or a term.

    Returns:
        bytes, when run.

    Raises:
        ReqlDriverCompileError: anything else; text has to be encoded first.

    Example:
        r.table("files").insert({"data": r.binary(path.read_bytes())}).run(conn)
    """
    if isinstance(data, RqlQuery):
        return Binary((data,), {})
    if isinstance(data, bytes | bytearray | memoryview):
        return _bytes(data)
    if isinstance(data, str):
        raise ReqlDriverCompileError(
            "Cannot convert a unicode string to binary, use `str.encode()` to make bytes of it."
        )
    raise ReqlDriverCompileError(
        f"Cannot convert {type(data).__name__} to binary, it takes bytes or a query."
    )


# --- r.row ---------------------------------------------------------------------------------------


def _row_function(node: Any) -> Any:
    """A node that holds `r.row`, as a function of one parameter; others as they are."""
    if not isinstance(node, RqlQuery) or not _holds_row(node):
        return node
    return Func(([_MAKE_ARRAY, next_variables(1)], node), {})


def _holds_row(term: RqlQuery) -> bool:
    pending: list[Any] = [term]
    while pending:
        node = pending.pop()
        if isinstance(node, ImplicitVar):
            return True
        # Inside a function `r.row` is that function's matter.
        if isinstance(node, RqlQuery) and not isinstance(node, Func):
            pending.extend(node._args)
            pending.extend(node._optargs.values())
    return False


# --- run options ---------------------------------------------------------------------------------


def build_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Run options as JSON values; any value that can be an argument can be one of these.

    `db` is left out (see `build_db`), and so are those that concern the driver alone.
    """
    nodes = {name: _node(value) for name, value in options.items() if name not in _NOT_SENT_SO}
    return _build_fields(nodes)


def build_db(db: Any) -> Any:
    """The run option `db` as JSON values: of a name, or of an `r.db()` term."""
    if type(db) is str:
        return [_DB, [db]]
    return db.build() if isinstance(db, DB) else [_DB, [build_options({"": db})[""]]]


# --- the classes of declared commands ------------------------------------------------------------


_CONSTANTS = (
    *(TermType.MINVAL, TermType.MAXVAL),
    *(TermType.MONDAY, TermType.TUESDAY, TermType.WEDNESDAY, TermType.THURSDAY),
    *(TermType.FRIDAY, TermType.SATURDAY, TermType.SUNDAY),
    *(TermType.JANUARY, TermType.FEBRUARY, TermType.MARCH, TermType.APRIL),
    *(TermType.MAY, TermType.JUNE, TermType.JULY, TermType.AUGUST),
    *(TermType.SEPTEMBER, TermType.OCTOBER, TermType.NOVEMBER, TermType.DECEMBER),
)


def constant(term_type: TermType) -> RqlQuery:
    """A term that is no call, such as `r.monday`."""
    name = usual_class_name(term_type)
    cls: type[RqlQuery] = globals().get(name) or __getattr__(name)
    return cls((), {})


def _make_class(name: str, base: type[RqlQuery], attributes: dict[str, Any]) -> Any:
    made = type(name, (base,), {"__slots__": (), "__module__": __name__, **attributes})
    # Where pickle looks it up. Should two threads make it, the first one's is it.
    return globals().setdefault(name, made)


def _declared_classes() -> Iterator[tuple[str, type[RqlQuery], dict[str, Any]]]:
    for term_type in _CONSTANTS:
        attributes = {"_type": int(term_type), "_name": term_type.name.lower()}
        yield usual_class_name(term_type), Constant, attributes
    for declared in COMMANDS:
        yield declared.class_name, RqlQuery, declared.class_attributes


def _complete_classes() -> None:
    """Give the classes above what their declarations say of them."""
    for name, _, attributes in _declared_classes():
        known = globals().get(name)
        for attribute, value in attributes.items() if known else ():
            setattr(known, attribute, value)


_complete_classes()


def __getattr__(name: str) -> Any:
    # A program uses a few of the 190 classes. Making them all took 5 ms of the 26 that importing
    # the driver takes.
    for class_name, base, attributes in _declared_classes():
        if class_name == name:
            return _make_class(name, base, attributes)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for name, _, _ in _declared_classes())})
