"""The V1_0 handshake. Each side is a generator.

A generator yields the bytes to send, possibly none. It is then sent the peer's next line, without
the zero byte that ends it. At the end it returns its last bytes and a `HandshakeCompleted`. The
messages are:

    client  magic number, {"protocol_version", "authentication_method", "authentication"}
    server  {"success", "min_protocol_version", "max_protocol_version", "server_version"}
    server  {"success", "authentication": challenge}
    client  {"authentication": proof}
    server  {"success", "authentication": signature}

The server may instead send {"success": false, "error", "error_code"} at any point. If it is too old
for this handshake, or no RethinkDB server, it sends plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from typing import Any, TypeGuard

from rethinkdb.errors import ReqlAuthError, ReqlDriverError
from rethinkdb.ql2 import Version

from .events import HandshakeCompleted
from .scram import Credentials, ScramClient, ScramError, ScramServer
from .violations import RemoteProtocolError

__all__ = [
    "LINE_LIMIT",
    "MAGIC",
    "Handshake",
    "HandshakeRefused",
    "client_handshake",
    "not_rethinkdb",
    "refusal",
    "server_handshake",
]

Handshake = Generator[bytes, bytes, "tuple[bytes, HandshakeCompleted]"]

MAGIC = int(Version.V1_0).to_bytes(4, "little")

LINE_LIMIT = 2047
"""Longest line of a handshake, with its zero byte. It is the server's limit; both sides use it."""

_PROTOCOL_VERSION = 0
_METHOD = "SCRAM-SHA-256"

_SURROGATE = re.compile("[\ud800-\udfff]")

# Error codes about user and password. All other codes are about the handshake itself.
_AUTHENTICATION_CODES = range(10, 21)

# For answers that are not JSON: how they begin, and what to tell the user.
_NOT_RETHINKDB = (
    (
        "ERROR:",
        "This handshake needs RethinkDB 2.3 or newer. The server answered: {text}",
    ),
    (
        "HTTP/",
        "An HTTP server answered: {text}. Connect to the driver port (28015 unless configured "
        "otherwise), not to the web interface.",
    ),
    (
        "\x15\x03",
        "The server expects TLS. Connect with ssl={{'ca_certs': '/path/to/ca.pem'}}.",
    ),
    (
        "",
        "This is no RethinkDB driver port (28015 unless configured otherwise). It answered: {text}",
    ),
)


class HandshakeRefused(RemoteProtocolError):
    """On the server's side: the client is refused.

    Attributes:
        code: the error code for the client.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def line(self) -> bytes:
        """The line to send to the client."""
        return _line({"success": False, "error": self.message, "error_code": self.code})


def refusal(host: str, port: int, text: str) -> str:
    """The error message for a failed attempt to connect."""
    return f"Could not connect to {host}:{port}. Error: {text}"


def not_rethinkdb(host: str, port: int, answer: bytes) -> RemoteProtocolError:
    """The error for an answer that is not JSON. It shows the answer, and what it may mean."""
    text = answer.decode("utf-8", "replace").strip()
    shown = repr(text[:200])
    advice = next(advice for prefix, advice in _NOT_RETHINKDB if text.startswith(prefix))
    return RemoteProtocolError(refusal(host, port, advice.format(text=shown)))


def client_handshake(user: str, password: str, nonce: str, host: str, port: int) -> Handshake:
    """Log in.

    Args:
        user: the account's name.
        password: its password, possibly empty.
        nonce: see `make_nonce`.
        host: the server's name, for error messages only.
        port: for error messages only.

    Raises:
        ReqlAuthError: the user is unknown, the password is wrong, or the server cannot prove that
            it knows the password.
        ReqlDriverError: the server refuses for another reason.
        RemoteProtocolError: the peer is no RethinkDB server, or does not follow the protocol.
    """
    scram = ScramClient(user, password, nonce)
    hello = {
        "protocol_version": _PROTOCOL_VERSION,
        "authentication_method": _METHOD,
        "authentication": scram.first_message(),
    }
    # The greeting answers the magic number. The first message can be sent without waiting for it.
    greeting = _accepted((yield MAGIC + _line(hello)), host, port)
    _check_version(greeting, host, port)
    try:
        challenge = _authentication(_accepted((yield b""), host, port), host, port)
        proof = _line({"authentication": scram.final_message(challenge)})
        scram.verify(_authentication(_accepted((yield proof), host, port), host, port))
    except ScramError as exc:
        raise ReqlAuthError(str(exc), host, port) from exc
    version = greeting.get("server_version")
    return b"", HandshakeCompleted(user, version if _is_text(version) else "")


def server_handshake(
    credentials: Callable[[str], Credentials | None], server_version: str, nonce: str
) -> Handshake:
    """Let a client log in. It runs after the magic number; its refusals are those of RethinkDB.

    Args:
        credentials: returns a user's credentials; None for an unknown user.
        server_version: the version to report to clients.
        nonce: see `make_nonce`.

    Raises:
        HandshakeRefused: the client is refused; it has the code and text for the client.
    """
    greeting = {
        "success": True,
        "min_protocol_version": _PROTOCOL_VERSION,
        "max_protocol_version": _PROTOCOL_VERSION,
        "server_version": server_version,
    }
    hello = _request((yield _line(greeting)))
    version = hello.get("protocol_version")
    if not isinstance(version, (int, float)) or isinstance(version, bool):
        raise HandshakeRefused(1, "Expected a number for `protocol_version`.")
    if version != _PROTOCOL_VERSION:
        raise HandshakeRefused(2, "Unsupported `protocol_version`.")
    if _text(hello, "authentication_method", 3) != _METHOD:
        raise HandshakeRefused(4, "Unsupported `authentication_method`.")
    scram = ScramServer(credentials, nonce)
    try:
        challenge = scram.challenge(_text(hello, "authentication", 5))
        proof = _request((yield _line({"success": True, "authentication": challenge})))
        signature = scram.verify(_text(proof, "authentication", 5))
    except ScramError as exc:
        raise HandshakeRefused(exc.code, str(exc)) from exc
    last = _line({"success": True, "authentication": signature})
    return last, HandshakeCompleted(scram.user, server_version)


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\0"


def _accepted(line: bytes, host: str, port: int) -> dict[str, Any]:
    """Read a line of the server; raises an error if the server refuses."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise not_rethinkdb(host, port, line) from exc
    if not isinstance(reply, dict):
        raise not_rethinkdb(host, port, line)
    if reply.get("success") is True:
        return reply
    error, code = reply.get("error"), reply.get("error_code")
    text = error if _is_text(error) else "no reason given"
    if type(code) is int and code in _AUTHENTICATION_CODES:
        raise ReqlAuthError(text, host, port)
    raise ReqlDriverError(refusal(host, port, text))


def _check_version(greeting: dict[str, Any], host: str, port: int) -> None:
    oldest, newest = greeting.get("min_protocol_version"), greeting.get("max_protocol_version")
    if type(oldest) is not int or type(newest) is not int:
        text = "The server does not say which protocol versions it speaks."
        raise RemoteProtocolError(refusal(host, port, text))
    if not oldest <= _PROTOCOL_VERSION <= newest:
        text = (
            f"Unsupported protocol version {_PROTOCOL_VERSION}: the server speaks "
            f"{oldest} to {newest}. Use a newer driver."
        )
        raise ReqlDriverError(refusal(host, port, text))


def _authentication(reply: dict[str, Any], host: str, port: int) -> str:
    value = reply.get("authentication")
    if _is_text(value):
        return value
    raise RemoteProtocolError(refusal(host, port, "The server sent no authentication message."))


_NO_DATUM = "Failed to convert JSON to datum."
"""For JSON that a real server can read, but not take as a value: a field twice, invalid UTF-8."""


def _request(line: bytes) -> dict[str, Any]:
    """Read a line of the client. JSON that is not an object counts as an empty one."""
    text = line.decode(errors="replace")
    try:
        request = json.loads(text, object_pairs_hook=_members)
        # Python also reads NaN, infinite numbers and lone surrogates. They cannot be written.
        json.dumps(request, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:  # RecursionError: it is nested too deep
        raise HandshakeRefused(8, "Invalid JSON object.") from exc
    if text.encode() != line:
        raise HandshakeRefused(9, _NO_DATUM)
    return request if isinstance(request, dict) else {}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise HandshakeRefused(9, _NO_DATUM)
    return members


def _text(request: dict[str, Any], field: str, code: int) -> str:
    value = request.get(field)
    if _is_text(value):
        return value
    raise HandshakeRefused(code, f"Expected a string for `{field}`.")


def _is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a string that UTF-8 can express. JSON can also have lone surrogates."""
    return isinstance(value, str) and not _SURROGATE.search(value)
