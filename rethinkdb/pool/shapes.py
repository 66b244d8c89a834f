"""Which changefeeds can be run with `resume="diff"`, and how their queries are changed for that.

With `resume="diff"` rows are compared by their primary key. So the driver must know the name of the
key, and be sure that each row has it and that no row comes twice. Most of this follows from the
query as it is sent. The driver asks the server for the rest, once (`Shape.question`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rethinkdb.errors import ReqlDriverError
from rethinkdb.ql2 import QueryType, TermType

__all__ = ["Facts", "Shape", "Wanted", "has_changes", "shape_of", "with_initial"]


class Wanted(NamedTuple):
    """The user's options for what a feed includes.

    Attributes:
        initial: the option `include_initial`.
        states: the option `include_states`.
        types: the option `include_types`.
    """

    initial: bool = False
    states: bool = False
    types: bool = False


class Facts(NamedTuple):
    """The server's answer about the table of a feed.

    Attributes:
        primary_key: the name of the primary key.
        indexes: the `index_status` of each index, if the driver asked for it.
    """

    primary_key: str
    indexes: list[Any]


class Shape(NamedTuple):
    """What the query tells about a feed whose rows are to be compared by primary key.

    Attributes:
        wanted: the user's options for what the feed includes.
        table: the term of its table.
        is_point: it is a feed of one document, `table.get(key)`.
        moves: one change may remove one row and add another: with `limit`, `min`, `max`.
        by_index: the name of the index that the feed uses; it may be the primary one.
        plucks: the terms between the table and the feed that may remove fields.
    """

    wanted: Wanted
    table: list[Any]
    is_point: bool = False
    moves: bool = False
    by_index: str | None = None
    plucks: tuple[list[Any], ...] = ()

    def question(self, body: list[Any]) -> list[Any]:
        """The query that asks for the facts of the table. `body` is the query of the feed."""
        facts: list[Any] = [[_BRACKET, [[_INFO, [self.table]], "primary_key"]]]
        if self.by_index is not None:
            facts.append([_INDEX_STATUS, [self.table]])
        options = {name: value for name, value in _options(body, 2).items() if name in _OF_FACTS}
        return [_START, [_MAKE_ARRAY, facts], options]

    def facts(self, answer: Any) -> Facts:
        """Read the answer to that query.

        Raises:
            ReqlDriverError: a row may be in this feed several times, or has no primary key.
        """
        primary_key, *indexes = answer
        facts = Facts(primary_key, indexes[0] if indexes else [])
        for index in facts.indexes:
            if index["index"] == self.by_index and index["multi"]:
                raise _refused(
                    f"its index {self.by_index!r} is a multi index, so that a row may be in the"
                    " feed several times"
                )
        for term in self.plucks:
            if _takes_away(term, primary_key):
                raise _refused(
                    f"its rows have no primary key: `{_name(term)}` takes the field"
                    f" {primary_key!r} away. Keep it"
                )
        return facts


def with_initial(body: list[Any]) -> list[Any]:
    """The query of a feed with `include_initial` and `include_states` turned on."""
    start, (changes, arguments, *options), *rest = body
    forced = {**(options[0] if options else {}), "include_initial": True, "include_states": True}
    return [start, [changes, arguments, forced], *rest]


def has_changes(body: list[Any]) -> bool:
    """Whether a query contains `changes` anywhere."""
    return any(term[0] == TermType.CHANGES for term in _terms(body[1]))


def shape_of(body: list[Any]) -> Shape:
    """Read the query of a feed.

    Args:
        body: the query as it is sent: START, the term, the run options.

    Raises:
        ReqlDriverError: the driver cannot compare the rows of this feed; the message says why.
    """
    query = body[1]
    if not _is_term(query) or query[0] != TermType.CHANGES:
        raise _refused("what is run must end in `.changes()`: move what follows it before it")
    chosen = {name: _flag(body, name) for name in _FLAGS}
    if chosen.pop("include_offsets"):
        raise _refused(
            "after a loss the driver cannot say at which place rows came and went: leave"
            " `include_offsets` away"
        )
    shape = Shape(Wanted(**{name[8:]: value for name, value in chosen.items()}), [])
    return _walk(query[1][0], shape, body)


def _walk(node: Any, shape: Shape, body: list[Any]) -> Shape:
    """Go from the argument of `changes` down to the table."""
    while True:
        if not _is_term(node):
            raise _refused("it is not a feed of one table")
        number, arguments = node[0], node[1]
        if number == TermType.TABLE:
            return shape._replace(table=node)
        if number == TermType.GET:
            if shape.plucks or shape.moves or not _is_term(arguments[0], TermType.TABLE):
                raise _refused("of a single document only `table.get(key).changes()` can go on")
            return shape._replace(table=arguments[0], is_point=True)
        if number not in _STEPS or (number == TermType.MAP and len(arguments) != 2):
            raise _refused(f"rows of `{_name(node)}` have no primary key that tells them apart")
        if number in _BY_INDEX:
            shape = shape._replace(by_index=_index(node, body) or shape.by_index)
        if number in _MOVING:
            shape = shape._replace(moves=True)
        if number in _PLUCKING:
            shape = shape._replace(plucks=(*shape.plucks, node))
        node = arguments[0]


def _index(term: list[Any], body: list[Any]) -> str | None:
    index: Any = _options(term, 2).get("index", _options(body, 2).get("index"))
    if _is_term(index) and index[0] in (TermType.ASC, TermType.DESC):
        index = index[1][0]
    if _is_term(index):
        raise _refused("the name of its index must be a string, for the driver to read")
    return index if isinstance(index, str) else None


def _flag(body: list[Any], name: str) -> bool:
    """A True or False option: of `changes`, or else of the run options."""
    value = _options(body[1], 2).get(name, _options(body, 2).get(name, False))
    if not isinstance(value, bool):
        raise _refused(f"`{name}` must be True or False, not a term or any other value")
    return value


def _takes_away(term: list[Any], field: str) -> bool:
    """Whether a term surely removes a field from the rows."""
    number, patterns = term[0], term[1][1:]
    named = any(
        pattern == field or (isinstance(pattern, dict) and pattern.get(field, False) is not False)
        for pattern in patterns
    )
    if number == TermType.WITHOUT:
        return any(pattern == field for pattern in patterns)
    return not named and all(isinstance(pattern, (str, dict)) for pattern in patterns)


def _terms(query: Any) -> Iterator[list[Any]]:
    pending = [query]
    while pending:
        node = pending.pop()
        if type(node) is dict:
            pending += node.values()
        elif _is_term(node):
            yield node
            pending += node[1]
            pending += node[2:]


def _is_term(node: Any, number: int | None = None) -> bool:
    return isinstance(node, list) and len(node) > 1 and number in (None, node[0])


def _options(term: list[Any], place: int) -> dict[str, Any]:
    return term[place] if len(term) > place else {}


def _name(term: list[Any]) -> str:
    try:
        return TermType(term[0]).name.lower()
    except ValueError:
        return f"term {term[0]}"


def _refused(why: str) -> ReqlDriverError:
    return ReqlDriverError(
        f'`resume="diff"` cannot be used for this query: {why}. `resume="restart"` can be.'
    )


_START = int(QueryType.START)
_MAKE_ARRAY, _BRACKET = int(TermType.MAKE_ARRAY), int(TermType.BRACKET)
_INFO, _INDEX_STATUS = int(TermType.INFO), int(TermType.INDEX_STATUS)

_FLAGS = ("include_initial", "include_states", "include_types", "include_offsets")

# The feed's run options that are needed to find its table.
_OF_FACTS = frozenset({"db"})

_BY_INDEX = frozenset(
    {
        TermType.GET_ALL,
        TermType.BETWEEN,
        TermType.BETWEEN_DEPRECATED,
        TermType.ORDER_BY,
        TermType.MIN,
        TermType.MAX,
    }
)

_MOVING = frozenset({TermType.LIMIT, TermType.MIN, TermType.MAX})

_PLUCKING = frozenset({TermType.PLUCK, TermType.WITHOUT, TermType.WITH_FIELDS})

# Allowed between the table and `changes`: each row comes from one row, and no row gives two.
_STEPS = (
    _BY_INDEX
    | _MOVING
    | _PLUCKING
    | {TermType.FILTER, TermType.HAS_FIELDS, TermType.MERGE, TermType.MAP}
)
