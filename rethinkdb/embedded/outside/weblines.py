"""Connections of the HTTP client. Another thread can cut one at any time."""

from __future__ import annotations

import functools
import http.client
import socket
import threading
import urllib.request
from contextlib import suppress
from typing import Any


class Line:
    """The connection of a request. After a redirect, it is another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._duplicate: socket.socket | None = None
        self._cut = False

    def dial(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A new connection to a host. Raises `OSError`."""
        problem: OSError = socket.gaierror("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            connection = socket.socket(family, kind, protocol)
            try:
                self._watch(connection)
                connection.settimeout(timeout)
                connection.connect(address)
            except OSError as error:
                connection.close()
                problem = error
            else:
                return connection
        raise problem

    def _watch(self, connection: socket.socket) -> None:
        # A duplicate, as TLS takes the connection over.
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError("cut")
            if self._duplicate is not None:
                self._duplicate.close()
            self._duplicate = connection.dup()

    def cut(self) -> None:
        """Ends the connection: waiting for it fails, and no other one is made."""
        with self._lock:
            self._cut = True
            if self._duplicate is not None:
                with suppress(OSError):  # it is not connected any more
                    self._duplicate.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection, which is not needed any more."""
        with self._lock:
            if self._duplicate is not None:
                self._duplicate.close()
                self._duplicate = None


class _Connection(http.client.HTTPConnection):
    line: Line

    def connect(self) -> None:
        """Connects."""
        self.sock = self.line.dial(self.host, self.port, self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _SecureConnection(http.client.HTTPSConnection, _Connection):
    """Wraps in TLS what the other one connects."""


def _made(kind: type[_Connection], line: Line, *arguments: Any, **options: Any) -> _Connection:
    connection = kind(*arguments, **options)
    connection.line = line
    return connection


class PlainHandler(urllib.request.HTTPHandler):
    """Sends requests for `http:` over a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._make: Any = functools.partial(_made, _Connection, line)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """See the base class."""
        return self.do_open(self._make, req)


class SecureHandler(urllib.request.HTTPSHandler):
    """Sends requests for `https:` over a line."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(**options)
        self._options = options
        self._make: Any = functools.partial(_made, _SecureConnection, line)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """See the base class."""
        return self.do_open(self._make, req, **self._options)
