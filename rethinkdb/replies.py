"""Replies of the server: what their JSON must be, and the `Response` that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rethinkdb.ql2 import ResponseType

__all__ = ["MalformedResponse", "Response", "malformed", "response_of"]


class Response(NamedTuple):
    """One reply of the server.

    Attributes:
        type: key `t`: success, error, kind of success. An int when this driver does not know it.
        results: key `r`, pseudo-types converted.
        error_type: key `e`, runtime errors only.
        backtrace: key `b`, errors only.
        notes: key `n`, changefeeds only.
        profile: key `p`, when the query asked for it.
        misfits: whether a `ReqlRowError` stands among the results in place of a row.
    """

    type: ResponseType | int
    results: list[Any]
    error_type: int | None = None
    backtrace: list[Any] | None = None
    notes: tuple[int, ...] = ()
    profile: Any = None
    misfits: bool = False


class MalformedResponse(ValueError):
    """A payload is not JSON, or not a reply: the server broke the protocol."""


# Half the time that calling the class takes, as its `__new__` is written in Python.
_made_response: Callable[[tuple[Any, ...]], Response] = partial(tuple.__new__, Response)

_RESPONSE_TYPES: dict[int, ResponseType] = {int(member): member for member in ResponseType}


_ERRORS = frozenset(
    {ResponseType.CLIENT_ERROR, ResponseType.COMPILE_ERROR, ResponseType.RUNTIME_ERROR}
)

# The types of replies that need no further check if they hold results and nothing else.
_SUCCESSES = {number: member for number, member in _RESPONSE_TYPES.items() if member not in _ERRORS}


def response_of(reply: Any, payload: bytes) -> Response:
    """The response that parsed JSON stands for.

    Args:
        reply: the JSON, with or without pseudo-types converted.
        payload: its text, for the message of an error.

    Raises:
        MalformedResponse: it is none.
    """
    # Most replies, then those of changefeeds. The rest of this function would say the same of them,
    # in twice the time.
    try:
        kind, results = reply["t"], reply["r"]
        if type(kind) is int and type(results) is list:
            if len(reply) == 2:
                return _made_response((_SUCCESSES[kind], results, None, None, (), None, False))
            (note,) = reply["n"]
            if len(reply) == 3 and type(note) is int and type(reply["n"]) is list:
                return _made_response((_SUCCESSES[kind], results, None, None, (note,), None, False))
    except (KeyError, TypeError, ValueError):  # another kind of reply
        pass
    return _checked_response(reply, payload)


def _checked_response(reply: Any, payload: bytes) -> Response:
    if not isinstance(reply, dict):
        raise malformed("not a JSON object", payload)
    kind, results = reply.get("t"), reply.get("r")
    if type(kind) is not int or not isinstance(results, list):
        raise malformed("no number t or no list r", payload)
    if kind in _ERRORS and results and not isinstance(results[0], str):
        raise malformed("an error whose text is none", payload)
    for name, fits, wanted in _OPTIONAL_FIELDS:
        if (value := reply.get(name)) is not None and not fits(value):
            raise malformed(f"{name} is not {wanted}", payload)
    return Response(
        _RESPONSE_TYPES.get(kind, kind),
        results,
        reply.get("e"),
        reply.get("b"),
        tuple(reply.get("n") or ()),
        reply.get("p"),
    )


def _is_list_of(*kinds: type) -> Callable[[Any], bool]:
    allowed = frozenset(kinds)
    return lambda value: isinstance(value, list) and allowed.issuperset(map(type, value))


_OPTIONAL_FIELDS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("e", lambda value: type(value) is int, "a number"),
    ("b", _is_list_of(int, str), "a list of positions and names"),
    ("n", _is_list_of(int), "a list of numbers"),
    ("p", lambda value: isinstance(value, list), "a list"),
)


def malformed(what: str, payload: bytes) -> MalformedResponse:
    """The error that says what is wrong with a payload, and how the payload begins."""
    return MalformedResponse(f"{what}: {_excerpt(payload)}")


def _excerpt(payload: bytes) -> str:
    return repr(payload[:80]) + ("..." if len(payload) > 80 else "")
