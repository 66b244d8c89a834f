"""Where in a term a value is that was kept for the connection, for the error that it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from rethinkdb.errors import QueryPrinter, ReqlDriverCompileError
from rethinkdb.reql.literals import Foreign, MakeArray, MakeObj
from rethinkdb.reql.refusals import place_of, placed, within
from rethinkdb.reql.term import RqlQuery

__all__ = ["locate"]


def locate(error: ReqlDriverCompileError, term: RqlQuery) -> None:
    """Tells an error where the value is that it is about, and shows the term.

    Args:
        error: what was raised when the term was built.
        term: the term.
    """
    kept: Foreign | None = vars(error).pop("_foreign", None)
    for node, frames, path, place in _all_parts(term):
        if kept is not None and isinstance(node, Foreign) and node.data is kept.data:
            for key in reversed(path):
                within(error, key)
            placed(error, place)
            error.frames = frames
            error.query_printer = QueryPrinter(term, frames)
            return


def _all_parts(term: RqlQuery) -> Any:
    """All terms in a term: with the frames that lead to each, the path to it from the argument that
    holds it, and what that argument is called."""
    pending: list[tuple[RqlQuery, list[Any], list[Any], str]] = [(term, [], [], "")]
    while pending:
        outer, frames, path, place = pending.pop()
        outer = outer._written()
        yield outer, frames, path, place
        is_data = isinstance(outer, MakeArray | MakeObj)
        parts: Iterable[tuple[Any, Any]]
        parts = chain(enumerate(outer._nodes), outer._optargs.items())
        for key, inner in parts:
            if not isinstance(inner, RqlQuery):
                continue
            if is_data:
                pending.append((inner, [*frames, key], [*path, key], place))
            else:
                pending.append((inner, [*frames, key], [], place_of(type(outer), key)))
