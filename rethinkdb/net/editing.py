"""`EditedQuery`: a query that is sent in another form than the user wrote, and its replies changed.

Resumed changefeeds use it: they ask the server for more than their users are to see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rethinkdb.codec import Edit

__all__ = ["EditedQuery"]


class EditedQuery(NamedTuple):
    """What a connection runs in place of a term.

    Attributes:
        term: the user's term, which error messages show.
        rewrite: called with what the user's query would send (START, the query, its options);
            returns what to send.
        edit: changes replies, see `Codec.decoder`; None leaves them as they are.
        passes: called with the rows of a reply before `edit` would be; returns whether `edit` would
            leave them as they are. Then it has done all that `edit` does.
    """

    term: Any
    rewrite: Callable[[list[Any]], list[Any]]
    edit: Edit | None = None
    passes: Callable[[list[Any]], bool] | None = None

    def start_body(self, *args: Any) -> list[Any]:
        """As the method of a term."""
        return self.rewrite(self.term.start_body(*args))

    def explain(self, error: Exception) -> None:
        """As the method of a term."""
        self.term.explain(error)
