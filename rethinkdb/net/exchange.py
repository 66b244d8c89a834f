"""`Exchange`: a token in use, and the replies that the session expects for it."""

from __future__ import annotations

from typing import Any

from rethinkdb.codec import Decode, Response
from rethinkdb.errors import ReqlDriverError, ReqlError, error_from_response
from rethinkdb.ql2 import QueryType, ResponseType

from .client import ClientProtocol
from .frames import MAX_QUERY_SIZE
from .guessing import with_guess
from .query import Query
from .signals import handlers_error
from .stream import Stream
from .waiter import Waiter

__all__ = [
    "CONTINUE",
    "NOBODY",
    "Exchange",
    "arrays_as_sequences",
    "close_stream",
    "error_of",
    "oversized",
    "with_profile",
]

# Constants, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_START = QueryType.START
#: Asks for the next batch.
CONTINUE = b"[%d]" % QueryType.CONTINUE
_STOP = b"[%d]" % QueryType.STOP

#: The receiver of an exchange that is over.
NOBODY: Waiter[Any] = Waiter.succeeded(None)


class Exchange:
    """A token in use.

    Attributes:
        token: the number.
        query: the query that was sent with it.
        receiver: gets the replies. First it is a waiter; then the stream, if the answer is one;
            when the query was dropped, a waiter of the last reply.
        owed: how many replies the server must still send.
        dropped: whether the replies are ignored.
        plain: whether a usual reply may be read the quick way, see `quick`.
    """

    __slots__ = ("_protocol", "dropped", "owed", "plain", "query", "receiver", "token")

    def __init__(self, protocol: ClientProtocol, token: int, query: Query) -> None:
        self._protocol = protocol
        self.token = token
        self.query = query
        self.owed = 1
        self.dropped = False
        self.plain = query.plain
        self.receiver: Waiter[Any] | Stream = NOBODY

    def decoded(self, payload: bytes) -> Response | Exception:
        """Decode a reply; returns its content, or the error of decoding."""
        try:
            return self.query.decode(payload)
        except Exception as exc:
            failure = exc
        if (error := handlers_error(failure)) is not None:
            raise error
        return failure

    # Each of these changes `output` and `owed` in one step (see `steps`). Each can be called again:
    # nothing is sent twice, and nothing is sent after the last reply has come.

    def send_continue(self) -> None:
        """Ask for the next batch, unless it is asked for already."""
        frame, _ = self._protocol.framed(self.token, CONTINUE)
        output = self._protocol.output
        if not self.owed and self.receiver is not NOBODY:
            self.owed = 1
            output += frame

    def send_stop(self) -> None:
        """Stop the query on the server. The server answers a STOP even if the query has ended."""
        frame, _ = self._protocol.framed(self.token, _STOP)
        output = self._protocol.output
        waiter: Waiter[Any] = Waiter()
        if not self.dropped and self.receiver is not NOBODY:
            self.dropped = True
            self.plain = False
            self.receiver = waiter
            self.owed += 1
            output += frame

    def abandoned(self, _: Waiter[Any]) -> None:
        """The waiter was abandoned: stop a query. Other operations end by themselves."""
        if self.query.type == _START:
            self.send_stop()
            return
        waiter: Waiter[Any] = Waiter()
        if self.receiver is not NOBODY:
            self.receiver = waiter
            self.dropped = True

    def release(self) -> None:
        """Forget the receiver.

        Receiver and exchange refer to each other. Without this, only the garbage collector would
        free them.
        """
        self.receiver = NOBODY


def oversized(query: Query) -> ReqlDriverError:
    """The error for a query that is too long. The server would close the connection on it."""
    return ReqlDriverError(
        f"Query size ({len(query.payload)}) greater than maximum ({MAX_QUERY_SIZE}). "
        "Send it in parts, for example by inserting fewer documents at a time."
    )


def error_of(query: Query, response: Response) -> ReqlError:
    """The error for a reply: the server's error, or one that says its type is unexpected."""
    message = response.results[0] if response.results else ""
    if response.type == ResponseType.COMPILE_ERROR and type(message) is str:
        message = with_guess(message)
    return error_from_response(
        response.type, response.error_type, message, query.term, response.backtrace
    )


def arrays_as_sequences(decode: Decode) -> Decode:
    """Wrap a decoder for `as_cursor`: an array becomes a complete sequence of its elements."""

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
    """A query's value as users get it: together with its profile, if there is one."""
    if response.profile is None:
        return value
    return {"value": value, "profile": response.profile}


def close_stream(value: Any) -> None:
    """Close the stream in a query's value, if there is one, as nobody receives the value."""
    if type(value) is dict:
        value = value.get("value")  # with its profile
    if isinstance(value, Stream):
        value.close()
