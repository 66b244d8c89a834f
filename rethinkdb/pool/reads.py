"""Whether a query only reads, writes one document, or does more.

This is decided from the query as it is sent. There, functions are ordinary terms, and optargs,
converted values and a program's own terms have the form that the server sees.

A query on the wire is a tree. A list is a term: its number, its arguments, its optargs. A dict is
an object. Everything else is a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from rethinkdb.ql2 import TermType

__all__ = ["ACTING", "Doing", "doing_of", "only_reads"]


class Doing(Enum):
    """What a query does."""

    READS = "it only reads"
    WRITES_ONE = "it writes one document, once, and asks for nothing else afterwards"
    ACTS = "it writes more, administrates, or acts outside of the database"


#: The terms that act, each for one of the reasons below. All others only read. That includes terms
#: whose result differs from time to time (`now`, `random`, `uuid`, `sample`), those that wait for a
#: condition (`wait`, `index_wait`), and `changes`.
ACTING = frozenset(
    {
        # They write.
        TermType.INSERT,
        TermType.UPDATE,
        TermType.REPLACE,
        TermType.DELETE,
        TermType.FOR_EACH,
        # It promises that earlier writes are on disk. A server that has failed meanwhile may have
        # lost them. Then a second `sync`, on another server, would promise that in error.
        TermType.SYNC,
        # They administrate. `dry_run` counts as well: it is rare, so it need not be retried.
        TermType.DB_CREATE,
        TermType.DB_DROP,
        TermType.TABLE_CREATE,
        TermType.TABLE_DROP,
        TermType.INDEX_CREATE,
        TermType.INDEX_DROP,
        TermType.INDEX_RENAME,
        TermType.RECONFIGURE,
        TermType.REBALANCE,
        TermType.GRANT,
        TermType.SET_WRITE_HOOK,
        # They act outside of the database. Even a GET is one more request to somebody's server, and
        # JavaScript code may take any time.
        TermType.HTTP,
        TermType.JAVASCRIPT,
    }
)

# Where a query asks a table or the cluster. The server may refuse that, as something is not
# available. If a query has written before, a refusal does not mean that it has done nothing:
# `a.get(1).update(...).do(b.get(1))` has updated a row when it cannot read from `b`.
_ASKING = frozenset(
    {
        TermType.TABLE,
        TermType.DB_LIST,
        TermType.TABLE_LIST,
        TermType.CONFIG,
        TermType.STATUS,
        TermType.WAIT,
        TermType.INFO,
    }
)

# An unknown term may do anything.
_KNOWN = frozenset(map(int, TermType))
_READING = _KNOWN - ACTING

_VALUES = (str, int, float, type(None))  # bool is an int


def only_reads(query: Any) -> bool:
    """Whether a query changes nothing, however often it is run.

    False for a query with anything unknown in it: a term with an unknown number, or a value that
    JSON does not have.

    Args:
        query: the query as it is sent: the result of `term.build()`.

    Example::

        only_reads(r.table("heroes").count().build())  # True
    """
    return doing_of(query) is Doing.READS


def doing_of(query: Any) -> Doing:
    """What a query does. See `only_reads`."""
    doing, asks_elsewhere = Doing.READS, False
    for term, within in _terms(query):
        if not _is_known(term):
            return Doing.ACTS
        if term[0] in _READING:
            asks_elsewhere = asks_elsewhere or (term[0] in _ASKING and not within.write)
            continue
        if doing is not Doing.READS or within.function or not _writes_one(term):
            return Doing.ACTS
        doing = Doing.WRITES_ONE
    return Doing.ACTS if doing is Doing.WRITES_ONE and asks_elsewhere else doing


class _Within(NamedTuple):
    """Where a term stands: inside a function; inside a term that acts, so that it comes before."""

    function: bool = False
    write: bool = False


def _terms(query: Any) -> Iterator[tuple[Any, _Within]]:
    """All terms of a query, each with where it stands.

    Unknown nodes are also yielded. After an unknown node the caller must stop.
    """
    pending = [(query, _Within())]
    while pending:
        node, within = pending.pop()
        if type(node) is dict:
            pending += [(value, within) for value in node.values()]
        elif not isinstance(node, _VALUES):
            yield node, within
            number, arguments, *options = node
            if number == TermType.FUNC or number in ACTING:
                within = _Within(
                    within.function or number == TermType.FUNC, within.write or number in ACTING
                )
            pending += [(value, within) for value in (*arguments, *options)]


def _is_known(node: Any) -> bool:
    """Whether a node is a term with a known number."""
    match node:
        case [int(number), list(), *_]:
            return number in _KNOWN
    return False


def _writes_one(term: list[Any]) -> bool:
    """Whether an acting term writes just one document, so that it is done wholly or not at all."""
    match term:
        case [TermType.INSERT, [_, dict()], *_]:
            return True
        case [TermType.UPDATE | TermType.REPLACE | TermType.DELETE, [[TermType.GET, *_], *_], *_]:
            return True
    return False
