"""The server's side of the handshake before V1_0. Drivers from before 2016 use it.

The client sends a magic number, the length of a key, the key (today the password of `admin`), and
the number of the encoding. All numbers have four bytes, little-endian. The server answers with a
text that ends with a zero byte: `SUCCESS`, or what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from rethinkdb.ql2 import Version, WireProtocol

from .handshake import HandshakeRefused
from .scram import Credentials

__all__ = ["OLD_USER", "OLD_VERSIONS", "SUCCESS", "old_handshake_size", "refusal_text"]

OLD_USER = "admin"
"""The user that a client with this handshake logs in as."""

OLD_VERSIONS = frozenset((Version.V0_1, Version.V0_2, Version.V0_3, Version.V0_4))
SUCCESS = b"SUCCESS\0"

_NUMBER = Struct("<I")
_KEY_AT = 2 * _NUMBER.size
_LONGEST_KEY = 2048
_NO_PROTOBUF = "The PROTOBUF client protocol is no longer supported"


def old_handshake_size(
    data: bytes | bytearray, credentials: Callable[[str], Credentials | None]
) -> int | None:
    """Check the handshake at the start of `data`.

    Args:
        data: what the client has sent so far, at least four bytes.
        credentials: returns a user's credentials; None for an unknown user.

    Returns:
        The length of the handshake; None if its end has not arrived yet.

    Raises:
        HandshakeRefused: the client is refused; it has the text for the client.
    """
    if _number(data, 0) in (Version.V0_1, Version.V0_2):
        raise HandshakeRefused(-1, _NO_PROTOBUF)
    if len(data) < _KEY_AT:
        return None
    length = _number(data, _NUMBER.size)
    if length > _LONGEST_KEY:
        raise HandshakeRefused(-1, "Client provided an authorization key that is too long.")
    end = _KEY_AT + length
    if len(data) < end:
        return None
    known = credentials(OLD_USER)
    if known is None or not known.fits(bytes(data[_KEY_AT:end])):
        raise HandshakeRefused(-1, "Incorrect authorization key.")
    if len(data) < end + _NUMBER.size:
        return None
    encoding = _number(data, end)
    if encoding == WireProtocol.PROTOBUF:
        raise HandshakeRefused(-1, _NO_PROTOBUF)
    if encoding != WireProtocol.JSON:
        signed = encoding if encoding < 2**31 else encoding - 2**32
        raise HandshakeRefused(-1, f"Unrecognized protocol specified: '{signed}'")
    return end + _NUMBER.size


def refusal_text(text: str) -> bytes:
    """The refusal for a client whose handshake has no JSON."""
    return f"ERROR: {text}\n\0".encode()


def _number(data: bytes | bytearray, place: int) -> int:
    (number,) = _NUMBER.unpack_from(data, place)
    return int(number)
