"""Documents to insert: long lists of plain ones go as text (see `rethinkdb.reql.bulk`)."""

from __future__ import annotations

from typing import Any

from rethinkdb.ql2 import TermType
from rethinkdb.reql import printing
from rethinkdb.reql.conversion import NESTING_DEPTH, node
from rethinkdb.reql.term import RqlQuery

__all__ = ["Documents", "as_text"]

# Shorter lists of documents to insert are not worth a closer look.
_FEW_DOCUMENTS = 8


class Documents(RqlQuery):
    """Documents to insert, as JSON text that the server parses; prints as what they were."""

    __slots__ = ()
    _type = int(TermType.JSON)
    _prints = staticmethod(printing.documents)

    def build(self) -> Any:
        """The term JSON."""
        return [self._type, [self._args[0]]]

    def written(self) -> Any:
        """The node of the documents as the ordinary path makes it."""
        from rethinkdb.reql import bulk

        return node(bulk.written(bulk.Text(*self._args)))


def as_text(documents: Any) -> Any:
    """What `insert` is given, as far as it pays and is possible as text."""
    if type(documents) is not list or len(documents) < _FEW_DOCUMENTS:
        return documents
    from rethinkdb.reql import bulk  # only here: terms need no JSON

    text = bulk.encoded(documents, NESTING_DEPTH)
    if text is not None:
        return Documents(text, {})
    mixed = bulk.encoded_singly(documents, NESTING_DEPTH)
    if mixed is None:
        return documents
    return [Documents(item, {}) if type(item) is bulk.Text else item for item in mixed]
