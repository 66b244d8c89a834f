"""What a query does to the data, told from the query as it is sent.

Only what is sent counts: there functions are terms like any other, and options, converted values
and terms of a program's own have become what the server will see.

A query on the wire is a tree. A list is a term: its number, its arguments, its options. A dict is
an object. All else is a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from rethinkdb.ql2 import TermType

__all__ = ["ACTING", "Doing", "doing_of", "only_reads"]


class Doing(Enum):
    """What a query does."""

    READS = "it only reads"
    WRITES_ONE = "it writes one document, once"
    ACTS = "it writes more, administrates, or acts outside of the database"


#: The terms that act, each for one of these reasons. All others only read. Some give another answer
#: at another time: `now`, `random`, `uuid`, `sample`. `wait` and `index_wait` look until something
#: is so; `changes` begins to look.
ACTING = frozenset(
    {
        # They write.
        TermType.INSERT,
        TermType.UPDATE,
        TermType.REPLACE,
        TermType.DELETE,
        TermType.FOR_EACH,
        # It promises that earlier writes are on disk. A server that went in between may have lost
        # them; asked again, another server would promise the same of what is left.
        TermType.SYNC,
        # They administrate. With `dry_run`, too: what is not asked for often need not be repeated.
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
        # They act outside, or may do so: a GET, too, is one more request to somebody's server, and
        # a program may take any time.
        TermType.HTTP,
        TermType.JAVASCRIPT,
    }
)

# A term that is not known here may do anything.
_KNOWN = frozenset(map(int, TermType))
_READING = _KNOWN - ACTING

_VALUES = (str, int, float, type(None))  # bool is an int


def only_reads(query: Any) -> bool:
    """Whether a query changes nothing, anywhere, however often it is run.

    Args:
        query: as it is sent: what `term.build()` gives. Whatever is not known is not taken for
            harmless: terms with other numbers, values that JSON does not have.

    Example::

        only_reads(r.table("heroes").count().build())  # True
    """
    return doing_of(query) is Doing.READS


def doing_of(query: Any) -> Doing:
    """What a query does. See `only_reads`."""
    doing = Doing.READS
    for term, within_function in _terms(query):
        if not _is_known(term):
            return Doing.ACTS
        if term[0] in _READING:
            continue
        if doing is not Doing.READS or within_function or not _writes_one(term):
            return Doing.ACTS
        doing = Doing.WRITES_ONE
    return doing


def _terms(query: Any) -> Iterator[tuple[Any, bool]]:
    """All terms of a query, each with whether it stands in a function; and what is not known.

    Whoever gets something that is not known must not go on.
    """
    pending = [(query, False)]
    while pending:
        node, within_function = pending.pop()
        if type(node) is dict:
            pending += [(value, within_function) for value in node.values()]
        elif not isinstance(node, _VALUES):
            yield node, within_function
            _, arguments, *options = node
            within_function = within_function or node[0] == TermType.FUNC
            pending += [(value, within_function) for value in (*arguments, *options)]


def _is_known(node: Any) -> bool:
    """Whether it is a term of which it is known what it does."""
    match node:
        case [int(number), list(), *_]:
            return number in _KNOWN
    return False


def _writes_one(term: list[Any]) -> bool:
    """Whether an acting term writes one document: the whole of it, or nothing."""
    match term:
        case [TermType.INSERT, [_, dict()], *_]:
            return True
        case [TermType.UPDATE | TermType.REPLACE | TermType.DELETE, [[TermType.GET, *_], *_], *_]:
            return True
    return False
