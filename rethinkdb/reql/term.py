"""`RqlQuery`, the class of all terms: how a term is built, run, printed and pickled.

A term has positional arguments and options. Each of them is a node: another term, a scalar, or
plain data as it is sent. Plain data holds no term; it is converted once, when the query is built.

A term never changes. It can be run any number of times, on any connection and in any thread, and it
can be pickled and copied.

The module is a little long because terms and the functions that make and build them know each
other's insides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.converters import JSON_TYPES
from rethinkdb.errors import ReqlDriverCompileError, ReqlDriverError
from rethinkdb.ql2 import QueryType, TermNumber
from rethinkdb.repl import Repl
from rethinkdb.reql import late, printing, redacting
from rethinkdb.reql.commands.aggregation import AggregationCommands
from rethinkdb.reql.commands.control import ControlCommands
from rethinkdb.reql.commands.documents import DocumentCommands
from rethinkdb.reql.commands.geo import GeoCommands
from rethinkdb.reql.commands.joins import JoinCommands
from rethinkdb.reql.commands.operators import Operators
from rethinkdb.reql.commands.sequences import SequenceCommands
from rethinkdb.reql.commands.strings import StringCommands
from rethinkdb.reql.commands.times import TimeCommands
from rethinkdb.reql.commands.writing import WritingCommands
from rethinkdb.reql.declare import Rows
from rethinkdb.reql.pickling import picklable, unpickled
from rethinkdb.reql.refusals import no_connection, not_awaited
from rethinkdb.reql.texts import prints
from rethinkdb.reql.truth import tests, used
from rethinkdb.reql.views import TermViews

if TYPE_CHECKING:
    from typing import TypeAlias, TypeVar, overload

    from rethinkdb.converters import Values
    from rethinkdb.errors import Frames
    from rethinkdb.push import QueryHandle
    from rethinkdb.reql.row_types import RowType
    from rethinkdb.reql.types import Runs, Value

    R = TypeVar("R")
    T = TypeVar("T", bound="RqlQuery")
    _Style: TypeAlias = staticmethod[[Any], Iterator[printing.Piece]]

__all__ = ["PLAIN_TYPES", "RqlQuery", "Unbuilt", "build_fields", "built", "make"]

_START = int(QueryType.START)
_DB = int(TermNumber.DB)

#: The types of nodes that are no terms.
PLAIN_TYPES = JSON_TYPES - {tuple}

_new = object.__new__
_sent_of = attrgetter("_sent")

# What programs for releases of the official package before 2.4 state of commands that they add.
_OLD_NAMES = {"tt": "term_type", "st": "statement"}


class RqlQuery(
    Operators,
    SequenceCommands,
    JoinCommands,
    DocumentCommands,
    StringCommands,
    AggregationCommands,
    WritingCommands,
    ControlCommands,
    TimeCommands,
    GeoCommands,
    TermViews,
):
    """A query, or a part of one.

    Commands are methods, and Python's operators are short forms of some. `run` sends the query.
    """

    __slots__ = ("_nodes", "_optargs", "_sent")

    term_type: ClassVar[int]
    statement: ClassVar[str] = ""
    _prints: ClassVar[_Style] = staticmethod(printing.method)
    _prints_as: ClassVar[str] = ""
    _rows: ClassVar[Rows] = Rows.NONE
    _option_rows: ClassVar[bool] = False
    _compares: ClassVar[bool] = False
    _takes_rows: ClassVar[bool] = False  # whether one of the two on rows is set
    _is_row: ClassVar[bool] = False  # whether it is `r.row`
    _sends_else: ClassVar[bool] = False  # whether it sends something else than its command
    _hides_row: ClassVar[bool] = False  # whether no `r.row` in it is that of what is around it

    # Whether it was written with an operator, where the method prints otherwise: `&`, `|`, `[:]`.
    _by_operator: bool = False

    if TYPE_CHECKING:
        _operator: bool  # an attribute of the classes of which this can be so

    _nodes: Sequence[Any]
    _optargs: dict[str, Any]

    #: What is sent, with nodes in it as they are. Not set: `build` tells.
    _sent: Any

    def __init__(self, *args: Value, **optargs: Value) -> None:
        self._nodes = [late.node(value) for value in args]
        self._optargs = {name: late.node(value) for name, value in optargs.items()}
        if tests:
            used(self._nodes)
            used(self._optargs.values())

    def __init_subclass__(cls) -> None:
        if "build" in cls.__dict__:
            cls._sends_else = True
        for old, name in _OLD_NAMES.items():
            if old in cls.__dict__:
                setattr(cls, name, cls.__dict__[old])

    # --- running

    if TYPE_CHECKING:

        @overload
        def run(self, c: None = None, **options: Value) -> Any: ...
        @overload
        def run(self, c: Runs[RqlQuery, R], **options: Value) -> R: ...

    def run(self, c: Any = None, **options: Value) -> Any:
        """Sends the query and returns its result.

        Args:
            c: the connection. Default: the connection that called `repl()` in this thread.
            options: run options, such as `db`, `deadline`, `noreply`, `read_mode`, `time_format`,
                `profile`, `max_batch_rows` and `json_encoder`. `as_type=Hero` gives rows as
                objects of a class, and the rows of a changefeed as `Change` objects. An option of
                a command may be given as well: it holds for each such command in the query that
                does not have it.

        Returns:
            Streams return a cursor, arrays a list, other values are returned directly. With
            `as_cursor=True` an array returns a cursor, too; with `noreply=True` the result is
            None. Blocking and gevent connections return the result itself, asyncio and trio a
            coroutine, Tornado a Future and Twisted a Deferred. Cancelling one of these stops the
            query on the server and leaves the connection usable.

        Raises:
            ReqlDriverError: there is no connection, or it is closed.
            ReqlCompileError: the query makes no sense.
            ReqlRuntimeError: the query failed while it ran.
            ReqlTimeoutError: there was no answer within `deadline`. The query was stopped.

        Example:
            r.table("users").get("ada").run(conn, read_mode="majority")
        """
        if c is None:
            c = _default_connection(options)
        start = getattr(c, "_start", None)
        if start is None:
            raise no_connection(c)
        return start(self, **options)

    def run_with(self, handler: Any, c: Any = None, **options: Value) -> QueryHandle:
        """Sends the query, and calls back with its results.

        Args:
            handler: a `Handler`, a subclass of it, or a function. A function with one parameter
                is called with each row of a stream, with each element of an array, or with the
                value itself. A function with two parameters is called with `(error, row)`, of
                which one is None. A function without parameters is called for each row, too.
                On asyncio, Tornado, Twisted and trio all of these may be asynchronous.
            c: the connection, as for `run`, or a pool. Handler and connection may come in either
                order.
            options: run options, as for `run`, without `noreply` and `as_cursor`. Defining
                `on_state` in the handler turns on `include_states`.

        Returns:
            A `QueryHandle`, at once. `handle.close()` ends the query. `handle.wait()` (or `await
            handle`) waits until it has ended, and raises what a callback raised.

        On a pool the query starts as soon as there is a connection for it. If there is none in
        time, `on_error` gets a `PoolTimeoutError`, a `PoolFullError` or a `PoolClosedError`; then
        `on_close` is called. `on_open` is not.

        Raises:
            ReqlDriverError: there is no open connection, its loop does not run, a method of the
                handler has the wrong parameters, or the handler was stopped.
            ReqlCompileError: the query makes no sense.

        Example:
            handle = r.table("users").changes().run_with(print, conn)
        """
        starts: Callable[..., QueryHandle] = _connection_of(handler, c)._start_with
        return starts(self, handler, c, options)

    #: The name of `run_with` in Ruby's documentation.
    em_run = run_with

    def build(self) -> Any:
        """The query as it is sent: Python values that can be written as JSON."""
        # Recursion, as it takes 70 % of the time that `built` takes; that helps out where Python
        # allows no deeper one, and where a program has put into `_args` what is no node.
        try:
            args = []
            for node in self._nodes:
                # The type is looked up in half the time that `isinstance` takes.
                args.append(node if type(node) in PLAIN_TYPES else node.build())
            if not self._optargs:
                return [self.term_type, args]
            return [self.term_type, args, build_fields(self._optargs)]
        except (AttributeError, RecursionError):
            return built(self)

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """The query as it is sent, except for its nodes, which are in there as they are.

        Args:
            unbuilt: the lists and dicts that hold nodes are appended to this.
        """
        args = list(self._nodes)
        unbuilt.append(args)
        if not self._optargs:
            return [self.term_type, args]
        optargs = dict(self._optargs)
        unbuilt.append(optargs)
        return [self.term_type, args, optargs]

    def _start_json(self, db: str | None, dumps: Callable[[Any, Any], bytes]) -> bytes | None:
        """What `start_body` gives for a query without options, encoded; for most queries.

        orjson itself asks each term what it sends. Nothing is built first, and no Python code runs.
        This takes half the instructions of building and encoding, or 4 % of those of a whole get.

        Args:
            db: the connection's database.
            dumps: `orjson.dumps`, which queries can be built without.

        Returns:
            None: this way cannot tell.
        """
        if tests:
            used(self._parts())
        if type(db) is not str:
            return None
        try:
            return dumps([_START, self, {"db": [_DB, [db]]}], _sent_of)
        except TypeError:  # something in it has to be built first, or told of with its place
            return None

    def start_body(
        self, options: Mapping[str, Any], db: str | None, values: Values | None = None
    ) -> list[Any]:
        """All that a START query sends: the query, and its run options.

        Args:
            options: the run options. `db` among them, a name or an `r.db()` term, replaces the
                connection's database; None means the server's default.
            db: the connection's database.
            values: what the connection does with values that ReQL does not have. None: nothing.

        Raises:
            ReqlDriverCompileError: the connection does not know a value that was kept for it.
        """
        if tests:
            used(self._parts())
        try:
            query = self.build() if values is None else built(self, values)
        except ReqlDriverCompileError as error:
            late.locate(error, self)
            raise
        if not options and type(db) is str:  # usually; two calls less
            return [_START, query, {"db": [_DB, [db]]}]
        return [_START, query, late.start_options(self, options, db, values)]

    def _row_type(self, options: Mapping[str, Any]) -> RowType:
        """Of which type the rows are, and whether they are changes of such documents.

        Args:
            options: the run options. `as_type` among them replaces the type of the table.
        """
        return late.row_type(self, options.get("as_type"))

    def explain(self, error: UnicodeEncodeError | ReqlDriverCompileError) -> None:
        """Adds to an error where in the query the value is that could not be encoded."""
        late.locate(error, self)

    def _written(self) -> RqlQuery:
        """The term as the program wrote it. It is another one for documents sent as a text."""
        return self

    def _parts(self) -> Iterator[RqlQuery]:
        """The query's terms: this one, and all that it is made of."""
        pending: list[Any] = [self]
        while pending:
            node = pending.pop()
            if isinstance(node, RqlQuery):
                yield node
                pending += node._nodes
                pending += node._optargs.values()

    # --- printing

    def render(
        self, frames: Frames | None = None, enough: int | None = None, values: bool = True
    ) -> tuple[str, tuple[int, int] | None]:
        """The query as Python text, and the start and end of the part that `frames` point to.

        Printing stops when there are more than `enough` characters. Without `values` each of them
        is `?`.
        """
        # Imported at the top, as a connection calls this while its thread has a lock. If a signal
        # handler interrupted an import here, other threads would wait for the import and the lock.
        printer = printing.Printer(enough) if values else redacting.RedactingPrinter(enough)
        printer.print(self, None if frames is None else tuple(frames))
        return printer.text, printer.span

    def __str__(self) -> str:
        prints[0] += 1
        return self.render()[0]

    def __repr__(self) -> str:
        return f"<RqlQuery instance: {self} >"

    def __reduce__(self) -> tuple[Any, ...]:
        if tests:
            used(self._parts())
        return unpickled, (picklable(self, RqlQuery),)


def make(cls: type[T], nodes: Sequence[Any], optargs: dict[str, Any]) -> T:
    """A term of a class. Calling the class, as programs may do, converts the arguments first."""
    made = _new(cls)
    made._nodes = nodes
    made._optargs = optargs
    if not cls._sends_else:
        made._sent = (cls.term_type, nodes, optargs) if optargs else (cls.term_type, nodes)
    if tests:
        used(nodes)
        used(optargs.values())
    return made


class Unbuilt(list[Any]):
    """Lists and dicts that hold nodes. Terms among these are to be replaced by what they send.

    Attributes:
        values: what the connection does with values that ReQL does not have.
    """

    __slots__ = ("values",)

    def __init__(self, first: list[Any] | dict[str, Any], values: Values | None) -> None:
        super().__init__((first,))
        self.values = values


def built(term: RqlQuery, values: Values | None = None) -> Any:
    """What is sent of a term of any depth.

    Args:
        term: the term.
        values: what the connection does with values that ReQL does not have. None: nothing.
    """
    root = [term]
    _build_within(Unbuilt(root, values))
    return root[0]


def _build_within(unbuilt: Unbuilt) -> None:
    for holder in unbuilt:  # it grows meanwhile
        for key, node in enumerate(holder) if type(holder) is list else holder.items():
            if isinstance(node, RqlQuery):
                holder[key] = node._outline(unbuilt)


def build_fields(fields: Mapping[str, Any], values: Values | None = None) -> dict[str, Any]:
    """Options, or the fields of an object, as they are sent."""
    if values is not None:
        sent = dict(fields)
        _build_within(Unbuilt(sent, values))
        return sent
    return {
        name: node if type(node) in PLAIN_TYPES else node.build() for name, node in fields.items()
    }


def _default_connection(options: Mapping[str, Any]) -> Any:
    for name, option in options.items():
        if hasattr(option, "_start"):
            raise ReqlDriverError(
                f"run() was given the connection as the option `{name}`. Write query.run(conn)."
            )
    connection = Repl.get()
    if connection is not None:
        return connection
    text = "RqlQuery.run must be given a connection to run on."
    if Repl.active:
        text += " A default connection was set by repl(), but in another thread."
    raise ReqlDriverError(text)


def _connection_of(handler: Any, c: Any) -> Any:
    """The connection among the arguments of `run_with`, which may come in any order."""
    for given in (c, handler):
        if hasattr(given, "_start_with"):
            return given
    pending = not_awaited(c, "run_with") or not_awaited(handler, "run_with")
    if pending is not None:
        raise pending
    if c is not None:
        raise ReqlDriverError(
            f"run_with() takes one handler, and a connection; got {type(c).__name__}."
        )
    default = Repl.get()
    if default is None:
        raise ReqlDriverError("run_with() needs a connection, or a default one: conn.repl().")
    return default
