"""Strings: matching, splitting, letter case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from rethinkdb.embedded.data import coercion, datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import term
from rethinkdb.embedded.outside import expressions
from rethinkdb.embedded.outside.expressions import BadPattern
from rethinkdb.ql2 import TermType

# -- letter case


@term(TermType.UPCASE, 1)
def upcase(call: Call) -> str:
    return coercion.upper(call.string(0))


@term(TermType.DOWNCASE, 1)
def downcase(call: Call) -> str:
    return coercion.lower(call.string(0))


# -- match


@term(TermType.MATCH, 2)
def match(call: Call) -> Datum:
    """The first match of a regular expression (RE2). Positions count bytes of UTF-8, as on a real
    server.
    """
    text, pattern = call.string(0), call.string(1)
    try:
        found = expressions.compiled(pattern).search(text)
    except BadPattern as error:
        raise logic(_explained(pattern, str(error))) from error
    if found is None:
        return None
    encoded = text.encode()
    whole, *groups = (span and _part(encoded, *span) for span in found.spans)
    assert whole is not None
    return {**whole, "groups": groups}


def _part(encoded: bytes, start: int, end: int) -> dict[str, Datum]:
    return {"str": encoded[start:end].decode(errors="replace"), "start": start, "end": end}


def _explained(pattern: str, problem: str) -> str:
    # The part of the pattern that RE2 refuses follows the first colon.
    portion = problem.partition(": ")[2]
    return f"Error in regexp `{pattern}` (portion `{portion}`): {problem}"


# -- split

_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


@term(TermType.SPLIT, 1, 3)
def split(call: Call) -> list[str]:
    """The parts between separators. Without a separator, the words. With an empty separator, the
    characters.
    """
    text = call.string(0)
    separator = call.datum(1) if call.count > 1 else None
    if separator is not None:
        separator = datum.as_string(separator)
    most = call.integer(2) if call.count > 2 else -1
    if not -1 <= most <= call.array_limit - 1:
        raise logic(f"Error: `split` size argument must be in range [-1, {call.array_limit - 1}].")
    return datum.array(_parts(text, separator, most), call.array_limit)


def _parts(text: str, separator: str | None, most: int) -> Iterator[str]:
    if separator is None:
        return _words(text, most)
    if not separator:
        return _characters(text, most)
    return iter(text.split(separator, most))


def _words(text: str, most: int) -> Iterator[str]:
    found, at = 0, 0
    while found != most:
        space = _WHITE_SPACE.search(text, at)
        if space is None:
            break
        if space.start() > at:
            yield text[at : space.start()]
            found += 1
        at = space.end()
    while at < len(text) and _WHITE_SPACE.match(text, at):
        at += 1
    if at < len(text):
        yield text[at:]


def _characters(text: str, most: int) -> Iterator[str]:
    """The characters, each with the combining marks that follow it."""
    found, at = 0, 0
    while at < len(text) and found != most:
        end = at + 1
        while end < len(text) and _is_combining(text[end]):
            end += 1
        yield text[at:end]
        found += 1
        at = end
    if at < len(text):
        yield text[at:]


def _is_combining(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
