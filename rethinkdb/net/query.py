"""`Query`: an encoded query, ready to be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rethinkdb.codec import Decode
from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.ql2 import QueryType

from .deadlines import Deadline, shown

__all__ = ["Query"]

# What users call these, which have no term.
_CALLS = {QueryType.NOREPLY_WAIT: "noreply_wait()", QueryType.SERVER_INFO: "server()"}

_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class Query:
    """What `Session.start` needs to know about a query.

    The body is encoded before the session gets it. So a value that JSON cannot express fails before
    anything is registered or sent.

    Attributes:
        type: START for all queries of users.
        payload: the encoded JSON body.
        decode: turns the payload of each reply into a `Response`.
        term: the query, for the messages of its errors. The session does not read it.
        noreply: whether the server will send no answer.
        options: the user's run options, for cursors and handlers. The session does not read them.
        deadline: how long the first answer may take; None: no limit.
        db: the connection's database, for observers. The session does not read it.
        plain: whether `decode` gives what `Codec.decoder({})` gives, for replies without
            pseudo-types. Such a reply may be read without it (see `quick`).
        passes: of an `EditedQuery`. `plain` then is about the replies whose rows pass.
    """

    # A query is read several times until it is answered. Slots are read in a tenth of the time that
    # the fields of a NamedTuple take.
    __slots__ = (
        "db",
        "deadline",
        "decode",
        "noreply",
        "options",
        "passes",
        "payload",
        "plain",
        "term",
        "type",
    )

    def __init__(
        self,
        type: QueryType,
        payload: bytes,
        decode: Decode,
        term: Any = None,
        noreply: bool = False,
        options: Mapping[str, Any] = _NO_OPTIONS,
        deadline: Deadline | None = None,
        db: str | None = None,
        plain: bool = False,
        passes: Callable[[list[Any]], bool] | None = None,
    ) -> None:
        self.type = type
        self.payload = payload
        self.decode = decode
        self.term = term
        self.noreply = noreply
        self.options = options
        self.deadline = deadline
        self.db = db
        self.plain = plain
        self.passes = passes

    def with_deadline(self, deadline: Deadline | None) -> Query:
        """The same query with another deadline."""
        return Query(
            self.type,
            self.payload,
            self.decode,
            self.term,
            self.noreply,
            self.options,
            deadline,
            self.db,
            self.plain,
            self.passes,
        )

    def late(self, host: str, port: int) -> ReqlTimeoutError:
        """The error for a query whose deadline has passed."""
        seconds = self.deadline.seconds if self.deadline is not None else 0
        if self.noreply:
            text = f"{host}:{port} did not take all of {shown(self.term)} within {seconds:.6g} s"
        else:
            asked = _CALLS.get(self.type) or shown(self.term)
            text = f"No answer from {host}:{port} within {seconds:.6g} s to {asked}"
        return ReqlTimeoutError(host, port, text)
