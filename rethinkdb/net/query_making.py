"""How a connection makes a `Query` of a term and its run options.

Most queries have no options, and go the short way at the start of `_query`. The rest is for the run
options that the driver itself handles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rethinkdb.codec import ROOM, Codec
from rethinkdb.errors import ReqlDriverError, ReqlTypeError
from rethinkdb.ql2 import QueryType
from rethinkdb.typed.state import state as typed

from .deadlines import Deadline
from .editing import EditedQuery
from .exchange import arrays_as_sequences
from .options import ConnectOptions, checked_factory, seconds_or_none
from .query import Query

if TYPE_CHECKING:
    from rethinkdb.typed.making import RowMaker

__all__ = ["QueryMaking", "row_maker_of"]

# A constant, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_START = QueryType.START

_NO_OPTIONS: Mapping[str, Any] = {}


class QueryMaking:
    """The part of a `BaseConnection` that makes queries.

    Attributes:
        options: the options of `connect()`.
        db: the database that `r.table(...)` uses; None: the server's default.
    """

    options: ConnectOptions
    db: str | None

    def _prepare_queries(self) -> None:
        """Get ready to make queries, as `options` say."""
        options = self.options
        self.db = options.db
        self._codec = Codec(options.json_encoder, options.json_decoder, options.converters)
        self._dumps = self._codec.dumps
        self._decode_plainly = self._codec.decoder(_NO_OPTIONS)
        self._decodes_plainly = not self._codec.own_decoder
        self._deadline = _deadline(options.deadline)

    def _query(self, term: Any, options: dict[str, Any]) -> Query:
        if options or typed.tables or type(term) is EditedQuery:
            return self._special_query(term, options)
        decode, plain = self._decode_plainly, self._decodes_plainly
        dumps, payload = self._dumps, None
        if dumps is not None and (start_json := getattr(term, "_start_json", None)) is not None:
            payload = start_json(self.db, dumps)
        if payload is None:
            payload = self._encoded(term, options, self._codec)
        elif len(payload) < ROOM:
            payload = b"%b" % payload  # as in `Codec.encode`
        return Query(_START, payload, decode, term, False, options, self._deadline, self.db, plain)

    def _special_query(self, term: Any, options: dict[str, Any]) -> Query:
        deadline, maker = self._deadline, None
        noreply = bool(options.get("noreply"))
        if noreply:
            # Here any true value turns it on. The server takes only `true`: otherwise it
            # would answer.
            options["noreply"] = True
        as_cursor = options.pop("as_cursor", False)
        if "resume" in options or "remember" in options:
            _refuse_to_resume(options)
        options.pop("idempotent", None)  # for pools: a connection never runs a query again
        if "deadline" in options:
            deadline = _deadline(options.pop("deadline"))
        codec = self._codec_for(options)
        decode = codec.decoder(options)
        if as_cursor:
            decode = arrays_as_sequences(decode)
        if typed.tables or "as_type" in options:
            maker = row_maker_of(term, options)
        payload = self._encoded(term, options, codec)
        passes, plain = None, not (codec.own_decoder or as_cursor)
        edited = type(term) is EditedQuery
        if edited:
            passes, plain = term.passes, plain and term.passes is not None
            decode, term = codec.decoder(options, term.edit), term.term
        if maker is not None:
            # Rows can be made straight from the bytes if nothing else changes the values first.
            decode, plain = maker.decoder(decode, plain and not edited), False
        return Query(
            _START, payload, decode, term, noreply, options, deadline, self.db, plain, passes
        )

    def _encoded(self, term: Any, options: dict[str, Any], codec: Codec) -> bytes:
        """The payload of a query."""
        start_body = getattr(term, "start_body", None)
        if start_body is None:
            raise ReqlDriverError(
                f"run() of a connection takes a query, not {term!r}. Write"
                " query.run(conn), or r.expr(value).run(conn) for a value."
            )
        body = start_body(options, self.db, codec.values)
        try:
            return codec.encode(body)
        except (UnicodeEncodeError, ReqlTypeError) as exc:
            term.explain(exc)
            raise

    def _codec_for(self, options: Mapping[str, Any]) -> Codec:
        if "json_encoder" not in options and "json_decoder" not in options:
            return self._codec
        return Codec(
            checked_factory("json_encoder", options.get("json_encoder"))
            or self.options.json_encoder,
            checked_factory("json_decoder", options.get("json_decoder"))
            or self.options.json_decoder,
            self.options.converters,
        )


def _deadline(value: Any) -> Deadline | None:
    """Reads the option `deadline`. A pool passes a `Deadline` that has already begun."""
    if isinstance(value, Deadline):
        return value
    seconds = seconds_or_none("deadline", value)
    return None if seconds is None else Deadline.of(seconds)


def row_maker_of(term: Any, options: dict[str, Any]) -> RowMaker | None:
    """Finds the `RowMaker` for a query whose rows have a type; None if they have none.

    Sets the option `as_type` to that type. For a changefeed, also turns on `include_types`.
    """
    if type(term) is EditedQuery:
        if term.edit is None:
            return None  # the driver itself reads this answer
        term = term.term
    find = getattr(term, "_row_type", None)
    row_type, of_feed = find(options) if find else (options.get("as_type"), False)
    if row_type is None:
        return None
    from rethinkdb.typed.making import row_maker  # here, as most programs have no types

    if of_feed:
        options.setdefault("include_types", True)
    maker = row_maker(row_type, of_feed)
    options["as_type"] = maker.row_type
    return maker


def _refuse_to_resume(options: dict[str, Any]) -> None:
    """Remove `resume` and `remember` if they are None; otherwise raise an error."""
    if options.pop("resume", None) is not None:
        raise ReqlDriverError(
            "`resume` needs a pool, or a connection to several hosts, connect(hosts=[...]). One to"
            " a single host ends with its link, and its feeds with it. Write query.run(pool, ...)."
        )
    if options.pop("remember", None) is not None:
        raise ReqlDriverError('`remember` goes with `resume="diff"` only.')
