"""TLS without a socket: one implementation for all loops.

`ssl.SSLObject` works on memory, so TLS is one more sans-IO layer. A `TLSLink` stands between a
session and the code that moves the bytes. It has the same interface as a session. This has three
advantages:

- All loops verify certificates, report errors and close in the same way.
- No loop needs the TLS of its own library. Twisted's accepts no `SSLContext`, gevent's only its own
  kind.
- One lock guards session and TLS together, so threads can share a connection. A blocking
  `SSLSocket` does not allow that.
"""

from __future__ import annotations

import ssl
from collections import deque
from operator import methodcaller
from typing import Any, Protocol

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.handshake import refusal
from rethinkdb.net.options import ConnectOptions, TLSConfig
from rethinkdb.net.outflow import Outflow
from rethinkdb.net.session import Session
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.steps import exhaust

__all__ = ["Link", "TLSLink", "deliver", "open_link"]

# One TLS record holds 16 KiB; reading several at once saves calls on large batches.
_READ_SIZES = (65536,)
_RECORD = (slice(0, 16384),)

_POPLEFT = methodcaller("popleft")


class Link(Protocol):
    """The interface for adapters: a `Session`, or TLS around one.

    If signal handlers may interrupt an adapter, it uses the attributes directly: it adds received
    bytes to `incoming` and calls `proceed`; it calls `prepare` and takes bytes from `output`.

    Attributes:
        incoming: received bytes, in pieces.
        output: bytes to send.
        outflow: is told how many bytes the transport holds.
    """

    incoming: deque[bytes]
    output: bytearray
    outflow: Outflow

    @property
    def close_requested(self) -> bool:
        """Whether to send the rest of `data_to_send`, and then to close the socket."""
        ...

    @property
    def output_pending(self) -> bool:
        """Whether there are bytes to send, or the socket is to be closed."""
        ...

    @property
    def in_flight(self) -> int:
        """How many queries are in flight; 0 if the one that was started last is not among them."""
        ...

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer. Never raises; call `data_to_send` afterwards."""
        ...

    def receive_usual(self, data: bytes) -> bool:
        """Take bytes from the peer, and handle what calls no code of the program.

        Returns:
            False if there is more to do: then call `receive_data(b"")`.
        """
        ...

    def proceed(self) -> None:
        """Handle the bytes in `incoming`, and finish what an interrupt has left undone."""
        ...

    def prepare(self) -> None:
        """Put the bytes to send into `output`."""
        ...

    def receive_eof(self, exc: Exception | None = None) -> None:
        """Take the end of the connection, with its error if that is known."""
        ...

    def data_to_send(self) -> bytes:
        """Take all bytes to send; may be empty."""
        ...

    @property
    def clock_wanted(self) -> bool:
        """Whether `tick` must be called now."""
        ...

    @property
    def unsent_wanted(self) -> bool:
        """Whether `tick` looks at its argument `unsent`."""
        ...

    def tick(self, now: float, unsent: int = 0) -> float | None:
        """Do what is due, then flush. Returns when to call it again; see `Session.tick`."""
        ...


def deliver(link: Link, data: bytes) -> None:
    """Give received bytes to a link.

    A link raises no errors. If it does, that is an error in this driver. Then the link is lost,
    with the error as the cause; the loop and the nursery go on.
    """
    try:
        link.receive_data(data)
    except Exception as exc:
        link.receive_eof(exc)


def open_link(session: Session, options: ConnectOptions) -> Link:
    """The link for a session: the session itself, or TLS around it if the options say so.

    Raises:
        ReqlDriverError: the file of certificates cannot be read, or the given `SSLContext` cannot
            be used for a client.
    """
    if options.tls is None:
        return session
    context = make_context(options.tls)
    try:
        return TLSLink(session, context, options.host, options.port)
    except (ssl.SSLError, ValueError) as exc:  # ValueError: the host is no host name
        raise ReqlDriverError(
            f"`ssl` cannot be used to connect to {options.host}:{options.port}: {exc}."
        ) from exc


def make_context(config: TLSConfig) -> ssl.SSLContext:
    """An `SSLContext` that verifies the server's certificate and its host name."""
    if config.context is not None:
        context: ssl.SSLContext = config.context
        return context
    try:
        context = ssl.create_default_context(cafile=config.ca_certs)
    except OSError as exc:  # an SSLError is one too
        if raised_by_handler(exc):
            raise
        raise ReqlDriverError(
            f"`ssl['ca_certs']`: cannot load certificates from {config.ca_certs!r}: {exc}."
        ) from exc
    if config.ca_certs is not None:
        # Python 3.13 made strict checks the default. They refuse many self-made authorities, for
        # example those without a key usage extension, and such authorities are named here.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class TLSLink:
    """A session's bytes, encrypted.

    Args:
        session: the session; it gets the decrypted bytes.
        context: says which certificates to trust.
        host: the name that the server's certificate must have.
        port: for error messages only.
    """

    def __init__(self, session: Session, context: ssl.SSLContext, host: str, port: int) -> None:
        self.incoming: deque[bytes] = deque()
        self.output = bytearray()
        self.outflow = session.outflow
        self._session = session
        self._host = host
        self._port = port
        self._encrypted = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._encrypted, self._outgoing, server_hostname=host)
        # The methods of an `SSLObject` are written in Python: an interrupt could come after they
        # have read bytes, and these would be lost. The inner object's methods are written in C.
        inside: Any = getattr(self._tls, "_sslobj", self._tls)
        self._read, self._write, self._pending = inside.read, inside.write, inside.pending
        self._established = False
        self._closed = False
        self._failure: ReqlDriverError | None = None
        self._handshake()

    @property
    def close_requested(self) -> bool:
        return self._closed or self._session.close_requested

    @property
    def output_pending(self) -> bool:
        return self._closed or bool(self._outgoing.pending) or self._session.output_pending

    @property
    def in_flight(self) -> int:
        return self._session.in_flight

    def receive_data(self, data: bytes) -> None:
        self.incoming += (data,)
        self.proceed()

    def receive_usual(self, data: bytes) -> bool:
        self.incoming += (data,)
        return False

    def proceed(self) -> None:
        incoming = self.incoming
        while incoming:
            try:
                exhaust(map(self._encrypted.write, map(_POPLEFT, (incoming,))))
            except IndexError as exc:  # a signal handler has taken it just now
                if raised_by_handler(exc):
                    raise
        if not self._established and not self._closed:
            self._handshake()
        if self._established and not self._closed:
            self._decrypt()
        if self._closed:
            self._session.receive_eof(self._failure)

    def receive_eof(self, exc: Exception | None = None) -> None:
        if exc is None and not self._established and not self._closed:
            exc = self._error(
                "TLS: the server closed the connection during the TLS handshake. "
                "Does it expect TLS on this port? If not, leave `ssl` out."
            )
        self._session.receive_eof(exc)

    def data_to_send(self) -> bytes:
        self.prepare()
        data = bytes(self.output)
        self.output.clear()
        return data

    def prepare(self) -> None:
        # Until the handshake is complete, the session keeps its bytes.
        if self._established and not self._closed:
            plain = self._session.output
            while plain:
                record = filter(None, map(plain.__getitem__, _RECORD))
                exhaust(map(plain.__delitem__, map(slice, map(self._write, record))))
            if self._session.close_requested:
                self._say_goodbye()
        exhaust(map(self.output.extend, iter(self._outgoing.read, b"")))

    @property
    def clock_wanted(self) -> bool:
        return self._session.clock_wanted

    @property
    def unsent_wanted(self) -> bool:
        return self._session.unsent_wanted

    def tick(self, now: float, unsent: int = 0) -> float | None:
        return self._session.tick(now, unsent)

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as exc:
            self._fail(exc)
            return
        self._established = True

    def _decrypt(self) -> None:
        received, proceeded = self._session.incoming, False
        # Without the check there would be one more read, whose error takes longer than the read.
        while not self._closed and (self._encrypted.pending or self._pending()):
            try:
                received.extend(map(self._read, _READ_SIZES))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as exc:
                self._fail(exc)
                return
            if received and not received[-1]:  # the peer's goodbye
                self._say_goodbye()
            self._session.proceed()
            proceeded = True
        if not proceeded:
            self._session.proceed()

    def _say_goodbye(self) -> None:
        self._closed = True
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return  # our goodbye is in `_outgoing`; the peer's is not waited for

    def _fail(self, exc: ssl.SSLError) -> None:
        error = self._error(_explain(exc))
        error.__cause__ = exc
        self._failure = error
        self._closed = True

    def _error(self, text: str) -> ReqlDriverError:
        return ReqlDriverError(text if self._established else refusal(self._host, self._port, text))


def _explain(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return (
            f"TLS: the server's certificate was refused: {exc.verify_message} "
            'Give the authority that signed it as ssl={"ca_certs": path}, '
            "and connect to the host name it is made out to."
        )
    reason = (exc.reason or str(exc)).replace("_", " ").lower()
    if exc.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return (
            f"TLS: the server does not speak TLS on this port ({reason}). Leave `ssl` out, "
            "or start the server with a driver TLS certificate."
        )
    return f"TLS: {reason}."
