"""Where in a term a value is that cannot be sent, for the error that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from rethinkdb.errors import QueryPrinter, ReqlDriverCompileError
from rethinkdb.reql.literals import Foreign, MakeArray, MakeObj
from rethinkdb.reql.refusals import place_of, placed, shown, where, within
from rethinkdb.reql.term import RqlQuery

__all__ = ["locate"]


class _Part(NamedTuple):
    """A node, or the key of one, in a term.

    Attributes:
        node: the node.
        frames: the steps to it from the term.
        path: the steps to it from the argument that holds it.
        place: what that argument is called.
    """

    node: Any
    frames: list[Any]
    path: list[Any]
    place: str


def locate(error: UnicodeEncodeError | ReqlDriverCompileError, term: RqlQuery) -> None:
    """Tells an error where in a term the value is that it is about, and shows the term.

    Args:
        error: what was raised when the term was built, or encoded.
        term: the term.
    """
    if isinstance(error, UnicodeEncodeError):
        _locate_text(error, term)
    elif "_value" in vars(error):
        _locate_value(error, vars(error).pop("_value"), term)


def _locate_value(error: ReqlDriverCompileError, value: object, term: RqlQuery) -> None:
    for node, frames, path, place in _all_parts(term):
        if isinstance(node, Foreign) and node.data is value:
            for key in reversed(path):
                within(error, key)
            placed(error, place)
            error.frames = frames
            error.query_printer = QueryPrinter(term, frames)
            return


def _locate_text(error: UnicodeEncodeError, term: RqlQuery) -> None:
    for node, _, path, place in _all_parts(term):
        if isinstance(node, str) and not _is_utf8(node):
            error.reason += f": half of a character in {shown(node)}{where(path, place)}"
            return


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _all_parts(term: RqlQuery) -> Iterator[_Part]:
    """All nodes in a term, and the term itself."""
    pending = [_Part(term, [], [], "")]
    while pending:
        part = pending.pop()
        if isinstance(part.node, RqlQuery):
            part = part._replace(node=part.node._written())
        yield part
        inner = list(_inside(part))
        pending += reversed(inner)


def _inside(part: _Part) -> Iterator[_Part]:
    node, frames, path, place = part
    if isinstance(node, RqlQuery) and not isinstance(node, MakeArray | MakeObj):
        for key, inner in chain[tuple[Any, Any]](enumerate(node._nodes), node._optargs.items()):
            yield _Part(inner, [*frames, key], [], place_of(type(node), key))
        return
    for key, inner in _elements(node):
        if isinstance(key, str):
            yield _Part(key, [*frames, key], [*path, key], place)
        yield _Part(inner, [*frames, key], [*path, key], place)


def _elements(data: Any) -> Iterable[tuple[Any, Any]]:
    """What an array or object holds, as terms or as plain data."""
    if isinstance(data, MakeArray):
        return enumerate(data._nodes)
    if isinstance(data, MakeObj):
        return data._optargs.items()
    if type(data) is list:
        return enumerate(data[1])
    return data.items() if type(data) is dict else ()
