"""Requests about queries, and the errors of requests that are found before compiling a query."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from rethinkdb.embedded.data.datum import json_type_name
from rethinkdb.embedded.serving import replies
from rethinkdb.embedded.serving.running import RunningQuery
from rethinkdb.ql2 import QueryType

Job: TypeAlias = Callable[[], None]


class Extent(NamedTuple):
    """The size of a frame.

    Attributes:
        size: the number of bytes.
        levels: the depth of nesting if it is unusually deep, else 0.
    """

    size: int
    levels: int


class Request:
    """A START, CONTINUE or STOP that waits for its turn or its answer.

    Args:
        type: which of the three.
        size: the number of bytes of its frame.
        counted: whether it counts as unanswered.
    """

    __slots__ = ("counted", "size", "type")

    def __init__(self, type: QueryType, size: int, counted: bool) -> None:
        self.type = type
        self.size = size
        self.counted = counted


class Turns:
    """A query and its requests. The first one is being answered.

    Attributes:
        resume: ends the pause in which a changefeed collects changes.
    """

    __slots__ = ("query", "requests", "resume", "token")

    def __init__(self, token: int, query: RunningQuery) -> None:
        self.token = token
        self.query = query
        self.requests: deque[Request] = deque()
        self.resume: Job = lambda: None


def signed(token: int) -> int:
    """A token as messages show it."""
    return token - 2**64 if token >= 2**63 else token


def duplicate_token(token: int) -> bytes:
    """The reply to a query whose token is already in use."""
    return replies.client_error(f"ERROR: duplicate token {signed(token)}")


_QUERY_TYPES = frozenset(QueryType)


def malformed(query: Any) -> str | None:
    """The error in the outermost form of a query; None if there is none."""
    if not isinstance(query, list):
        return f"Expected a query to be an array, but found {json_type_name(query)}."
    if not 1 <= len(query) <= 3:
        return f"Expected 1 to 3 elements in the top-level query, but found {len(query)}."
    if json_type_name(query[0]) != "NUMBER":
        return f"Expected a query type as a number, but found {json_type_name(query[0])}."
    if int(query[0]) not in _QUERY_TYPES:
        return f"Unrecognized QueryType: {int(query[0])}."
    if len(query) == 3 and not isinstance(query[2], dict):
        return f"Expected global optargs as an object, but found {json_type_name(query[2])}."
    return None
