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

from rethinkdb.embedded.arguments import (
    checked_host,
    checked_path,
    checked_port,
    checked_users,
)
from rethinkdb.embedded.chaos.chaos import Chaos, oversee
from rethinkdb.embedded.keeping import states
from rethinkdb.embedded.keeping.journal import Journal
from rethinkdb.embedded.serving.listener import Listener
from rethinkdb.embedded.serving.node import Node
from rethinkdb.embedded.storage.chance import Chance, Clock
from rethinkdb.embedded.storage.permissions import ADMIN
from rethinkdb.embedded.storage.placement import SERVER_VERSION
from rethinkdb.embedded.storage.store import Store, row_order
from rethinkdb.embedded.system.catalogue import SYSTEM_TABLES
from rethinkdb.net.address import written_address

__all__ = ["SERVER_VERSION", "Server"]


class Server:
    """A RethinkDB server inside this process.

    The data is kept in memory and is lost with this object, unless you name a `data` file.

    Args:
        host: the address to listen on. "0.0.0.0" lets other machines connect.
        port: the port to listen on. 0 picks a free one; the attribute `port` tells which.
        password: the password of the user `admin`. Default: none, as on a fresh real server.
        users: more users, as a dict of name to password. They have no permissions until
            `r.grant` gives them some.
        certfile, keyfile: turn on TLS. PEM files with the certificate chain and with the private
            key; leave out `keyfile` if the key is in `certfile`.
        ssl_context: turns on TLS with your own server-side context, instead of the two files.
        order: the order of rows that no query sorts. "real" is the order of a real server, which
            is not guaranteed. "shuffled" is a different order each time, so that a test which
            relies on the order fails sooner or later.
        seed: makes random values repeatable: generated keys, `r.uuid()`, `r.random()`, `sample`,
            and the random choices of `chaos`. The same queries in the same order then give the
            same results.
        now: stops the clock of `r.now()` at this time: a datetime with a time zone, or seconds
            since 1970. Use the attribute `clock` to move it.
        data: the file in which the data is kept. It is created if it does not exist. `password`
            and `users` are ignored if the file already exists.
        load: a file to take the first data from. It is only read. It may be written by `save`, be
            a data file, or be an archive of `rethinkdb-dump`.

    Attributes:
        host, port: the address it listens on. `port` is the real port once the server has started.
            It stays the same after `stop` and `start`, so clients can reconnect.
        store: the data. It survives `stop` and `start`.

    The server runs in its own threads, from `start()` to `stop()` or for the length of a `with`
    block. A forked child process does not have these threads. The child can connect to the server
    of its parent, but `stop()` in the child only closes the child's copies of the sockets. In a
    process patched by gevent the threads are greenlets, so a client in the same process must use
    patched sockets, too.

    Nested queries need deep recursion. While a server runs, `sys.getrecursionlimit()` is therefore
    at least 5000, for the whole process.

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
        accounts = {ADMIN: password, **checked_users(users)}
        first, self._data = checked_path("load", load), checked_path("data", data)
        chance, clock = Chance(seed), Clock(now)
        self.store = Store(SYSTEM_TABLES, order=row_order(order), chance=chance, clock=clock)
        self._seed = seed
        context = ssl_context or tls_context(certfile, keyfile)
        place = checked_host(host), checked_port(port)
        self._node = Node(self.store, self.store.server, *place, context)
        self._lock = threading.RLock()
        self._chaos: Chaos | None = None
        self._journal: Journal | None = None
        self.store.set_passwords(accounts)
        if first is not None:
            states.load(self.store, first)

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._node.host

    @property
    def port(self) -> int:
        """The port it listens on. A RuntimeError says that it has none before it is started."""
        return self._node.known_port

    @property
    def _listener(self) -> Listener | None:
        """What accepts its clients, while it runs. Test programs count `_listener.peers`."""
        return self._node.listener

    @property
    def clock(self) -> Clock:
        """The clock that `r.now()` reads. `server.clock.advance(60)` moves it by a minute."""
        return self.store.clock

    @property
    def chaos(self) -> Chaos:
        """Causes failures for the clients, to test how a program handles them. See `Chaos`."""
        with self._lock:
            if self._chaos is None:
                self._chaos = Chaos(self._seed)
                oversee(self._chaos, [self._node])
            return self._chaos

    @property
    def url(self) -> str:
        """The address as a URL, for `r.connect(url=...)`."""
        return f"rethinkdb://{written_address(self.host, self.port)}"

    def __repr__(self) -> str:
        node = self._node
        return f"<Server {node.host}:{node.port} {'running' if node.running else 'stopped'}>"

    def start(self) -> Server:
        """Starts listening and serving. Does nothing if the server already runs.

        Returns:
            The server itself.

        Raises:
            OSError: the server cannot listen on the address, for instance because another server
                does; or the data file cannot be used.
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
        """Interrupts all queries, closes all connections and ends the server's threads.

        Does nothing if the server does not run.
        """
        with self._lock:
            if self._node.running:
                try:
                    self._node.stop()
                finally:
                    self.store.jobs.clear()
                    self._close_data()

    def save(self, path: str | PathLike[str]) -> None:
        """Writes all data to a file that `Server(load=path)` reads, for instance a test fixture.

        An existing file is replaced, but only after everything is written. You may call this
        whether the server runs or not.

        Raises:
            OSError: the file cannot be written.
            ValueError: `path` is the server's own data file.
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
        """Starts the server."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the server."""
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
