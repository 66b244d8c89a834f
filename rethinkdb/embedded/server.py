"""The embedded server: start, stop, users, address."""

from __future__ import annotations

import platform
import ssl
import threading
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rethinkdb.embedded import limits
from rethinkdb.embedded.keeping import states
from rethinkdb.embedded.keeping.journal import Journal
from rethinkdb.embedded.outside.engines import ENGINES
from rethinkdb.embedded.serving.listener import Listener
from rethinkdb.embedded.serving.queries import Conversation
from rethinkdb.embedded.serving.recursion import RECURSION
from rethinkdb.embedded.storage.permissions import ADMIN, User
from rethinkdb.embedded.storage.store import RowOrder, Store
from rethinkdb.embedded.system.catalogue import SYSTEM_TABLES
from rethinkdb.net.server import ServerProtocol

SERVER_VERSION = "2.4.4"
"""The release whose behaviour this server has, and calls itself in handshakes."""


class Server:
    """A RethinkDB server inside this process.

    Its data is in memory, and gone with the server, unless it is given a file to keep it in.

    Args:
        host: the address to listen on; "0.0.0.0" lets other machines in.
        port: 0 picks a free one, see the attribute.
        password: of the user `admin`; none by default, as on a fresh real server.
        users: more users, name to password. They may do nothing until `r.grant` lets them.
        certfile, keyfile: for TLS, a certificate with its chain and the key, PEM files; `keyfile`
            may be in `certfile`.
        ssl_context: for TLS, a ready server-side context instead of the two.
        order: in which order rows come that nothing sorts. "real" is that of a real server, which
            nothing promises. With "shuffled" it is another one each time: a test that relies on the
            order then fails sooner or later.
        data: a file that the data is kept in, made if there is none. Without it, all data is in
            memory and gone with the server. `password` and `users` only count for a new file.
        load: a file to start from, which is only read: one that `save` has written, a data file,
            or an archive of `rethinkdb-dump`.

    Attributes:
        host, port: where it listens; `port` is the real one once it is started, and stays: a
            server that is started again has the address its clients know.
        store: its data, kept across `stop` and `start`.

    It serves in threads of its own from `start()` to `stop()`; as a context manager from entry to
    exit. A forked child does not have these threads: it can connect to its parent's server, and
    there `stop()` only closes the child's copies of the sockets. In a process patched by gevent
    the threads are greenlets, so a client in the same process must use patched sockets as well.

    Evaluating nested queries takes deep recursion, and Python has one limit of that for all
    threads: while a server runs, `sys.getrecursionlimit()` is at least 5000.

    Example::

        with Server() as server:
            conn = r.connect(host=server.host, port=server.port)
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        password: str = "",
        users: Mapping[str, str] | None = None,
        certfile: str | PathLike[str] | None = None,
        keyfile: str | PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        order: Literal["real", "shuffled"] = "real",
        data: str | PathLike[str] | None = None,
        load: str | PathLike[str] | None = None,
    ) -> None:
        if data is not None and load is not None:
            raise ValueError("`data` is kept, `load` is only read: give one of them.")
        self.host = host
        self.port = port
        self.store = Store(SYSTEM_TABLES, order=_row_order(order))
        self._context = ssl_context or _context(certfile, keyfile)
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._data = None if data is None else Path(data)
        self._journal: Journal | None = None
        for name, secret in {ADMIN: password, **(users or {})}.items():
            user = self.store.users.setdefault(name, User(name))
            user.set_password(secret)
        if load is not None:
            states.load(self.store, Path(load))

    @property
    def url(self) -> str:
        """The address as `r.connect(url=...)` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rethinkdb://{host}:{self.port}"

    def start(self) -> Server:
        """Listens and serves from now on; no effect on a running server.

        Raises:
            OSError: the address cannot be listened on, for instance since another server does, or
                the data file cannot be used.
        """
        with self._lock:
            if self._listener is None:
                self._open_data()
                try:
                    self._listener = self._listen()
                except BaseException:
                    self._close_data()
                    raise
                self.port = self._listener.port
                RECURSION.need(limits.RECURSION)
                self._note_start()
                self._listener.start()
        return self

    def stop(self) -> None:
        """Interrupts all queries, hangs up, ends all threads; no effect on a stopped server."""
        with self._lock:
            listener, self._listener = self._listener, None
            if listener is not None:
                try:
                    listener.stop()
                finally:
                    self.store.jobs.clear()
                    self._close_data()
                    ENGINES.close_idle()
                    RECURSION.need_no_more(limits.RECURSION)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes all it holds to a file, which `Server(load=path)` reads: a fixture for tests.

        A file that is there is replaced once all is written. The server may be running or not.

        Raises:
            OSError: the file cannot be written.
            ValueError: it is the server's own data file.
        """
        if self._data is not None and Path(path).resolve() == self._data.resolve():
            raise ValueError("The server keeps this file itself: save to another one.")
        states.save(self.store, Path(path))

    def _open_data(self) -> None:
        if self._data is not None:
            self._journal = states.attach(self.store, self._data)

    def _close_data(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            states.detach(self.store, journal)

    def __enter__(self) -> Server:
        """Starts it."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops it."""
        self.stop()

    def _listen(self) -> Listener:
        try:
            return Listener(self.host, self.port, self._protocol, self._conversation, self._context)
        except (OSError, UnicodeError) as exc:  # the latter for what can be no name of a host
            number = getattr(exc, "errno", None)
            text = f"cannot listen on {self.host}:{self.port} ({_reason(exc)})"
            raise OSError(number, f"The embedded server {text}.") from exc

    def _protocol(self) -> ServerProtocol:
        return ServerProtocol(self.store.credentials, SERVER_VERSION)

    def _conversation(self, user: str, address: tuple[str, int], **callbacks: Any) -> Conversation:
        info = {"id": self.store.server_id, "name": self.store.server_name, "proxy": False}
        return Conversation(self.store, user, address, server_info=info, **callbacks)

    def _note_start(self) -> None:
        store = self.store
        store.server.port = self.port
        python = platform.python_version()
        for message in (
            f"Running rethinkdb {SERVER_VERSION}, embedded in Python {python}...",
            f"Listening for client driver connections on port {self.port}",
            f'Server ready, "{store.server_name}" {store.server_id}',
        ):
            store.note("notice", message)


def _row_order(name: str) -> RowOrder:
    try:
        return RowOrder(name)
    except ValueError:
        names = " or ".join(f'"{order.value}"' for order in RowOrder)
        raise ValueError(f"`order` must be {names}, not {name!r}.") from None


def _context(
    certfile: str | PathLike[str] | None, keyfile: str | PathLike[str] | None
) -> ssl.SSLContext | None:
    if certfile is None:
        if keyfile is not None:
            raise ValueError("`keyfile` needs `certfile`: the certificate that belongs to the key.")
        return None
    for path in (certfile, keyfile):
        if path is not None:
            open(path, "rb").close()  # OpenSSL does not say which file it cannot read
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certfile, keyfile)
    except ssl.SSLError as exc:
        raise ssl.SSLError(exc.errno, _unfit(certfile, keyfile, exc)) from exc
    return context


def _unfit(
    certfile: str | PathLike[str], keyfile: str | PathLike[str] | None, exc: ssl.SSLError
) -> str:
    files = f"{certfile} holds no certificate with its key"
    if keyfile is not None:
        files = f"{certfile} and {keyfile} are no certificate and its key"
    reason = f" ({exc.reason})" if exc.reason else ""
    return f"{files}, in PEM format{reason}."


def _reason(exc: Exception) -> str:
    """Why an address cannot be listened on, without the address, which Python adds at times."""
    text = getattr(exc, "strerror", None) or str(exc)
    return text.partition(" (while attempting")[0]
