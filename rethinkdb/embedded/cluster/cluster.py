"""The class `Cluster`: starts and stops servers, and moves primary replicas."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Literal

from rethinkdb.embedded.arguments import (
    checked_host,
    checked_path,
    checked_servers,
    checked_users,
)
from rethinkdb.embedded.chaos.chaos import Chaos, oversee
from rethinkdb.embedded.cluster.circumstances import Circumstances, check_seconds
from rethinkdb.embedded.cluster.gates import TableGate
from rethinkdb.embedded.cluster.phases import KILLED, STOPPED, Steps
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.keeping import states
from rethinkdb.embedded.serving.node import Node
from rethinkdb.embedded.storage.chance import Chance, Clock
from rethinkdb.embedded.storage.permissions import ADMIN
from rethinkdb.embedded.storage.placement import ServerIdentity, Shard
from rethinkdb.embedded.storage.store import Store, StoredTable, row_order
from rethinkdb.embedded.system.catalogue import SYSTEM_TABLES
from rethinkdb.net.address import written_address

_NAMES = "server_{}"


class Cluster:
    """Several RethinkDB servers inside this process, to test a program while servers fail.

    All servers serve the same data. The test decides which server is killed, stopped, cut off or
    frozen, and which one leads a table. Queries are answered as by a real cluster in the same
    situation: errors of the same class with the same text, feeds that end, or no answer at all.

    Methods take a server's number. Numbers begin at 0 and are positions in `addresses`.

    Args:
        servers: how many servers.
        host: the address that all of them listen on. Each has its own port.
        password: the password of the user `admin`.
        users: more users, as a dict of name to password.
        pace: how long a table stays unavailable after a failure, as a multiple of a real cluster's
            time. 0: not at all. `math.inf`: until you call `settle`.
        order, seed, now, load: as for `Server`. Loaded tables are on the first server.

    Attributes:
        store: the data. It survives `stop` and `start`.

    Example::

        with Cluster(3) as cluster, r.connect(url=cluster.url) as conn:
            r.table_create("heroes", replicas=3).run(conn)
            cluster.kill(cluster.primary("test", "heroes"))
    """

    def __init__(
        self,
        servers: int = 3,
        *,
        host: str = "127.0.0.1",
        password: str = "",
        users: Mapping[str, str] | None = None,
        pace: float = 1.0,
        order: Literal["real", "shuffled"] = "real",
        seed: int | None = None,
        now: datetime | float | None = None,
        load: str | PathLike[str] | None = None,
    ) -> None:
        servers, host = checked_servers(servers), checked_host(host)
        accounts = {ADMIN: password, **checked_users(users)}
        first = checked_path("load", load)
        if not pace >= 0:
            raise ValueError(f"`pace` must be 0 or more, or math.inf, not {pace!r}.")
        chance = Chance(seed)
        self.store = Store(
            SYSTEM_TABLES,
            server_name=_NAMES.format(0),
            order=row_order(order),
            chance=chance,
            clock=Clock(now),
        )
        self.store.servers += [
            ServerIdentity(chance.new_uuid(), _NAMES.format(number)) for number in range(1, servers)
        ]
        self._seed = seed
        self.store.set_passwords(accounts)
        self.store.make_gate = lambda table: TableGate(table, self._around)
        self._around = Circumstances(self.store, pace)
        if first is not None:
            states.load(self.store, first)
            self.store.server.name = _NAMES.format(0)
        self._lock = threading.RLock()
        self._chaos: Chaos | None = None
        self._nodes = [Node(self.store, each, host, 0) for each in self.store.servers]

    # -- where it is

    @property
    def addresses(self) -> list[str]:
        """The address of each server as "HOST:PORT", whether the server runs or not.

        Raises:
            RuntimeError: the cluster has never been started, so it has no ports yet.
        """
        return [written_address(node.host, node.known_port) for node in self._nodes]

    @property
    def names(self) -> list[str]:
        """The names of the servers, which the tables of the database `rethinkdb` show, too."""
        return [each.name for each in self.store.servers]

    @property
    def url(self) -> str:
        """The addresses of all servers as one URL, for `r.connect(url=...)` or a pool."""
        return f"rethinkdb://{','.join(self.addresses)}"

    def __repr__(self) -> str:
        shown = (
            f"{written_address(node.host, node.port)} {'running' if node.running else 'stopped'}"
            for node in self._nodes
        )
        return f"<Cluster {', '.join(shown)}>"

    def running(self, n: int) -> bool:
        """Whether server `n` runs. A frozen server counts as running."""
        return self._node(n).running

    @property
    def chaos(self) -> Chaos:
        """Causes failures for the clients of all servers, to test how a program handles them."""
        with self._lock:
            if self._chaos is None:
                self._chaos = Chaos(self._seed)
                oversee(self._chaos, self._nodes)
            return self._chaos

    @property
    def clock(self) -> Clock:
        """The clock that `r.now()` reads on all servers."""
        return self.store.clock

    # -- start and stop

    def start(self, n: int | None = None) -> Cluster:
        """Starts server `n` on its old address, or all servers. Running ones are left alone.

        As on a real cluster, the server soon leads its tables again. Changefeeds on these tables
        end once more when that happens.

        Returns:
            The cluster itself.

        Raises:
            OSError: a server cannot listen on its address.
        """
        with self._lock:
            for node in self._chosen(n):
                if not node.running:
                    node.start()
                    with self.store.lock:
                        node.identity.up = True
                        for gate in self._gates():
                            gate.server_found(node.identity)
                        self._around.changed()
            self._around.timeline.start()
        return self

    def stop(self, n: int | None = None, *, seconds: float | None = None) -> None:
        """Shuts down server `n`, or all servers. Does nothing to a server that does not run.

        Afterwards the server's address refuses connections. If a majority of the replicas of a
        table is left, another replica leads the table after a while.

        Args:
            n: the number of the server. Without one, all servers stop, and their addresses are
                free for other programs.
            seconds: how long the server's tables are unavailable, instead of the usual time.
                `math.inf`: until you call `settle`.
        """
        if n is not None:
            self._end(n, STOPPED, seconds, abruptly=False)
            return
        with self._lock:
            self._around.timeline.stop()
            for node in self._nodes:
                with self.store.lock:
                    self._around.thaw(node.identity)
                    self._around.changed()
                node.stop()
                node.release()
            self.store.jobs.clear()

    def kill(self, n: int, *, seconds: float | None = None) -> None:
        """Ends server `n` as `kill -9` does: connections of its clients are reset. See also `stop`.

        Writes that are running on tables it leads fail with `ReqlOpIndeterminateError`. To be sure
        that a write is running, `freeze` the server first.

        Args:
            n: the number of the server.
            seconds: as for `stop`.
        """
        self._end(n, KILLED, seconds, abruptly=True)

    def cut(self, n: int) -> None:
        """Resets all client connections of server `n`. It still runs, and clients may reconnect."""
        with self._lock:
            listener = self._node(n).listener
            if listener is not None:
                listener.cut()

    def freeze(self, n: int, *, takes_writes: bool = False) -> None:
        """Freezes server `n`, as SIGSTOP does, until `thaw`, `stop` or `kill`.

        Its clients get no answers. Queries on tables it leads get no answers either, whichever
        server they are sent to. No error and no system table shows that the server is frozen.

        Args:
            n: the number of the server.
            takes_writes: whether the frozen server still carries out writes that come by way of
                other servers. The client of such a write gets no answer.

        Raises:
            ValueError: the server does not run.
        """
        with self._lock:
            node = self._node(n)
            if node.listener is None:
                raise ValueError(f"Server {n} does not run.")
            with self.store.lock:
                self._around.freeze(node.identity, takes_writes=takes_writes)
            node.listener.freeze()

    def thaw(self, n: int) -> None:
        """Lets frozen server `n` continue. Does nothing if it is not frozen."""
        with self._lock:
            node = self._node(n)
            with self.store.lock:
                self._around.thaw(node.identity)
                self._around.changed()
            if node.listener is not None:
                node.listener.thaw()

    def _end(self, n: int, steps: Steps, seconds: float | None, *, abruptly: bool) -> None:
        check_seconds(seconds)
        with self._lock:
            node = self._node(n)
            if not node.running:
                return
            with self.store.lock:
                node.identity.up = False
                self._around.thaw(node.identity)
                for gate in self._gates():
                    gate.server_lost(node.identity, steps, seconds)
                self._around.changed()
            node.stop(abruptly=abruptly, reserve=True)

    # -- who leads

    def primary(self, db: str, table: str) -> int | None:
        """The number of the server that leads a table now; None if none does.

        If the table has several shards, this is the server that leads the first shard.
        """
        with self.store.lock:
            leaders = self._gate(self._table(db, table)).health().shards[0].primaries
            return self.store.servers.index(leaders[0]) if leaders else None

    def move_primary(self, db: str, table: str, n: int, *, seconds: float | None = None) -> None:
        """Makes server `n` lead a table, as updating `primary_replica` in `config()` does.

        For a moment writes fail. Then reads fail, too, and changefeeds on the table end. If the
        server has no replica of the table, it replaces the server that leads now.

        Args:
            db, table: the names of the database and the table.
            n: the number of the server.
            seconds: how long the move takes, instead of the usual time. `math.inf`: until you call
                `settle`.

        Raises:
            ValueError: the server does not run, or the table does not exist.
        """
        check_seconds(seconds)
        server = self._node(n).identity
        if not server.up:
            raise ValueError(f"Server {n} does not run.")
        with self.store.lock:
            found = self._table(db, table)
            found.shards = [_led_by(shard, server) for shard in found.shards]
            self._gate(found).reshape_within(seconds)

    # -- time

    def step(self) -> bool:
        """Runs the next pending change now. Returns False if there is none.

        A move of a primary, for instance, takes four steps: "no writes", "not available", "no
        quorum", ready.
        """
        return self._around.timeline.step()

    def settle(self) -> None:
        """Runs all pending changes now. Every table that can be available is available then."""
        self._around.timeline.settle()

    @contextmanager
    def without(self, n: int, *, seconds: float | None = None) -> Iterator[Cluster]:
        """Kills server `n` for the length of a `with` block, then starts it again."""
        self.kill(n, seconds=seconds)
        try:
            yield self
        finally:
            self.start(n)

    # -- as a context manager

    def __enter__(self) -> Cluster:
        """Starts all servers."""
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops all servers."""
        self.stop()

    # -- parts

    def _chosen(self, n: int | None) -> list[Node]:
        return self._nodes if n is None else [self._node(n)]

    def _node(self, n: int) -> Node:
        if not isinstance(n, int) or not 0 <= n < len(self._nodes):
            raise ValueError(f"There is no server {n!r}: they are 0 to {len(self._nodes) - 1}.")
        return self._nodes[n]

    def _table(self, db: str, table: str) -> StoredTable:
        try:
            return self.store.table(db, table)
        except QueryFailure as failure:
            raise ValueError(failure.message) from failure

    @staticmethod
    def _gate(table: StoredTable) -> TableGate:
        assert isinstance(table.gate, TableGate)
        return table.gate

    def _gates(self) -> list[TableGate]:
        return [self._gate(table) for _, table in self.store.all_tables()]


def _led_by(shard: Shard, server: ServerIdentity) -> Shard:
    if server in shard.replicas:
        voting = tuple(each for each in shard.nonvoting if each is not server)
        return replace(shard, primary=server, nonvoting=voting)
    replicas = tuple(server if each is shard.primary else each for each in shard.replicas)
    return replace(shard, primary=server, replicas=replicas)
