"""The cluster: servers that come and go, primaries that move."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Literal

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

_NAMES = "server_{}"


class Cluster:
    """Several RethinkDB servers inside this process, to see what a program does when one goes.

    They serve the same data. Who is killed, stopped, cut off or frozen, and which server leads a
    table, is up to the test. Queries are answered as by a real cluster in that situation: errors
    of the same kinds with the same texts, feeds that end, silence.

    Servers are named by their number, from 0 on: their place in `addresses`.

    Args:
        servers: how many.
        host: the address they all listen on; each has a port of its own.
        password: of the user `admin`.
        users: more users, name to password.
        pace: how long tables are not available after an event, as a multiple of a real cluster's
            time. With 0 they are available again at once, with `math.inf` only when `settle` is
            called.
        order, seed, now, load: as for `Server`. Tables that are loaded are on the first server.

    Attributes:
        store: the data, kept across `stop` and `start`.

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
        if servers < 1:
            raise ValueError(f"A cluster has at least one server, not {servers}.")
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
        self.store.set_passwords({ADMIN: password, **(users or {})})
        self.store.make_gate = lambda table: TableGate(table, self._around)
        self._around = Circumstances(self.store, pace)
        if load is not None:
            states.load(self.store, Path(load))
            self.store.server.name = _NAMES.format(0)
        self._lock = threading.RLock()
        self._chaos: Chaos | None = None
        self._nodes = [Node(self.store, each, host, 0) for each in self.store.servers]

    # -- where it is

    @property
    def addresses(self) -> list[str]:
        """Host and port of each server as text, whether it runs or not."""
        return [_address(node) for node in self._nodes]

    @property
    def names(self) -> list[str]:
        """What the servers call themselves, in the tables of the database `rethinkdb`, too."""
        return [each.name for each in self.store.servers]

    @property
    def url(self) -> str:
        """All addresses as one URL."""
        return f"rethinkdb://{','.join(self.addresses)}"

    def __repr__(self) -> str:
        states = ("running" if node.running else "stopped" for node in self._nodes)
        shown = (f"{place} {state}" for place, state in zip(self.addresses, states, strict=True))
        return f"<Cluster {', '.join(shown)}>"

    def running(self, n: int) -> bool:
        """Whether a server runs; a frozen one does."""
        return self._node(n).running

    @property
    def chaos(self) -> Chaos:
        """Makes trouble for all clients, for tests of how a program copes with it."""
        with self._lock:
            if self._chaos is None:
                self._chaos = Chaos(self._seed)
                oversee(self._chaos, self._nodes)
            return self._chaos

    @property
    def clock(self) -> Clock:
        """What `r.now()` asks on all servers."""
        return self.store.clock

    # -- start and stop

    def start(self, n: int | None = None) -> Cluster:
        """Starts a server, where it was before, or all; no effect on one that runs.

        What it should lead it leads again after a moment, as on a real cluster: then feeds on these
        tables end once more.

        Raises:
            OSError: its address cannot be listened on.
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
        """Shuts a server down, or all; no effect on one that does not run.

        Its address refuses connections then. A table that it leads is led by another replica after
        a while, if a majority of the replicas is left.

        Args:
            n: its number; without one, all stop, and their addresses are free again.
            seconds: how long its tables are not available, in place of the usual time;
                `math.inf`: until `settle` is called.
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
        """Ends a server as `kill -9` does; its clients' connections are reset. Otherwise as `stop`.

        A write that was under way at a table it leads fails with `ReqlOpIndeterminateError`. To
        have one under way for sure, `freeze` the server first.
        """
        self._end(n, KILLED, seconds, abruptly=True)

    def cut(self, n: int) -> None:
        """Resets the connections of all clients of a server. It goes on, and lets them in again."""
        with self._lock:
            listener = self._node(n).listener
            if listener is not None:
                listener.cut()

    def freeze(self, n: int, *, takes_writes: bool = False) -> None:
        """Has a server stand still, as SIGSTOP does, until `thaw`, `stop` or `kill`.

        Its clients hear nothing. Whoever uses a table that it leads, over any server, gets no
        answer either. Nothing tells that it stands still.

        Args:
            n: its number.
            takes_writes: whether a write that others hand to it is carried out, though nobody
                learns of it.
        """
        with self._lock:
            node = self._node(n)
            if node.listener is None:
                raise ValueError(f"Server {n} does not run.")
            with self.store.lock:
                self._around.freeze(node.identity, takes_writes=takes_writes)
            node.listener.freeze()

    def thaw(self, n: int) -> None:
        """Has a frozen server go on; no effect on another one."""
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
        """The number of the server that leads a table now, None if nobody does.

        Of a table with several shards it is that of the first.
        """
        with self.store.lock:
            leaders = self._gate(self._table(db, table)).health().shards[0].primaries
            return self.store.servers.index(leaders[0]) if leaders else None

    def move_primary(self, db: str, table: str, n: int, *, seconds: float | None = None) -> None:
        """Has a server lead a table, as `config().update(...)` of its primary replica does.

        For a moment nothing can be written, then nothing can be read either, and feeds on the table
        end. A server that held no replica takes the place of the one that leads.

        Args:
            db, table: the names.
            n: the number of the server.
            seconds: how long that takes, in place of the usual time; `math.inf`: until `settle`.
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
        """Has the next thing happen that would happen later; False if there is none.

        A move, for instance, goes from "no writes" to "not available", to "no quorum", to ready.
        """
        return self._around.timeline.step()

    def settle(self) -> None:
        """Has all happen now that would happen later: what can be available is available then."""
        self._around.timeline.settle()

    @contextmanager
    def without(self, n: int, *, seconds: float | None = None) -> Iterator[Cluster]:
        """Inside, a server is killed."""
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
        """Stops them."""
        self.stop()

    # -- parts

    def _chosen(self, n: int | None) -> list[Node]:
        return self._nodes if n is None else [self._node(n)]

    def _node(self, n: int) -> Node:
        if not 0 <= n < len(self._nodes):
            raise ValueError(f"There is no server {n}: they are 0 to {len(self._nodes) - 1}.")
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


def _address(node: Node) -> str:
    host = f"[{node.host}]" if ":" in node.host else node.host
    return f"{host}:{node.port}"


def _led_by(shard: Shard, server: ServerIdentity) -> Shard:
    if server in shard.replicas:
        voting = tuple(each for each in shard.nonvoting if each is not server)
        return replace(shard, primary=server, nonvoting=voting)
    replicas = tuple(server if each is shard.primary else each for each in shard.replicas)
    return replace(shard, primary=server, replicas=replicas)
