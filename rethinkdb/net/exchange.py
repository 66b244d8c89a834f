"""What the session knows of a token in use, and how it reads a reply."""

from __future__ import annotations

from typing import Any

from rethinkdb.codec import Decode, Response
from rethinkdb.errors import ReqlDriverError, ReqlError, error_from_response
from rethinkdb.ql2 import QueryType, ResponseType

from .client import ClientProtocol
from .frames import MAX_QUERY_SIZE
from .query import Query
from .signals import handlers_error
from .stream import Stream
from .waiter import Waiter

__all__ = [
    "Exchange",
    "arrays_as_sequences",
    "close_stream",
    "error_of",
    "oversized",
    "with_profile",
]

# As constants, because Python 3.10 and 3.11 take 0.1 µs to find a member in its enum.
_START = QueryType.START
_CONTINUE = b"[%d]" % QueryType.CONTINUE
_STOP = b"[%d]" % QueryType.STOP

_NOBODY: Waiter[Any] = Waiter.succeeded(None)


class Exchange:
    """A token in use.

    Attributes:
        token: its number.
        query: what was sent.
        receiver: who gets what is answered: first a waiter, then perhaps the stream it was given;
            once dropped, a waiter of the last reply.
        owed: how many replies must still come.
        dropped: nobody wants them.
    """

    __slots__ = ("_protocol", "dropped", "owed", "query", "receiver", "token")

    def __init__(self, protocol: ClientProtocol, token: int, query: Query) -> None:
        self._protocol = protocol
        self.token = token
        self.query = query
        self.owed = 1
        self.dropped = False
        self.receiver: Waiter[Any] | Stream = _NOBODY

    def decoded(self, payload: bytes) -> Response | Exception:
        """A reply's content, or what kept it from being decoded."""
        try:
            return self.query.decode(payload)
        except Exception as exc:
            failure = exc
        if (error := handlers_error(failure)) is not None:
            raise error
        return failure

    # What is sent and what is owed for it change in one step (see `steps`). And each may be done
    # again: what was sent is not sent twice, and nothing is once the last reply has come.

    def send_continue(self) -> None:
        """Ask for the next batch, unless that is asked for."""
        frame, _ = self._protocol.framed(self.token, _CONTINUE)
        output = self._protocol.output
        if not self.owed and self.receiver is not _NOBODY:
            self.owed = 1
            output += frame

    def send_stop(self) -> None:
        """End the query on the server. Should it have ended meanwhile, that is answered too."""
        frame, _ = self._protocol.framed(self.token, _STOP)
        output = self._protocol.output
        waiter: Waiter[Any] = Waiter()
        if not self.dropped and self.receiver is not _NOBODY:
            self.dropped = True
            self.receiver = waiter
            self.owed += 1
            output += frame

    def abandoned(self, _: Waiter[Any]) -> None:
        """Its waiter was. A query is stopped then; other operations end by themselves."""
        if self.query.type == _START:
            self.send_stop()
            return
        waiter: Waiter[Any] = Waiter()
        if self.receiver is not _NOBODY:
            self.receiver = waiter
            self.dropped = True

    def release(self) -> None:
        """Let go of the receiver. It knows its exchange: were the two to know each other for ever,
        each would wait for the garbage collector."""
        self.receiver = _NOBODY


def oversized(query: Query) -> ReqlDriverError:
    """The error for a query so long that the server would close the connection under all others."""
    return ReqlDriverError(
        f"Query size ({len(query.payload)}) greater than maximum ({MAX_QUERY_SIZE}). "
        "Send it in parts, for example by inserting fewer documents at a time."
    )


def error_of(query: Query, response: Response) -> ReqlError:
    """The error that a reply stands for: one of the server's, or that its type was not expected."""
    message = response.results[0] if response.results else ""
    return error_from_response(
        response.type, response.error_type, message, query.term, response.backtrace
    )


def arrays_as_sequences(decode: Decode) -> Decode:
    """A decoder to which an array is a sequence, complete, of its elements: for `as_cursor`."""

    def decode_array(payload: bytes) -> Response:
        response = decode(payload)
        if response.type != ResponseType.SUCCESS_ATOM or not response.results:
            return response
        (value, *_) = response.results
        if not isinstance(value, list):
            return response
        return response._replace(type=ResponseType.SUCCESS_SEQUENCE, results=value)

    return decode_array


def with_profile(value: Any, response: Response) -> Any:
    """The value of a query as users get it."""
    if response.profile is None:
        return value
    return {"value": value, "profile": response.profile}


def close_stream(value: Any) -> None:
    """Close the stream in a query's value, if there is one: its receiver has gone."""
    if type(value) is dict:
        value = value.get("value")  # with its profile
    if isinstance(value, Stream):
        value.close()
