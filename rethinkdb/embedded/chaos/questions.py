"""Queries as the conditions of a trouble see them: their terms and tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from rethinkdb.embedded.language.javascript_source import query_source
from rethinkdb.ql2 import TermType

_WRITES = frozenset(("insert", "update", "replace", "delete"))

#: The names of all terms, as Python writes them.
TERMS = frozenset(term.name.lower() for term in TermType)


class Question:
    """A query that a client has sent.

    Attributes:
        wire: the root term, in wire form.
        noreply: whether the client wants no reply.
    """

    def __init__(self, wire: Any, *, noreply: bool = False) -> None:
        self.wire = wire
        self.noreply = noreply

    def __repr__(self) -> str:
        return f"<Question {self.source}>"

    @cached_property
    def terms(self) -> frozenset[str]:
        """The names of all its terms as in Python, such as "insert" or "order_by"."""
        return frozenset(name for name, _ in _terms(self.wire))

    @cached_property
    def tables(self) -> frozenset[str]:
        """The names of all its tables."""
        return frozenset(
            arguments[-1]
            for name, arguments in _terms(self.wire)
            if name == "table" and arguments and isinstance(arguments[-1], str)
        )

    @property
    def writes(self) -> bool:
        """Whether it writes rows."""
        return bool(self.terms & _WRITES)

    @property
    def is_feed(self) -> bool:
        """Whether it is a changefeed."""
        return "changes" in self.terms

    @cached_property
    def source(self) -> str:
        """The query as text, as the table `rethinkdb.jobs` shows it."""
        return str(query_source(self.wire))


def _terms(wire: Any) -> Iterator[tuple[str, list[Any]]]:
    """Name and arguments of each term of a query. A loop, because queries may be deeply nested."""
    left = [wire]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            left += found.values()
        elif isinstance(found, list) and found:
            arguments = found[1] if len(found) > 1 and isinstance(found[1], list) else []
            with suppress(ValueError):  # no such term: the server says so
                yield TermType(found[0]).name.lower(), arguments
            left += [*arguments, *found[2:]]
