"""Replies of the server: the bodies of frames.

Each row is written as JSON when it is pulled, because the size of a batch is limited in bytes. A
reply joins these texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rethinkdb.embedded.data import datum, jsontext
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum, Extremum
from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure, frames
from rethinkdb.ql2 import ErrorType, ResponseNote, ResponseType


def write_row(row: Datum) -> bytes:
    """A datum as JSON text. Fails for `r.minval` and `r.maxval`, which JSON cannot express."""
    text = jsontext.dumps(row, _write_other)
    # An enumeration's member is written as its value without asking `_write_other`; such text is
    # rare enough to look twice.
    if b'"MINVAL"' in text or b'"MAXVAL"' in text:
        return jsontext.dumps(datum.to_json(row), _write_other)
    return text


def write_change(row: Datum) -> bytes:
    """A row of a changefeed as JSON text. The last one is remembered: many feeds may share it."""
    last, text = _LAST[0]
    if last is not row:
        text = write_row(row)
        _LAST[0] = (row, text)
    return text


# The row of a changefeed that was written last, and its text: a pair that is replaced as a whole.
# The first one is the row of no feed.
_LAST: list[tuple[Datum, bytes]] = [({}, b"")]


def _write_other(value: Any) -> Any:
    if isinstance(value, bytes):
        return {REQL_TYPE: "BINARY", "data": datum.to_base64(value)}
    if isinstance(value, Extremum):
        return datum.to_json(value)
    raise TypeError(f"{type(value).__name__} is no datum")


def _reply(type: ResponseType, rows: Iterable[bytes], *members: bytes) -> bytes:
    return b'{"t":%d,"r":[%b]%b}' % (type, b",".join(rows), b"".join(members))


def _profile(profile: Datum) -> bytes:
    return b"" if profile is None else b',"p":' + write_row(profile)


def atom(value: bytes, profile: Datum = None) -> bytes:
    """The reply with a single value, which is JSON already."""
    return _reply(ResponseType.SUCCESS_ATOM, (value,), _profile(profile))


def notes(notes: Iterable[ResponseNote]) -> bytes:
    """The notes of a batch."""
    return b',"n":[%b]' % b",".join(b"%d" % note for note in notes)


NO_NOTES = notes(())


def batch(
    rows: Iterable[bytes],
    *,
    finished: bool,
    notes: bytes = NO_NOTES,
    profile: Datum = None,
) -> bytes:
    """The reply with some rows of a sequence. `finished` says that they are the last ones."""
    type_ = ResponseType.SUCCESS_SEQUENCE if finished else ResponseType.SUCCESS_PARTIAL
    return _reply(type_, rows, _profile(profile), notes)


def wait_complete() -> bytes:
    """The reply that says: all earlier noreply queries are done."""
    return _reply(ResponseType.WAIT_COMPLETE, ())


def server_info(info: Datum) -> bytes:
    """The reply to SERVER_INFO."""
    return _reply(ResponseType.SERVER_INFO, (write_row(info),))


def client_error(message: str) -> bytes:
    """The reply to a client that broke the protocol or sent an invalid query."""
    return _error(ResponseType.CLIENT_ERROR, message, ())


def failure(error: QueryFailure) -> bytes:
    """The reply with a compile error or a runtime error."""
    backtrace = error.backtrace or ()
    if error.kind is FailureKind.COMPILE:
        return _error(ResponseType.COMPILE_ERROR, error.message, backtrace)
    return _error(ResponseType.RUNTIME_ERROR, error.message, backtrace, error.kind.error_type)


def _error(
    type: ResponseType, message: str, backtrace: Backtrace, error_type: ErrorType | None = None
) -> bytes:
    code = b"" if error_type is None else b',"e":%d' % error_type
    steps = b',"b":' + jsontext.dumps(frames(backtrace))
    return _reply(type, (jsontext.dumps(message),), code, steps)
