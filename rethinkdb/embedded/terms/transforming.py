"""Turning sequences into other sequences, row by row: map, concat_map, filter, union ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.merging import is_literal
from rethinkdb.embedded.data.shards import JoinedRows
from rethinkdb.embedded.data.streams import (
    INFINITE,
    FieldFilter,
    Refusal,
    Stream,
    Transform,
    obstacle_of,
)
from rethinkdb.embedded.data.values import PLAIN_TYPES, AnyFunction, Function, NativeFunction, Value
from rethinkdb.embedded.failures import (
    Backtrace,
    FailureKind,
    QueryFailure,
    logic,
    non_existence,
    typed,
)
from rethinkdb.embedded.feeds import feed as feeds
from rethinkdb.embedded.language import ordering, rowwise
from rethinkdb.embedded.language.evaluation import (
    Call,
    ConstantNode,
    Environment,
    ObjectNode,
    TermNode,
    is_term,
    located,
)
from rethinkdb.embedded.language.ordering import SortKey
from rethinkdb.embedded.language.registry import MANY, Grouping, Shortcut, term
from rethinkdb.embedded.language.rowwise import Rows
from rethinkdb.embedded.language.wanted import wanted_field
from rethinkdb.embedded.terms.documents import has_fields_of, pluck_object
from rethinkdb.ql2 import TermType


def around(function: AnyFunction) -> Backtrace | None:
    """The place of an error about a function's result on a real server: around its body."""
    return function.backtrace[0] if function.backtrace else function.backtrace


# -- map


@term(TermType.MAP, 2, MANY, grouping=Grouping.STREAM, forbids_writes=True)
def map_(call: Call) -> Value:
    """`map` of one sequence, or of several in step."""
    sequences = [call.stream(index) for index in range(call.count - 1)]
    function = call.function(call.count - 1)
    _check_arity(function, len(sequences))
    if len(sequences) > 1:
        return call.sequence(_mapped_in_step(call, sequences, function))
    mapped = sequences[0].through(
        lambda rows: map(function, rows),
        call.place,
        obstacle=obstacle_of(function.determinism, function.backtrace),
    )
    return call.sequence(mapped)


def _check_arity(function: AnyFunction, sequences: int) -> None:
    expected = function.arity
    if expected in (None, 0, sequences):
        return
    arguments = f"{expected} argument{'' if expected == 1 else 's'}"
    found = f"{sequences} sequence{' was' if sequences == 1 else 's were'}"
    raise logic(f"The function passed to `map` expects {arguments}, but {found} found.")


def _mapped_in_step(call: Call, sequences: list[Stream], function: AnyFunction) -> Stream:
    endless = all(stream.infinite for stream in sequences)
    nothing = any(stream.exhausted for stream in sequences)
    rows: Iterable[Datum] = () if nothing else map(function, *sequences)
    feed = next((stream.feed for stream in sequences if stream.feed is not None), None)
    return Stream(
        rows,
        is_array=all(stream.is_array for stream in sequences),
        refusal=Refusal(INFINITE, call.place) if endless else None,
        feed=feed and feed.iterated(iter(rows)),
        backtrace=call.place,
    )


@term(TermType.CONCAT_MAP, 2, grouping=Grouping.STREAM, forbids_writes=True)
def concat_map(call: Call) -> Value:
    """`concat_map`: the sequences that a function returns for the rows, one after the other."""
    stream = call.stream(0)
    flattened = stream.through(
        flattening(call.function(1), call.environment),
        call.place,
        obstacle=logic("Cannot call `changes` after `concat_map`."),
    )
    return call.sequence(flattened)


def flattening(function: AnyFunction, environment: Environment) -> Transform:
    """The rows of the sequences that a function returns for each row."""

    def flattened(rows: Iterator[Datum]) -> Iterator[Datum]:
        for row in rows:
            yield from _sequence_of(function, row, environment).all_rows()

    return flattened


def _sequence_of(function: AnyFunction, row: Datum, environment: Environment) -> Stream:
    value = function.call(row)
    if type(value) in PLAIN_TYPES and not isinstance(value, list):
        failure = typed(value, f"Cannot convert {datum.type_name(value)} to SEQUENCE")
        failure.backtrace = around(function)
        raise failure
    stream = environment.located_here(lambda value: values.as_stream(value, environment), value)
    if stream.backtrace is None:
        stream.backtrace = environment.place
    return stream


# -- filter


@term(TermType.FILTER, 2, options=("default",), grouping=Grouping.STREAM, forbids_writes=True)
def filter_(call: Call) -> Value:
    """`filter`, by a function or by fields to compare with."""
    subject = call.value(0)
    call.value(1, literal_ok=True)
    function = call.function(1, Shortcut.CONSTANT)
    default = call.option_node("default")
    determinism = function.determinism | (default.determinism if default else function.determinism)
    stream = call.selection(0).stream if values.is_selection(subject) else call.stream(0)
    filtered = stream.through(
        filtering(function, _default(call)),
        call.place,
        obstacle=obstacle_of(determinism, function.backtrace),
        may_follow_limit=True,
    )
    return call.picked(subject, filtered)


def _default(call: Call) -> Callable[[], bool] | None:
    """The option `default`: the answer for rows that lack something. Evaluated for each of them."""
    node = call.option_node("default")
    if node is None:
        return None
    scope = call.scope

    def default() -> bool:
        value = node.evaluate(scope)
        return datum.truth(located(values.as_datum, value, node.place(scope)))

    return default


def filtering(function: AnyFunction, default: Callable[[], bool] | None = None) -> Transform:
    """Only the rows that `acceptance` accepts."""
    accepts = acceptance(function, default)

    def passing(rows: Iterator[Datum]) -> Iterator[Datum]:
        return filter(accepts, rows)

    wanted = None if default else wanted_field(function)
    return passing if wanted is None else FieldFilter(passing, *wanted)


def acceptance(
    function: AnyFunction, default: Callable[[], bool] | None = None
) -> Callable[[Datum], bool]:
    """Whether a function is true for a row.

    If the row lacks something that the function needs, `default` decides. It may raise an error;
    `r.error()` there raises the original one.
    """
    test = _test(function)

    def accepts(row: Datum) -> bool:
        try:
            return test(row)
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = around(function)
            if failure.kind is not FailureKind.NON_EXISTENCE:
                raise
            return default is not None and _decided(default, failure)

    return accepts


def _decided(default: Callable[[], bool], missing: QueryFailure) -> bool:
    try:
        return default()
    except QueryFailure as failure:
        if failure.kind is FailureKind.EMPTY_USER:
            raise missing from None
        raise


def _test(function: AnyFunction) -> Callable[[Datum], bool]:
    if not _gives_fields(function):
        return function.truth

    def test(row: Datum) -> bool:
        wanted = function(row)
        if not isinstance(wanted, dict):
            return datum.truth(wanted)
        try:
            return _matches(wanted, row)
        except QueryFailure as failure:
            if failure.kind is FailureKind.NON_EXISTENCE:
                failure.backtrace = function.backtrace
            raise

    return test


def _gives_fields(function: AnyFunction) -> bool:
    """Whether it is written as an object. Then the fields of a row are compared with it.

    An object that a query computes is not compared. It is simply true.
    """
    if isinstance(function, Function):
        return isinstance(function.body, (ObjectNode, ConstantNode))
    return function.constant


def _matches(wanted: dict[str, Datum], row: Datum) -> bool:
    if is_literal(wanted):
        return datum.equal(wanted.get("value"), row)
    for name in sorted(wanted):
        fields = datum.as_object(row)
        if name not in fields:
            raise non_existence(f"No attribute `{name}` in object.")
        mine, theirs = fields[name], wanted[name]
        if isinstance(mine, dict) and isinstance(theirs, dict):
            if not _matches(theirs, mine):
                return False
        elif not datum.equal(mine, theirs):
            return False
    return True


@term(TermType.DIFFERENCE, 2, grouping=Grouping.STREAM, rewritten=True)
def difference(call: Call) -> Value:
    """The rows that are not in the second sequence. A real server rewrites this to a `filter`."""
    subject = call.value(0)
    stream = call.selection(0).stream if values.is_selection(subject) else call.stream(0)
    kept = stream.through(
        _without(call),
        call.place,
        obstacle=obstacle_of(call.determinism(1), call.place),
        may_follow_limit=True,
    )
    return call.picked(subject, kept)


def _without(call: Call) -> Transform:
    unwanted: set[tuple[object, ...]] | None = None

    def wanted(row: Datum) -> bool:
        nonlocal unwanted
        try:
            if unwanted is None:
                unwanted = {datum.order_key(item) for item in call.stream(1).all_rows()}
        except QueryFailure as failure:
            if failure.kind is FailureKind.NON_EXISTENCE:  # as in any other filter
                return False
            raise
        return datum.order_key(row) not in unwanted

    return lambda rows: filter(wanted, rows)


# -- fields


@term(TermType.WITH_FIELDS, 1, MANY, grouping=Grouping.STREAM, rewritten=True)
def with_fields(call: Call) -> Value:
    """`with_fields`: the rows that have all the named fields, with only these fields."""
    having = rowwise.on_object_or_rows(call, "has_fields", has_fields_of, Rows.FILTERED)
    return rowwise.on_object_or_rows(call.on(having), "pluck", pluck_object, Rows.MAPPED)


# -- positions


@term(TermType.OFFSETS_OF, 2)
def offsets_of(call: Call) -> Value:
    """The positions of a value, or the positions at which a function is true."""
    accepts = equality_or_function(call, 1)
    stream = call.stream(0)
    places = (place for place, row in enumerate(stream) if accepts(row))
    return call.sequence(stream.wrapped(places))


def equality_or_function(call: Call, index: int) -> Callable[[Datum], bool]:
    """Whether a function is true for a row, or the row equals a value."""
    if isinstance(call.value(index), (Function, NativeFunction)):
        return acceptance(call.function(index))
    wanted = call.datum(index)
    return lambda row: datum.equal(row, wanted)


# -- union


@term(TermType.UNION, 0, MANY, options=("interleave",))
def union(call: Call) -> Value:
    """`union`: sequences one after the other, or merged by the order that all of them have."""
    streams = [call.stream(index) for index in range(call.count)]
    node = call.option_node("interleave")
    if node is None:
        return call.sequence(_joined(call, streams))
    if isinstance(node, TermNode) and is_term(node, TermType.MAKE_ARRAY):
        ordering.refuse_spliced(node.arguments)
        keys = [
            ordering.sort_key(part, part.evaluate(call.scope), part.place(call.scope))
            for part in node.arguments
        ]
        return call.sequence(_merged(call, streams, keys))
    value = call.option("interleave")
    if isinstance(value, bool):
        return call.sequence(_joined(call, streams) if value else _merged(call, streams, []))
    key = ordering.sort_key(node, value, node.place(call.scope))
    return call.sequence(_merged(call, streams, [key]))


def _joined(call: Call, streams: list[Stream]) -> Stream:
    followed = any(stream.feed is not None for stream in streams)
    sources = [(stream.located_source(), not stream.at_hand) for stream in streams]
    return Stream(
        chain.from_iterable(streams)
        if followed
        else JoinedRows(sources, call.environment.portions),
        origins=tuple(origin for stream in streams for origin in stream.origins),
        is_array=all(stream.is_array for stream in streams),
        refusal=next((stream.refusal for stream in streams if stream.refusal is not None), None),
        feed=feeds.joined(streams),
        backtrace=call.place,
    )


def _sizes(environment: Environment) -> Iterator[int]:
    portions = environment.portions()
    while True:
        yield portions.whole()


def _merged(call: Call, streams: list[Stream], keys: list[SortKey]) -> Stream:
    endless = any(stream.infinite for stream in streams)
    rows: Iterable[Datum] = chain.from_iterable(streams)
    if keys:
        sizes = repeat(1) if endless else _sizes(call.environment)
        rows = ordering.merged([iter(stream) for stream in streams], keys, sizes)
    message = "Cannot use an infinite stream with an ordered `union`."
    return Stream(
        rows,
        is_array=all(stream.is_array for stream in streams),
        refusal=Refusal(message, call.place) if endless else None,
        backtrace=call.place,
    )
