"""The embedded server: start, stop, users, address."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Literal

from rethinkdb.embedded.chaos.chaos import Chaos, oversee
from rethinkdb.embedded.keeping import states
from rethinkdb.embedded.keeping.journal import Journal
from rethinkdb.embedded.serving.node import SERVER_VERSION, Node
from rethinkdb.embedded.storage.chance import Chance, Clock
from rethinkdb.embedded.storage.permissions import ADMIN
from rethinkdb.embedded.storage.store import Store, row_order
from rethinkdb.embedded.system.catalogue import SYSTEM_TABLES

__all__ = ["SERVER_VERSION", "Server"]


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
        seed: has what it makes up repeat: generated keys, `r.uuid()`, `r.random()`, `sample`, and
            what `chaos` leaves to chance. The same queries in the same order then give the same.
        now: the time at which its clock stands still, for `r.now()`: a datetime with a time zone,
            or seconds since 1970. `clock` moves it.
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
        seed: int | None = None,
        now: datetime | float | None = None,
        data: str | PathLike[str] | None = None,
        load: str | PathLike[str] | None = None,
    ) -> None:
        if data is not None and load is not None:
            raise ValueError("`data` is kept, `load` is only read: give one of them.")
        chance, clock = Chance(seed), Clock(now)
        self.store = Store(SYSTEM_TABLES, order=row_order(order), chance=chance, clock=clock)
        self._seed = seed
        context = ssl_context or tls_context(certfile, keyfile)
        self._node = Node(self.store, self.store.server, host, port, context)
        self._lock = threading.RLock()
        self._chaos: Chaos | None = None
        self._data = None if data is None else Path(data)
        self._journal: Journal | None = None
        self.store.set_passwords({ADMIN: password, **(users or {})})
        if load is not None:
            states.load(self.store, Path(load))

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._node.host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._node.port

    @property
    def clock(self) -> Clock:
        """What `r.now()` asks: `server.clock.advance(60)` moves it."""
        return self.store.clock

    @property
    def chaos(self) -> Chaos:
        """Makes trouble for the clients, for tests of how a program copes with it."""
        with self._lock:
            if self._chaos is None:
                self._chaos = Chaos(self._seed)
                oversee(self._chaos, [self._node])
            return self._chaos

    @property
    def url(self) -> str:
        """The address as `r.connect(url=...)` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rethinkdb://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<Server {self.host}:{self.port} {'running' if self._node.running else 'stopped'}>"

    def start(self) -> Server:
        """Listens and serves from now on; no effect on a running server.

        Raises:
            OSError: the address cannot be listened on, for instance since another server does, or
                the data file cannot be used.
        """
        with self._lock:
            if not self._node.running:
                self._open_data()
                try:
                    self._node.start()
                except BaseException:
                    self._close_data()
                    raise
        return self

    def stop(self) -> None:
        """Interrupts all queries, hangs up, ends all threads; no effect on a stopped server."""
        with self._lock:
            if self._node.running:
                try:
                    self._node.stop()
                finally:
                    self.store.jobs.clear()
                    self._close_data()

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


def tls_context(
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
