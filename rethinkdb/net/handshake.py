"""The V1_0 handshake, each side as one generator.

Each yields the bytes to send, possibly none, and is sent the next line of the peer, without the
zero byte that ends it. It returns its last bytes, and what both sides then know. The exchange:

    client  magic number, {"protocol_version", "authentication_method", "authentication"}
    server  {"success", "min_protocol_version", "max_protocol_version", "server_version"}
    server  {"success", "authentication": challenge}
    client  {"authentication": proof}
    server  {"success", "authentication": signature}

Instead of any of its lines the server may send {"success": false, "error", "error_code"}, or plain
text if it is too old to know this handshake, or no RethinkDB at all.
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
"""Longest line of a handshake with its zero byte: the server's own rule, which suits both sides."""

_PROTOCOL_VERSION = 0
_METHOD = "SCRAM-SHA-256"

_SURROGATE = re.compile("[\ud800-\udfff]")

# Codes of errors about who the user is; all others are about the exchange itself.
_AUTHENTICATION_CODES = range(10, 21)

# How an answer that is no JSON begins, and what that means.
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
    """The server's side: the client may not come in.

    Attributes:
        code: the number sent to the client.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def line(self) -> bytes:
        """What the client is told."""
        return _line({"success": False, "error": self.message, "error_code": self.code})


def refusal(host: str, port: int, text: str) -> str:
    """The message of an error that ends an attempt to connect."""
    return f"Could not connect to {host}:{port}. Error: {text}"


def not_rethinkdb(host: str, port: int, answer: bytes) -> RemoteProtocolError:
    """The error for an answer that is no JSON: shows it, and says what it looks like."""
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
        host: the server's name, for the texts of errors only.
        port: likewise.

    Raises:
        ReqlAuthError: unknown user, wrong password, or the server cannot prove that it knows it.
        ReqlDriverError: the server refuses for another reason.
        RemoteProtocolError: this is no RethinkDB server, or a broken one.
    """
    scram = ScramClient(user, password, nonce)
    hello = {
        "protocol_version": _PROTOCOL_VERSION,
        "authentication_method": _METHOD,
        "authentication": scram.first_message(),
    }
    # The greeting answers the magic number alone, so the first message need not wait for it.
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
    """Let a client in whose magic number was right; each refusal is the real server's.

    Args:
        credentials: finds a user's credentials, None for an unknown user.
        server_version: what to call ourselves.
        nonce: see `make_nonce`.

    Raises:
        HandshakeRefused: with the code and text that the client is to be told.
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
    """The server's line, unless it refuses."""
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


def _request(line: bytes) -> dict[str, Any]:
    """The client's line. What is no object has none of the fields asked for afterwards."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as exc:  # how deep it may nest is up to the process
        raise HandshakeRefused(8, "Invalid JSON object.") from exc
    return request if isinstance(request, dict) else {}


def _text(request: dict[str, Any], field: str, code: int) -> str:
    value = request.get(field)
    if _is_text(value):
        return value
    raise HandshakeRefused(code, f"Expected a string for `{field}`.")


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is a string that UTF-8 can express: JSON's escapes can name half a character."""
    return isinstance(value, str) and not _SURROGATE.search(value)
