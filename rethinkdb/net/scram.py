"""SCRAM-SHA-256 (RFC 5802, RFC 7677), both sides, as RethinkDB's server uses it.

Where the server differs from the RFC, this module follows the server: no SASLprep, so user names
and passwords are their UTF-8 bytes; no channel binding; no extensions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Credentials", "ScramClient", "ScramError", "ScramServer", "make_nonce"]

DEFAULT_ITERATIONS = 4096

MAX_ITERATIONS = 1_000_000
"""The limit on what a server may ask for: half a second of work. The default of servers is 4096."""

_GS2_HEADER = "n,,"
_CHANNEL_BINDING = "biws"  # base64 of the GS2 header: "no channel binding"

INVALID_ENCODING = 10
EXTENSIONS_NOT_SUPPORTED = 11
WRONG_PASSWORD = 12
CHANNEL_BINDING_NOT_SUPPORTED = 15
UNKNOWN_USER = 17
INVALID_USER_NAME = 18
OTHER_ERROR = 20


class ScramError(Exception):
    """Authentication failed.

    Attributes:
        code: the server's error code for it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def make_nonce() -> str:
    """18 random bytes, as printable text."""
    return _encode(secrets.token_bytes(18))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server stores of a password: enough to check it, too little to log in elsewhere.

    Attributes:
        salt: random bytes.
        iterations: rounds of PBKDF2.
        stored_key: checks the client's proof (RFC 5802, section 3).
        server_key: signs the answer, so that the client can trust the server.
    """

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    @classmethod
    def from_password(
        cls, password: str, iterations: int = DEFAULT_ITERATIONS, salt: bytes | None = None
    ) -> Credentials:
        """Compute them from a password, which may be empty.

        Args:
            password: the password; it is not stored.
            iterations: the server uses 1 for empty passwords and 4096 for others.
            salt: 16 random bytes if not given.
        """
        salt = secrets.token_bytes(16) if salt is None else salt
        salted = _salted_password(password, salt, iterations)
        stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
        return cls(salt, iterations, stored_key, _hmac(salted, b"Server Key"))

    def fits(self, password: bytes) -> bool:
        """Whether a password is right. Old drivers send the password itself."""
        salted = hashlib.pbkdf2_hmac("sha256", password, self.salt, self.iterations)
        stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
        return hmac.compare_digest(stored_key, self.stored_key)


class ScramClient:
    """The client's side of one exchange.

    Args:
        user: any non-empty name.
        password: may be empty.
        nonce: printable text without a comma, never used before.
    """

    def __init__(self, user: str, password: str, nonce: str) -> None:
        self._password = password
        self._nonce = nonce
        self._first_bare = f"n={_escape(user)},r={nonce}"
        self._signature = b""

    def first_message(self) -> str:
        """The client's first message: it names the user."""
        return _GS2_HEADER + self._first_bare

    def final_message(self, challenge: str) -> str:
        """Answer the server's first message with the proof that this side knows the password.

        Raises:
            ScramError: the challenge is invalid.
        """
        attributes = _attributes(challenge)
        if "m" in attributes:  # a mandatory extension, which we do not know (RFC 5802, 5.1)
            raise ScramError(EXTENSIONS_NOT_SUPPORTED, "Extensions not supported")
        nonce = attributes.get("r", "")
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ScramError(OTHER_ERROR, "Invalid nonce from server")
        salted = _salted_password(
            self._password, _salt(attributes.get("s", "")), _iterations(attributes.get("i", ""))
        )
        client_key = _hmac(salted, b"Client Key")
        stored_key = hashlib.sha256(client_key).digest()
        without_proof = f"c={_CHANNEL_BINDING},r={nonce}"
        signed = f"{self._first_bare},{challenge},{without_proof}".encode()
        self._signature = _hmac(_hmac(salted, b"Server Key"), signed)
        proof = _xor(client_key, _hmac(stored_key, signed))
        return f"{without_proof},p={_encode(proof)}"

    def verify(self, answer: str) -> None:
        """Check that the server knows the password too.

        Raises:
            ScramError: it does not; it may be a false server.
        """
        expected = "v=" + _encode(self._signature)
        if not hmac.compare_digest(answer.encode(), expected.encode()):
            raise ScramError(OTHER_ERROR, "Invalid server signature")


class ScramServer:
    """The server's side of one exchange.

    Args:
        credentials: returns a user's credentials; None for an unknown user. As in RethinkDB, an
            unknown user is only refused after the proof.
        nonce: printable text without a comma, never used before.
    """

    def __init__(self, credentials: Callable[[str], Credentials | None], nonce: str) -> None:
        self.user = ""
        self._find = credentials
        self._known = False
        self._credentials = Credentials(b"", 0, b"", b"")
        self._nonce = nonce
        self._first_bare = ""
        self._challenge = ""

    def challenge(self, message: str) -> str:
        """Answer the client's first message.

        Raises:
            ScramError: it is malformed, or needs something that is not supported.
        """
        if not message.startswith("n,"):
            raise ScramError(CHANNEL_BINDING_NOT_SUPPORTED, "Channel binding is not supported")
        _, _, self._first_bare = message[2:].partition(",")
        attributes = _attributes_of_client(self._first_bare)
        _require(attributes, "nr")
        self.user = _unescape(attributes["n"])
        found = self._find(self.user)
        self._known = found is not None
        self._credentials = found or Credentials(
            secrets.token_bytes(16), DEFAULT_ITERATIONS, b"", b""
        )
        self._nonce = attributes["r"] + self._nonce
        salt = _encode(self._credentials.salt)
        self._challenge = f"r={self._nonce},s={salt},i={self._credentials.iterations}"
        return self._challenge

    def verify(self, message: str) -> str:
        """Check the client's proof; sign the answer.

        Raises:
            ScramError: unknown user, wrong password, or a malformed message.
        """
        if not self._known:
            raise ScramError(UNKNOWN_USER, "Unknown user")
        attributes = _attributes_of_client(message)
        if attributes.get("c", _CHANNEL_BINDING) != _CHANNEL_BINDING or "p" not in attributes:
            raise ScramError(INVALID_ENCODING, "Invalid encoding")
        without_proof, _, _ = message.partition(",p=")
        signed = f"{self._first_bare},{self._challenge},{without_proof}".encode()
        if not self._proves(attributes["p"], signed):
            raise ScramError(WRONG_PASSWORD, "Wrong password")
        _require(attributes, "crp")  # after the proof, as in RethinkDB
        if attributes["r"] != self._nonce:
            raise ScramError(OTHER_ERROR, "Other error")
        return "v=" + _encode(_hmac(self._credentials.server_key, signed))

    def _proves(self, proof: str, signed: bytes) -> bool:
        stored_key = self._credentials.stored_key
        try:
            client_key = _xor(_decode(proof), _hmac(stored_key, signed))
        except ValueError:
            return False
        return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


def _attributes(message: str) -> dict[str, str]:
    """Split "a=1,b=2". Each name is one letter and occurs once; values may contain "="."""
    found: dict[str, str] = {}
    for part in message.split(","):
        name, equals, value = part.partition("=")
        if len(name) != 1 or not equals or name in found:
            raise ScramError(INVALID_ENCODING, "Invalid encoding")
        found[name] = value
    return found


def _attributes_of_client(message: str) -> dict[str, str]:
    """The same, for the server's side. As in RethinkDB, one comma may follow the last."""
    attributes = _attributes(message.removesuffix(","))
    if "m" in attributes:
        raise ScramError(EXTENSIONS_NOT_SUPPORTED, "Extensions not supported")
    return attributes


def _require(attributes: dict[str, str], names: str) -> None:
    if set(attributes) != set(names):
        raise ScramError(INVALID_ENCODING, "Invalid encoding")


def _salt(text: str) -> bytes:
    if not text:
        raise ScramError(OTHER_ERROR, "Invalid salt from server: it is empty")
    try:
        return _decode(text)
    except ValueError as exc:
        raise ScramError(OTHER_ERROR, "Invalid salt from server: it is no base64") from exc


def _iterations(text: str) -> int:
    # Eight digits at most, as Python refuses to convert thousands of them.
    if text.isascii() and text.isdigit() and len(text) <= 8 and 1 <= int(text) <= MAX_ITERATIONS:
        return int(text)
    raise ScramError(
        OTHER_ERROR,
        f"Invalid iteration count from server: {text[:20]!r}. This driver accepts 1 to "
        f"{MAX_ITERATIONS}, as more would hold it up for too long",
    )


def _escape(user: str) -> str:
    return user.replace("=", "=3D").replace(",", "=2C")


def _unescape(name: str) -> str:
    user = name.replace("=2C", ",").replace("=3D", "=")
    if not user:
        raise ScramError(INVALID_USER_NAME, "Empty username")
    if name.count("=") != name.count("=2C") + name.count("=3D"):
        raise ScramError(INVALID_USER_NAME, "Invalid username encoding")
    return user


def _salted_password(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    if len(left) != len(right):
        raise ValueError("one is longer")
    # As numbers, byte by byte takes 30 calls more.
    number = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return number.to_bytes(len(left), "big")


def _encode(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    return b64decode(text, validate=True)
