"""TLS for the server, without a socket, so that the listener moves bytes as it does without TLS."""

from __future__ import annotations

import ssl

_READ_SIZE = 65536


class PlainChannel:
    """No encryption."""

    def decrypt(self, data: bytes) -> bytes:
        """The plain bytes from the client."""
        return data

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send to the client."""
        return data


class SecureChannel(PlainChannel):
    """TLS, in memory.

    Args:
        context: with the server's certificate.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._established = False
        self._early = bytearray()

    def decrypt(self, data: bytes) -> bytes:
        """The plain text that has arrived. Raises `ssl.SSLError` if the data is no valid TLS."""
        self._incoming.write(data)
        if not self._established and not self._handshake():
            return b""
        plain = bytearray()
        while True:
            try:
                piece = self._tls.read(_READ_SIZE)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return bytes(plain)
            if not piece:
                return bytes(plain)
            plain += piece

    def encrypt(self, data: bytes) -> bytes:
        """The cipher text. During the handshake, its messages; the data is kept until later."""
        self._early += data
        if self._established and self._early:
            self._tls.write(self._early)
            self._early.clear()
        return self._outgoing.read()

    def _handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._established = True
        return True
