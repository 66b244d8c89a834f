"""Where programs for the official `rethinkdb` package find the numbers of the protocol.

They are those of `rethinkdb.ql2`, grouped by message as the protocol definition groups them:
`ql2_pb2.Term.TermType.FILTER`.
"""

from __future__ import annotations

from rethinkdb import ql2

__all__ = ["Datum", "Frame", "Query", "Response", "Term", "VersionDummy"]


class VersionDummy:
    """How a connection opens."""

    Version = ql2.Version
    Protocol = ql2.WireProtocol


class Query:
    """What a client sends."""

    QueryType = ql2.QueryType


class Frame:
    """One step of a backtrace."""

    FrameType = ql2.FrameType


class Response:
    """What a server answers."""

    ResponseType = ql2.ResponseType
    ErrorType = ql2.ErrorType
    ResponseNote = ql2.ResponseNote


class Datum:
    """A value."""

    DatumType = ql2.DatumType


class Term:
    """A part of a query."""

    TermType = ql2.TermType
