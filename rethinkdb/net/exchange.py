"""What the session knows of a token in use, and how it reads a reply."""

from __future__ import annotations

from typing import Any

from rethinkdb.codec import Response
from rethinkdb.errors import ReqlDriverError, ReqlError, error_from_response

from .frames import MAX_QUERY_SIZE
from .query import Query
from .stream import Stream
from .waiter import Waiter

__all__ = ["Exchange", "close_stream", "decoded", "error_of", "oversized", "with_profile"]

_NOBODY: Waiter[Any] = Waiter.succeeded(None)


class Exchange:
    """A token in use.

    Attributes:
        token: its number.
        query: what was sent.
        receiver: who gets what is answered: first a waiter, then perhaps the stream it was given.
        owed: how many replies must still come.
        dropped: nobody wants them.
    """

    __slots__ = ("dropped", "owed", "query", "receiver", "token")

    def __init__(self, token: int, query: Query) -> None:
        self.token = token
        self.query = query
        self.owed = 1
        self.dropped = False
        self.receiver: Waiter[Any] | Stream = _NOBODY

    def release(self) -> Waiter[Any] | Stream:
        """Let go of the receiver, and return it. It knows its exchange: were the two to know each
        other for ever, each would wait for the garbage collector."""
        receiver, self.receiver = self.receiver, _NOBODY
        return receiver


def decoded(query: Query, payload: bytes) -> Response | Exception:
    """A reply's content, or what kept it from being decoded."""
    try:
        return query.decode(payload)
    except Exception as exc:
        return exc


def oversized(query: Query) -> ReqlDriverError | None:
    """The error for a query so long that the server would close the connection under all others."""
    size = len(query.payload)
    if size <= MAX_QUERY_SIZE:
        return None
    return ReqlDriverError(
        f"Query size ({size}) greater than maximum ({MAX_QUERY_SIZE}). "
        "Send it in parts, for example by inserting fewer documents at a time."
    )


def error_of(query: Query, response: Response) -> ReqlError:
    """The error that a reply stands for: one of the server's, or that its type was not expected."""
    message = str(response.results[0]) if response.results else ""
    return error_from_response(
        response.type, response.error_type, message, query.term, response.backtrace
    )


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
