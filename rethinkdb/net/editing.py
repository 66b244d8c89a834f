"""A query that is sent in another form than its user wrote it, and whose replies are changed.

Feeds that go on are run with it: they ask for more than their users want to see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rethinkdb.codec import Edit

__all__ = ["EditedQuery"]


class EditedQuery(NamedTuple):
    """What a connection runs in place of a term.

    Attributes:
        term: the term, which errors show.
        rewrite: what to send, made of what would be sent: START, the query, its options.
        edit: see `Codec.decoder`; None if replies are to remain as they are.
    """

    term: Any
    rewrite: Callable[[list[Any]], list[Any]]
    edit: Edit | None = None

    def start_body(self, *args: Any) -> list[Any]:
        """As of a term."""
        return self.rewrite(self.term.start_body(*args))

    def explain(self, error: Exception) -> None:
        """As of a term."""
        self.term.explain(error)
