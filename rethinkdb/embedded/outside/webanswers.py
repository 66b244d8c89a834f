"""Converts an HTTP answer to a datum: the header, and the body in the requested format."""

from __future__ import annotations

import re
from collections.abc import Callable

from rethinkdb.embedded.data import jsonparsing
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.jsonparsing import JSONProblem
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.outside.web import Answer, WebFailure


def text(body: bytes) -> str:
    """The body as text. Bytes that are not UTF-8 are replaced."""
    return body.decode(errors="replace")


_LINK = re.compile(r"\s*<([^>]*)>\s*(?:;\s*([^,]+)\s*(?:,|$))")


def header(answer: Answer) -> Datum:
    """The header fields, with names in lower case. Links are listed by `rel`, such as `next`."""
    fields: dict[str, Datum] = {}
    links: dict[str, Datum] = {}
    for name, value in answer.headers:
        if name.lower() == "link":
            links.update(_links(value))
        else:
            fields[name.lower()] = value
    return {**fields, "link": links} if links else fields


def _links(line: str) -> dict[str, Datum]:
    links: dict[str, Datum] = {}
    rest = line
    while rest:
        match = _LINK.match(rest)
        if match is None:
            raise WebFailure(f"failed to parse link header line: '{line}'")
        links[match.group(2)] = match.group(1)
        rest = rest[match.end() :]
    return links


_IDENTIFIER = r"\s*[$_]*[^\W\d][$\w]*\s*|\s*[$_]+\s*"
_JSONP = re.compile(
    rf"(?:{_IDENTIFIER})(?:\.(?:{_IDENTIFIER})|\[\s*['\"].*['\"]\s*\]\s*)?\((.*)\)\s*;?\s*",
    re.DOTALL,
)


def _json(text: str) -> Datum:
    try:
        return jsonparsing.parse_or_explain(text)
    except JSONProblem as problem:
        raise WebFailure(f"failed to parse JSON response: {problem}") from problem
    except QueryFailure as failure:
        raise WebFailure(failure.message) from failure


def _jsonp(text: str) -> Datum:
    match = _JSONP.fullmatch(text)
    if match is None:
        raise WebFailure("failed to parse JSONP response")
    return _json(match.group(1))


def _json_or_text(text: str) -> Datum:
    for parse in (_json, _jsonp):
        try:
            return parse(text)
        except WebFailure:
            continue
    return text


_BY_FORMAT: dict[str, Callable[[bytes], Datum]] = {
    "json": lambda body: _json(text(body)),
    "jsonp": lambda body: _jsonp(text(body)),
    "text": text,
    "binary": lambda body: body,
}
_BY_CONTENT_TYPE: tuple[tuple[tuple[str, ...], Callable[[bytes], Datum]], ...] = (
    (("application/json",), _BY_FORMAT["json"]),
    (
        ("text/javascript", "application/json-p", "text/json-p"),
        lambda body: _json_or_text(text(body)),
    ),
    (("audio/", "image/", "video/", "application/octet-stream"), _BY_FORMAT["binary"]),
)


def body(method: str, answer: Answer, format: str) -> Datum:
    """The body in the requested format. `auto` uses the Content-Type. Raises `WebFailure`."""
    if method == "HEAD":
        return None
    convert = _BY_FORMAT.get(format)
    if convert is None:
        fitting = (
            found
            for prefixes, found in _BY_CONTENT_TYPE
            if answer.content_type.startswith(prefixes)
        )
        convert = next(fitting, text)
    return convert(answer.body)
