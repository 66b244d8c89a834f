"""Documents to insert: long lists are sent as a text (see `rethinkdb.reql.bulk`)."""

from __future__ import annotations

from typing import Any

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql import printing
from rethinkdb.reql.conversion import NESTING_DEPTH, node, term
from rethinkdb.reql.term import RqlQuery, Unbuilt, built, make

__all__ = ["Documents", "as_text"]

# Shorter lists are not looked at: it would not pay.
_FEW_DOCUMENTS = 8


class Documents(RqlQuery):
    """Documents as a JSON text, which the server parses. They print as they were given."""

    __slots__ = ()
    term_type = int(TermNumber.JSON)
    _hides_row = True  # it holds no terms
    _prints = staticmethod(printing.documents)

    def build(self) -> Any:
        """The term JSON."""
        return built(self)

    def _outline(self, unbuilt: Unbuilt) -> Any:
        """The term JSON; or the documents, if the connection wants to see them.

        An encoder of the program's own decides for itself how each value is written.
        """
        from rethinkdb.reql import bulk

        values = unbuilt.values
        text = None
        if values is None or not values.own_encoder:
            text = bulk.completed(bulk.Text(*self._nodes), values)
        return self._written()._outline(unbuilt) if text is None else [self.term_type, [text]]

    def _written(self) -> RqlQuery:
        """The documents as they would be sent if there was no text."""
        from rethinkdb.reql import bulk

        return term(node(bulk.written(bulk.Text(*self._nodes))))


def as_text(documents: Any) -> Any:
    """Documents given to `insert`: as a text where that is possible and pays, else unchanged."""
    if type(documents) is not list or len(documents) < _FEW_DOCUMENTS:
        return documents
    from rethinkdb.reql import bulk  # here, as building queries needs no JSON

    text = bulk.encoded(documents, NESTING_DEPTH)
    if text is not None:
        return make(Documents, text, {})
    mixed = bulk.encoded_singly(documents, NESTING_DEPTH)
    if mixed is None:
        return documents
    return [make(Documents, item, {}) if type(item) is bulk.Text else item for item in mixed]
