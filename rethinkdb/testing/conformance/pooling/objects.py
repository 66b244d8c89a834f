"""Scenarios: a pool as an object: its `repr`, its thread, its listeners."""

from __future__ import annotations

import copy
import pickle
import threading
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlDriverError,
)

from ..trial import Scenario, Trial
from .help import closes, tried_until

__all__ = ["SCENARIOS"]


async def pool_is_no_value(trial: Trial) -> None:
    """A pool cannot be copied or pickled, and has a useful `repr`."""
    pool = trial.pool(name="web", password="hunter2")
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        await trial.fails(TypeError, "cannot be copied or pickled", attempt, pool)
    assert repr(pool) == (
        f"<ConnectionPool 'web' 127.0.0.1:{trial.proxy.port} 0 open, 0 in flight>"
    ), pool
    await trial.do(pool.close)
    assert repr(pool).endswith(" closed>")
    await trial.fails(ReqlDriverError, "no event 'lsot'", pool.on, "lsot", print)


async def pools_side_by_side(trial: Trial) -> None:
    """Two pools do not affect each other."""
    first, second = trial.pool(max_size=1), trial.pool(max_size=1)
    conn = await trial.do(first.acquire)
    assert await trial.run(r.expr(1), second) == 1
    await trial.fails(ReqlDriverError, "not acquired from this pool", second.release, conn)
    await trial.do(second.close)
    await trial.do(first.release, conn)
    assert await trial.run(r.expr(1), first) == 1


async def pool_in_another_thread(trial: Trial) -> None:
    """A pool that threads may not share raises a clear error in another thread."""
    pool = trial.pool()
    assert await trial.run(r.expr(1), pool) == 1
    outcomes: list[Any] = []

    def use() -> None:
        for method in (partial(trial.run, r.expr(1), pool), partial(trial.do, pool.acquire)):
            try:
                outcomes.append(trial.driver.run(method))
            except Exception as exc:
                outcomes.append(exc)

    thread = threading.Thread(target=use)
    thread.start()
    await trial.until(lambda: len(outcomes) == 2)
    thread.join()
    if trial.driver.shared:
        assert outcomes[0] == 1
        await trial.do(pool.release, outcomes[1])
    else:
        assert {type(outcome) for outcome in outcomes} == {ReqlDriverError}, outcomes
        assert all("cannot be used here" in str(outcome) for outcome in outcomes), outcomes
    assert await trial.run(r.expr(1), pool) == 1
    await closes(trial, pool)


async def pool_listeners(trial: Trial) -> None:
    """A listener may use the pool. If it raises, this harms nothing."""
    pool = trial.pool(max_size=1)
    seen: list[Any] = []

    def listen(event: Any) -> None:
        seen.append((event.name, event.host, pool.stats().opened))
        raise ZeroDivisionError

    pool.on("opened", listen).on("lost", listen)
    assert await trial.run(r.expr(1), pool) == 1
    await trial.until(lambda: seen)
    assert seen == [("opened", f"127.0.0.1:{trial.proxy.port}", 1)]
    trial.proxy.cut()
    await tried_until(trial, pool, lambda: len(seen) >= 3)
    assert [name for name, _, _ in seen] == ["opened", "lost", "opened"]


SCENARIOS: tuple[Scenario, ...] = (
    pool_is_no_value,
    pools_side_by_side,
    pool_in_another_thread,
    pool_listeners,
)
