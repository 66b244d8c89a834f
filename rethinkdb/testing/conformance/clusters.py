"""Scenarios: several hosts, of a cluster whose servers stop and come back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlDriverError,
    ReqlOpFailedError,
    ReqlOpIndeterminateError,
)
from rethinkdb.pool import RetryPolicy

from .trial import PATIENCE, Scenario, Skip, Trial

if TYPE_CHECKING:
    from rethinkdb.embedded import Cluster

__all__ = ["SCENARIOS"]

# Attempts go on for as long as a scenario may take.
PERSISTENT = RetryPolicy(attempts=1000, first_pause=0.01, longest_pause=0.02, budget=None)


#: Makes the clusters of scenarios, in place of embedded ones. It is called with the number of
#: servers. The driver's own tests set it, to run scenarios on a real cluster.
cluster_maker: Callable[[int], Any] | None = None


def new_cluster(servers: int = 3, *, embedded: bool = False, **options: Any) -> Any:
    """A cluster. After a failure, its tables stay unavailable until the scenario acts.

    Args:
        servers: how many.
        embedded: the scenario does what only an embedded cluster can.
        **options: of an embedded cluster.

    Raises:
        Skip: the extra `embedded` is not installed, or the scenario needs an embedded cluster.
    """
    if cluster_maker is not None:
        if embedded:
            raise Skip("does what cannot be done to a real cluster from outside")
        return cluster_maker(servers)
    try:
        from rethinkdb.embedded import Cluster
    except ImportError as exc:
        raise Skip(str(exc)) from exc
    return Cluster(servers, **{"pace": 0, **options})


def place_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def with_hosts(trial: Trial, hosts: list[Any], **options: Any) -> dict[str, Any]:
    """Options that name several hosts instead of the host of the trial.

    Raises:
        Skip: this loop connects to one host only.
    """
    if not trial.connection_type.TRIES_HOSTS:
        raise Skip("connections of this loop go to one host")
    return {"host": None, "port": None, "hosts": hosts, **options}


async def connecting_to_one_of_several(trial: Trial) -> None:
    """Hosts are tried in random order until one accepts. The connection tells which one it is."""
    with new_cluster() as cluster:
        cluster.stop(0)
        seen = set()
        for _ in range(40):
            conn = await trial.connect(**with_hosts(trial, cluster.addresses))
            assert f"{conn.host}:{conn.port}" in cluster.addresses[1:]
            assert await trial.run(r.expr(1), conn) == 1
            seen.add(conn.port)
            await trial.do(conn.close)
            if len(seen) == 2:
                break
        assert len(seen) == 2, "always the same one"
        # A reconnect may choose another host, because this one may be gone.
        await trial.do(conn.reconnect)
        lost = cluster.addresses.index(f"{conn.host}:{conn.port}")
        cluster.kill(lost)
        await trial.do(conn.reconnect)
        assert conn.port not in (place_of(cluster.addresses[0]), place_of(cluster.addresses[lost]))


async def connecting_to_none_of_several(trial: Trial) -> None:
    """If no host accepts, the error lists each host with its cause."""
    with new_cluster(2) as cluster:
        cluster.stop(0)
        cluster.stop(1)
        options = with_hosts(trial, [*cluster.addresses, "no.such.host.invalid"])
        exc = await trial.fails(
            ReqlDriverError, r"^Could not connect to any of 3 hosts:", trial.open, **options
        )
        lines = str(exc).splitlines()[1:]
        for place in (*cluster.addresses, "no.such.host.invalid:28015"):
            assert any(line.startswith(f"{place}: Could not connect to {place}") for line in lines)
        assert isinstance(exc.__cause__, ReqlDriverError)


async def connecting_with_a_wrong_password(trial: Trial) -> None:
    """A wrong password fails at once: all servers of a cluster know the same users."""
    with new_cluster(2) as cluster:
        options = with_hosts(trial, cluster.addresses, password="wrong")
        await trial.fails(ReqlAuthError, "^Could not connect to 127.0.0.1:", trial.open, **options)


async def pool_of_several_hosts(trial: Trial) -> None:
    """Connections are spread over all hosts. When one host fails, queries go to the others, and
    reads that were running there are run again. Events and statistics show this."""
    with new_cluster() as cluster:
        events: list[tuple[str, str | None]] = []
        sizes = {"min_size": 6, "per_connection": 1}
        pool = trial.pool(**with_hosts(trial, cluster.addresses, retry=PERSISTENT, **sizes))
        for name in ("down", "up"):
            pool.on(name, lambda event: events.append((event.name, event.host)))
        await trial.do(pool.open)
        spread = {host.host: host.size for host in pool.stats().hosts}
        assert spread == dict.fromkeys(cluster.addresses, 2)
        gone = cluster.addresses[1]
        cluster.kill(1)
        # All connections are used, as some loops notice a loss only then: long queries overlap.
        query = partial(trial.run, r.range(5_000).count(), pool)
        deadline = time.monotonic() + PATIENCE
        for event in (("down", gone), ("up", gone)):
            while event not in events:
                assert time.monotonic() < deadline, events
                assert await trial.driver.gather(*[query] * 8) == [5_000] * 8
            cluster.start(1)
        assert {host for _, host in events} == {gone}


async def pool_follows_its_cluster(trial: Trial) -> None:
    """With `discover=True`, the pool finds all other hosts through one, while they come and go."""
    with new_cluster(embedded=True) as cluster:
        pool = trial.pool(**with_hosts(trial, cluster.addresses[:1], discover=True))
        await trial.do(pool.open)

        def hosts() -> set[str]:
            return {host.host for host in pool.stats().hosts}

        await trial.until(lambda: hosts() == set(cluster.addresses))
        cluster.kill(2)
        await trial.until(lambda: hosts() == set(cluster.addresses[:2]))
        cluster.start(2)
        await trial.until(lambda: hosts() == set(cluster.addresses))
        # The server that was read for discovery stops, and so does the configured one.
        await trial.until(lambda: pool.stats().idle >= 2)
        cluster.kill(0)
        await trial.until(lambda: pool.stats().lost)
        assert await trial.run(r.expr(1), pool, deadline=PATIENCE) == 1


async def pool_that_may_not_look(trial: Trial) -> None:
    """If the user may not read `server_status`, the pool uses only the configured hosts."""
    with new_cluster(2, embedded=True, users={"guest": ""}) as cluster:
        admin = await trial.connect(**with_hosts(trial, cluster.addresses))
        assert await trial.run(r.db("rethinkdb").grant("guest", {"read": False}), admin)
        pool = trial.pool(**with_hosts(trial, cluster.addresses[:1], discover=True, user="guest"))
        await trial.do(pool.open)
        await trial.until(lambda: pool.stats().errors)
        assert [host.host for host in pool.stats().hosts] == cluster.addresses[:1]
        assert await trial.run(r.expr(1), pool) == 1


def move(trial: Trial, cluster: Cluster) -> None:
    """Begin to move the table's primary to another server. It ends when the cluster settles."""
    primary = cluster.primary(trial.db_name, "heroes")
    cluster.move_primary(trial.db_name, "heroes", 1 if primary == 0 else 0, seconds=math.inf)


async def moved(trial: Trial, cluster: Cluster, pool: Any, query: Any) -> Any:
    """Run a query while its table is unavailable. After its first failure, make it available."""
    failed = pool.stats().errors

    async def settle() -> None:
        await trial.until(lambda: pool.stats().errors > failed)
        cluster.settle()

    return await trial.beside(settle, partial(trial.run, query, pool))


async def pool_waits_out_a_move(trial: Trial) -> None:
    """Queries that the server did not perform are retried until the table is available."""
    with new_cluster(embedded=True) as cluster:
        pool = trial.pool(**with_hosts(trial, cluster.addresses, retry=PERSISTENT))
        await trial.run(r.db_create(trial.db_name), pool)
        await trial.run(r.db(trial.db_name).table_create("heroes", replicas=3), pool)
        move(trial, cluster)
        done = await moved(trial, cluster, pool, trial.table.insert({"id": 1, "n": 0}))
        assert done["inserted"] == 1, done
        move(trial, cluster)
        count = trial.table.get(1).update({"n": r.row["n"] + 1})
        assert (await moved(trial, cluster, pool, count))["replaced"] == 1
        move(trial, cluster)
        cluster.step()  # from now on reads fail, too
        assert await moved(trial, cluster, pool, trial.table.get(1)) == {"id": 1, "n": 1}
        assert pool.stats().retried >= 3


async def pool_with_a_write_of_which_nobody_knows(trial: Trial) -> None:
    """An indeterminate write is retried only if the user marks it as idempotent."""
    write = trial.table.insert({"id": 1}, conflict="replace")
    for options, answered in (({}, False), ({"idempotent": True}, True)):
        with new_cluster(embedded=True) as cluster:
            admin = await trial.connect(**with_hosts(trial, cluster.addresses))
            await trial.run(r.db_create(trial.db_name), admin)
            await trial.run(r.db(trial.db_name).table_create("heroes", replicas=3), admin)
            primary = cluster.primary(trial.db_name, "heroes")
            assert primary is not None
            hosts = [place for place in cluster.addresses if place != cluster.addresses[primary]]
            pool = trial.pool(**with_hosts(trial, hosts, retry=PERSISTENT))
            rows = cluster.store.table(trial.db_name, "heroes").rows
            # The server performs the write, and dies before it answers.
            cluster.freeze(primary, takes_writes=True)

            async def kill(
                cluster: Cluster = cluster, primary: int = primary, rows: Any = rows
            ) -> None:
                await trial.until(lambda: rows)
                cluster.kill(primary)

            run = partial(trial.run, write, pool, **options)
            outcome = await trial.beside(kill, run)
            if answered:
                assert outcome["errors"] == 0, outcome
            else:
                assert isinstance(outcome, ReqlOpIndeterminateError), outcome
                assert "idempotent=True" in str(outcome)
            assert pool.stats().retried == answered
            assert len(rows) == 1


async def pool_leaves_a_half_done_write(trial: Trial) -> None:
    """A query that writes many documents may have written some of them. It is not retried."""
    with new_cluster(embedded=True) as cluster:
        pool = trial.pool(**with_hosts(trial, cluster.addresses, retry=PERSISTENT))
        await trial.run(r.db_create(trial.db_name), pool)
        await trial.run(r.db(trial.db_name).table_create("heroes", replicas=3), pool)
        await trial.run(trial.table.insert([{"id": number} for number in range(9)]), pool)
        text = r"(?s)^Cannot perform (read|write):.*Not tried again"

        async def fails(pool: Any) -> None:
            await trial.fails(
                ReqlOpFailedError, text, trial.run, trial.table.update({"n": 1}), pool
            )

        db = trial.db_name
        cluster.move_primary(db, "heroes", 1 - (cluster.primary(db, "heroes") or 0), seconds=1e9)
        await fails(pool)
        cluster.settle()
        gone = trial.table.filter({"n": 1}).count()
        assert await trial.run(gone, pool) == 0
        assert pool.stats().retried == 0


async def pool_learns_that_a_table_is_gone(trial: Trial) -> None:
    """If a table does not exist, the query fails at once, without retries."""
    with new_cluster(1) as cluster:
        pool = trial.pool(**with_hosts(trial, cluster.addresses, retry=PERSISTENT))
        await trial.fails(ReqlOpFailedError, "does not exist", trial.run, trial.table, pool)
        assert pool.stats().retried == 0


SCENARIOS: tuple[Scenario, ...] = (
    connecting_to_one_of_several,
    connecting_to_none_of_several,
    connecting_with_a_wrong_password,
    pool_of_several_hosts,
    pool_follows_its_cluster,
    pool_that_may_not_look,
    pool_waits_out_a_move,
    pool_with_a_write_of_which_nobody_knows,
    pool_leaves_a_half_done_write,
    pool_learns_that_a_table_is_gone,
)
