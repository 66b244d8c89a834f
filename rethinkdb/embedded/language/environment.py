"""The environment in which a query runs, and the variables that its terms can see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import Portions
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import Table, TableSlice, Value
from rethinkdb.embedded.failures import Backtrace, Interrupted, QueryFailure
from rethinkdb.embedded.language import batching
from rethinkdb.embedded.language.batching import BatchLimits
from rethinkdb.embedded.outside.interruption import Interruption

if TYPE_CHECKING:
    from rethinkdb.embedded.language.nodes import Node
    from rethinkdb.embedded.storage.indexes import Range
    from rethinkdb.embedded.storage.store import Store

Result = TypeVar("Result")

DEFAULT_ARRAY_LIMIT = 100_000


class Environment:
    """The environment of one query: storage, user, run options, its time, its interruption.

    Attributes:
        store: databases, tables, users.
        user: the user name of the connection.
        options: compiled run options, by name.
        now: the time of the query as a PTYPE<TIME>. Each `r.now()` in the query gives this time.
        interruption: the means by which other threads end the query.
        array_limit: the largest array that the query may make.
        pulled_by_client: whether the rows that are pulled now go to the client, not to a term. Only
            then the first batch is smaller than the others.
        aggregating: whether the rows that are pulled now are aggregated. Batch options then do not
            apply.
        hard_writes: whether it has written something that must be on disk before the reply.
        scanned: the tables of which it reads more than single rows, by id, with the range of
            primary keys (None: any).
        watched: the ids of the tables that its changefeeds watch.
        place: the backtrace of the value returned by the last function call, or by the last term
            that passes on a value made elsewhere.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Datum,
        user: str = "admin",
        options: Mapping[str, Node] | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        self.store = store
        self.now = now
        self.user = user
        self.options: Mapping[str, Node] = options or {}
        self.interruption = interruption or Interruption()
        self.array_limit = DEFAULT_ARRAY_LIMIT
        self._batch_limits: BatchLimits | None = None
        self.pulled_by_client = False
        self.aggregating = False
        self.hard_writes = False
        self.scanned: dict[str, tuple[Table, Range | None]] = {}
        self.watched: set[str] = set()
        self.place: Backtrace = ()

    def option(self, name: str) -> Value | None:
        """The value of a run option. None if it was not given."""
        node = self.options.get(name)
        return None if node is None else node.evaluate(Scope(self))

    def check_interrupted(self) -> None:
        """Raises `Interrupted` if the query was interrupted."""
        if self.interruption.requested:
            raise Interrupted

    def located_here(self, convert: Callable[[Value], Result], value: Value) -> Result:
        """Converts the value that was just returned. A failure gets `place` as its backtrace."""
        return located(convert, value, self.place)

    @property
    def batch_limits(self) -> BatchLimits:
        """The limits of a batch. Raises if the batch options are wrong.

        A real server checks them when rows are pulled, even if no batch is made.
        """
        if self._batch_limits is None:
            self._batch_limits = batching.batch_limits(self)
        return self._batch_limits

    def portions(self) -> Portions:
        """How many rows each part of a table gives to each of the next batches."""
        limits = BatchLimits() if self.aggregating else self.batch_limits
        return Portions(limits.rows, limits.size, limits.factor if self.pulled_by_client else 1)

    def read(self, part: TableSlice) -> Stream:
        """The rows of a slice of a table as a stream."""
        return self.store.read(part, self)

    def in_parts(self, table: Table, rows: Iterator[Datum], place: Backtrace) -> Stream:
        """Rows of a table as a stream, reordered to the order of unsorted rows."""
        return Stream(self.store.in_parts(table.data, rows, self), backtrace=place)

    def read_entries(self, part: TableSlice) -> Iterator[tuple[Datum, Datum]]:
        """The entries of a slice of an index: pairs of the value in the index and the row."""
        return self.store.read_entries(part, self)

    def read_keyed(self, part: TableSlice) -> Iterable[tuple[Datum, Datum]]:
        """The rows of a slice by keys, each with the key by which it was found."""
        return self.store.read_keyed(part, self)

    def read_unordered_entries(self, part: TableSlice) -> Iterable[tuple[Datum, Datum]]:
        """As `read_entries`, in the order of unsorted rows."""
        return self.store.read_unordered_entries(part, self)


def located(convert: Callable[[Value], Result], value: Value, place: Backtrace) -> Result:
    """Converts a value. A failure without a backtrace gets this one."""
    try:
        return convert(value)
    except QueryFailure as failure:
        if failure.backtrace is None and not failure.at_user:
            failure.backtrace = place
        raise


class Scope:
    """The variables that a term can see: the parameters of the functions around it."""

    __slots__ = ("environment", "implicit", "variables")

    def __init__(
        self,
        environment: Environment,
        variables: Mapping[int, Datum] | None = None,
        implicit: Datum = None,
    ) -> None:
        self.environment = environment
        self.variables: Mapping[int, Datum] = {} if variables is None else variables
        self.implicit = implicit

    def bind(self, parameters: Sequence[int], arguments: Sequence[Datum]) -> Scope:
        """A scope inside this one. If a function has one argument, this is also `r.row`."""
        if len(parameters) == 1:
            return self.bind_row(parameters[0], arguments[0])
        # From the last one to the first: the first of several parameters with one number counts.
        pairs = zip(reversed(parameters), reversed(arguments), strict=True)
        variables = {**self.variables, **dict(pairs)}
        return Scope(self.environment, variables, self.implicit)

    def bind_row(self, parameter: int, row: Datum) -> Scope:
        """As `bind`, for a function with one parameter."""
        return Scope(self.environment, {**self.variables, parameter: row}, row)
