"""A socket and hand-made frames: the least a client of this protocol can do.

It is the floor of the blocking loop, it makes the tables, and it starts the writes that changefeeds
deliver. No checks, one user (admin, no password), blocking.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
from collections.abc import Generator
from typing import Any

import orjson

__all__ = ["CONTINUE", "PARTIAL", "START", "Client", "logging_in"]

START, CONTINUE = 1, b"[2]"
ATOM, PARTIAL = 1, 3

MAGIC = struct.pack("<I", 0x34C2BDC3)
HEADER = struct.Struct("<QI")
READ_SIZE = 1 << 16


class Client:
    """One connection."""

    def __init__(self, host: str, port: int, trusted: str | None = None) -> None:
        self.sock = socket.create_connection((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = trusted is not None
        if self._tls:
            context = ssl.create_default_context(cafile=trusted)
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        self.buffer = b""
        self.position = 0
        self.token = 0  # of the frame received last
        self._handshake()

    def send(self, *payloads: bytes, token: int = 1) -> None:
        """Send queries, all in one write."""
        self.sock.sendall(b"".join([HEADER.pack(token, len(p)) + p for p in payloads]))

    def receive(self) -> bytes | bytearray:
        """The payload of the next frame."""
        while len(self.buffer) - self.position < 12:
            self._more()
        self.token, length = HEADER.unpack_from(self.buffer, self.position)
        start = self.position + 12
        end = start + length
        if end <= len(self.buffer):
            self.position = end
            return self.buffer[start:end]
        # A large frame: the rest of it goes straight to where it belongs.
        payload = bytearray(length)
        have = len(self.buffer) - start
        payload[:have] = self.buffer[start:]
        self.buffer, self.position = b"", 0
        rest = memoryview(payload)[have:]
        if self._tls:
            while rest:
                rest = rest[self.sock.recv_into(rest) :]
        elif self.sock.recv_into(rest, 0, socket.MSG_WAITALL) < length - have:
            raise ConnectionError("The server hung up.")
        return payload

    def receive_all(self) -> list[bytes | bytearray]:
        """The payloads of all frames that have arrived, at least one."""
        payloads = [self.receive()]
        while self._has_frame():
            payloads.append(self.receive())
        return payloads

    def ask(self, payload: bytes) -> Any:
        """One query, one reply, decoded."""
        self.send(payload)
        return orjson.loads(self.receive())

    def run(self, payload: bytes) -> Any:
        """A query whose result is one value."""
        reply = self.ask(payload)
        if reply["t"] != ATOM:
            raise RuntimeError(f"{payload[:80]!r}: {reply}")
        return reply["r"][0]

    def close(self) -> None:
        self.sock.close()

    def _more(self) -> None:
        data = self.sock.recv(READ_SIZE)
        if not data:
            raise ConnectionError("The server hung up.")
        self.buffer = self.buffer[self.position :] + data
        self.position = 0

    def _has_frame(self) -> bool:
        have = len(self.buffer) - self.position - 12
        return have >= 0 and have >= HEADER.unpack_from(self.buffer, self.position)[1]

    def _handshake(self) -> None:
        steps = logging_in()
        self.sock.sendall(next(steps))
        while True:
            while b"\0" not in self.buffer:
                self._more()
            text, _, self.buffer = self.buffer.partition(b"\0")
            try:
                self.sock.sendall(steps.send(text))
            except StopIteration as done:
                self.server_version: str = done.value
                return


def logging_in() -> Generator[bytes, bytes, str]:
    """SCRAM-SHA-256 (RFC 5802), without looking at the server's signature.

    It yields what to send, is sent each message of the server, and returns the server's version.
    """
    nonce = base64.b64encode(os.urandom(18)).decode()
    first = f"n=admin,r={nonce}"
    greeting = {
        "protocol_version": 0,
        "authentication_method": "SCRAM-SHA-256",
        "authentication": f"n,,{first}",
    }
    hello = orjson.loads((yield MAGIC + orjson.dumps(greeting) + b"\0"))
    challenge = orjson.loads((yield b""))["authentication"]
    server_nonce, salt, iterations = (part[2:] for part in challenge.split(","))
    final = f"c=biws,r={server_nonce}"
    salted = hashlib.pbkdf2_hmac("sha256", b"", base64.b64decode(salt), int(iterations))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signed = f"{first},{challenge},{final}".encode()
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    end = orjson.loads((yield orjson.dumps({"authentication": f"{final},p={proof}"}) + b"\0"))
    if not end["success"]:
        raise ConnectionError(end["error"])
    version: str = hello["server_version"]
    return version
