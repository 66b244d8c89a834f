"""Tasks of any loop use a pool while its server restarts, and are cancelled at random moments.

`python -m tests.loops.loop_storm LOOP` goes on for some time, and prints its seed. Whatever
happens, each operation ends: with its own answer, with an error that says why, or cancelled. What
was acknowledged was done once; nothing is done twice; what is reported as not sent was not done.
At the end nothing is left in the pool.
"""

from __future__ import annotations

import argparse
import gc
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

from rethinkdb import loops
from rethinkdb import query as r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.blocking import Connection
from rethinkdb.pool import PoolClosedError, PoolFullError
from rethinkdb.testing.conformance import Driver, Trial, complete
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.pooling.help import entered
from rethinkdb.testing.proxy import FaultProxy

from .storms import Interrupted, Record, wait_until

__all__ = ["storm"]

# What an operation may end with.
_WHY = (ReqlConnectionLostError, ReqlTimeoutError, PoolFullError, PoolClosedError)

# Seconds after which something that has not happened hangs.
_HANGS = 30.0

_NEVER = 3600.0

_SMALL = {"max_batch_rows": 8}


class Storm(Record):
    """What the workers share.

    Attributes:
        over: whether workers stop.
        closes: with which `timeout` the pool is closed at half time; None: it is not.
    """

    def __init__(
        self, trial: Trial, pool: Any, seed: int, seconds: float, closes: float | None
    ) -> None:
        super().__init__(seed)
        self.trial = trial
        self.pool = pool
        self.over = False
        self.closes = closes
        self.half_time = time.monotonic() + seconds / 2

    def blame(self, text: str) -> None:
        self.wrong.append(text)
        self.over = True


class Worker:
    """One task's or thread's operations, chosen at random.

    Args:
        storm: what it takes part in.
        name: no other worker has it.
        cancels: cancels an operation at some moment; None: none is cancelled.
    """

    def __init__(self, storm: Storm, name: str, cancels: Callable[..., Any] | None) -> None:
        self.storm, self.name, self.cancels = storm, name, cancels
        self.trial, self.pool = storm.trial, storm.pool
        self.random = random.Random(f"{storm.seed} {name}")
        self.number = 0

    async def work(self) -> None:
        kinds = {
            self.ask: 6,
            self.write: 6,
            self.hurry: 3,
            self.iterate: 3,
            self.give_up: 3,
            self.leave: 1,
            self.watch: 2,
            self.borrow: 2,
            self.handle: 3,
            self.listen: 2,
        }
        while not self.storm.over:
            self.number += 1
            operation = self.random.choices(list(kinds), list(kinds.values()))[0]
            if self.cancels is not None and self.random.random() < 0.3:
                await self.cancels(self, partial(self.attempt, operation))
                self.storm.count("cancelled")
            else:
                await self.attempt(operation)

    async def attempt(self, operation: Callable[[], Any]) -> None:
        name = operation.__name__
        try:
            await operation()
            self.storm.count(f"{name}: done")
        except _WHY as exc:
            self.storm.count(f"{name}: {type(exc).__name__}")
        except (ReqlDriverError, AssertionError) as exc:
            self.storm.blame(f"{name}: {exc!r}")
        except Exception as exc:
            if type(exc).__name__ != "CancelledError":  # Twisted's is an Exception
                self.storm.blame(f"{name}: {exc!r}")
            raise

    # Operations.

    async def ask(self) -> None:
        answer = await self.trial.run(r.expr([self.name, self.number]), self.pool)
        assert answer == [self.name, self.number], answer

    async def hurry(self) -> None:
        """A query whose time may be up before it is answered, or before it has a connection."""
        deadline = self.random.random() * self.random.choice((0.001, 0.01, 0.1))
        answer = await self.trial.run(
            r.expr([self.name, self.number]), self.pool, deadline=deadline
        )
        assert answer == [self.name, self.number], answer

    async def write(self) -> None:
        id = f"{self.name} {self.number}"
        counted = {"id": id, "times": r.row["times"].default(0) + 1}
        try:
            answer = await self.trial.run(self.trial.table.get(id).replace(counted), self.pool)
        except ReqlDriverError as exc:
            if getattr(exc, "unsent", False):
                self.storm.undone.add(id)
            raise
        assert answer["inserted"] == 1, answer
        self.storm.done.add(id)

    async def iterate(self) -> None:
        numbers = list(range(self.number, self.number + 50))
        query = r.range(self.number, self.number + 50)
        cursor = await self.trial.run(query, self.pool, **_SMALL)
        found = [await self.trial.do(cursor.next) for _ in numbers]
        assert found == numbers, found

    async def give_up(self) -> None:
        """An endless query, of which some is taken, with pauses."""
        cursor = await self.trial.run(r.range(), self.pool, **_SMALL)
        for number in range(self.random.randrange(30)):
            assert await self.trial.do(cursor.next) == number
            if not self.random.randrange(10):
                await self.trial.driver.sleep(self.random.random() / 100)
        await self.trial.do(cursor.close)

    async def leave(self) -> None:
        """A cursor that goes as garbage."""
        cursor = await self.trial.run(r.range(), self.pool, **_SMALL)
        assert await self.trial.do(cursor.next) == 0

    async def watch(self) -> None:
        """A feed on which nothing comes in time."""
        resume = self.random.choice((None, None, "restart", "diff"))
        options = {} if resume is None else {"resume": resume}
        query = self.trial.table.get("nothing").changes()
        feed = await self.trial.run(query, self.pool, **options)
        try:
            item = await self.trial.do(feed.next, wait=self.random.random() / 100)
            assert "type" in item or "state" in item or resume, f"it has changed: {item}"
        except ReqlTimeoutError:
            pass
        finally:
            await self.trial.do(feed.close)

    async def borrow(self) -> None:
        async with entered(self.pool.connection()) as conn:
            conn.use("elsewhere")
            try:
                for part in range(self.random.randrange(4)):
                    answer = await self.trial.run(r.expr([self.name, part]), conn)
                    assert answer == [self.name, part], answer
                await self.trial.do(conn.noreply_wait)
            except ReqlDriverError:  # perhaps lost before this query, which then says "closed"
                if conn.is_open():
                    raise

    async def handle(self) -> None:
        """A function that is called back with each row."""
        rows: list[Any] = []
        numbers = list(range(self.number, self.number + 20))
        query = r.range(self.number, self.number + 20)
        handle = query.run_with(rows.append, self.pool, **_SMALL)
        await self.trial.do(handle.wait)
        if handle.error is not None:
            assert rows == numbers[: len(rows)], rows
            raise handle.error
        assert rows == numbers, rows

    async def listen(self) -> None:
        """A cursor that emits each row. Whatever ends it, it emits `close` once, at the end."""
        events: list[Any] = []
        numbers = list(range(self.number, self.number + 20))
        query = r.range(self.number, self.number + 20)
        cursor = await self.trial.run(query, self.pool, **_SMALL)
        for event in ("error", "end", "close"):
            cursor.on(event, partial(_keep, events, event))
        cursor.on("data", events.append)
        until = time.monotonic() + _HANGS
        while "close" not in events:
            assert time.monotonic() < until, f"no `close`: {events}"
            await self.trial.driver.sleep(0.002)
        *rows, last, close = events
        assert close == "close", events
        assert rows == numbers[: len(rows)], events
        if last == "end":
            assert rows == numbers, events
        else:
            raise last


def _keep(events: list[Any], event: str, error: Any = None) -> None:
    events.append(error or event)


async def cancel_a_task(worker: Worker, operation: Callable[[], Any]) -> None:
    turns = worker.random.choice((0, 1, 3, 10, 30, 100))
    left = iter(range(worker.random.randrange(turns + 1)))
    driver = worker.trial.driver

    async def operate_and_stay() -> None:
        await operation()
        await driver.sleep(_NEVER)

    await driver.cancel(operate_and_stay, lambda: next(left, None) is None)


async def interrupt_the_thread(worker: Worker, operation: Callable[[], Any]) -> None:
    inside = True

    def interrupt(*_: object) -> None:
        if inside:
            raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 + worker.random.random() / 200)
        await operation()
        inside = False
    except Interrupted:
        pass
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def storm(loop: str, seed: int, seconds: float, workers: int = 12) -> Counter[str]:
    """Run a storm on a loop, from the main thread.

    Args:
        loop: the name of the loop.
        seed: of the random choices; how tasks take turns is not in it.
        seconds: how long.
        workers: how many tasks, or threads.

    Returns:
        How many operations ended in which way.

    Raises:
        AssertionError: something went wrong, hangs, or is left behind.
    """
    import_module("rethinkdb.push.start")  # an import that is interrupted stays locked
    before = _threads()
    outcomes = _stormed(loop, seed, seconds, workers)
    gc.collect()
    wait_until(lambda: _threads() <= before, _HANGS, "a thread is left")
    return outcomes


def _threads() -> set[threading.Thread]:
    """The threads of pools. Those that call back end when nobody has the pool any more, which may
    be kept by a log of what failed. A thread whose start a handler interrupted is not alive: in
    Python it may wait for ever without having begun.
    """
    threads = threading.enumerate()
    return {thread for thread in threads if thread.name == "rethinkdb pool" and thread.is_alive()}


def _stormed(loop: str, seed: int, seconds: float, workers: int) -> Counter[str]:
    driver: Driver = DRIVERS[loop]()
    with (
        Server() as server,
        FaultProxy(server.host, server.port) as proxy,
        Connection.make(server.host, server.port) as admin,
        Trial(driver, loops.load(loop), proxy, admin) as trial,
    ):
        outcomes = driver.run(partial(_play, trial, seed, seconds, workers))
        assert not proxy.clients, "a link is left"
    return outcomes


async def _play(trial: Trial, seed: int, seconds: float, workers: int) -> Counter[str]:
    choice = random.Random(seed)
    pool = trial.pool(
        max_size=choice.choice((1, 2, 4)),
        per_connection=choice.choice((1, 2, 4, 64)),
        max_waiting=choice.choice((5, 1000)),
        acquire_timeout=choice.choice((0.01, 0.3, 10)),
        max_lifetime=choice.choice((0.2, 3600)),
        retry=choice.choice((True, None)),
    )
    weather = Storm(trial, pool, seed, seconds, choice.choice((None, None, 0, 0.05, 5)))
    around = threading.Thread(target=_restart, args=(weather, seconds), daemon=True)
    around.start()
    try:
        await _work(weather, workers)
    finally:
        weather.over = True
        around.join()
    assert not weather.wrong, f"seed {seed}: {weather.wrong}"
    await trial.until(lambda: _at_rest(pool))
    if weather.closes is None:
        await _usable(trial, pool)
    await trial.do(pool.close)
    stats = pool.stats()
    assert (stats.size, stats.in_flight, stats.waiting) == (0, 0, 0), stats
    await trial.until(lambda: not trial.proxy.clients)
    times = {row["id"]: row["times"] for row in trial.table.run(trial.admin)}
    assert set(times.values()) <= {1}, f"seed {seed}: done twice"
    weather.check(set(times))
    return weather.outcomes


async def _close(weather: Storm, timeout: float) -> None:
    """Close the pool in the middle of all."""
    while time.monotonic() < weather.half_time and not weather.over:
        await weather.trial.driver.sleep(0.01)
    await weather.trial.do(weather.pool.close, timeout=timeout)
    stats = weather.pool.stats()
    assert (stats.size, stats.in_flight, stats.waiting, stats.lent) == (0, 0, 0, 0), stats
    weather.over = True


async def _work(weather: Storm, workers: int) -> None:
    driver = weather.trial.driver
    closing = [] if weather.closes is None else [partial(_close, weather, weather.closes)]
    if not driver.shared:
        tasks = [Worker(weather, str(number), cancel_a_task) for number in range(workers)]
        outcomes = await driver.gather(*closing, *(task.work for task in tasks))
    else:
        others = [Worker(weather, str(number), None) for number in range(workers)]
        main = Worker(weather, "main", interrupt_the_thread)
        with ThreadPoolExecutor(1) as thread:
            around = driver.gather(*closing, *(other.work for other in others))
            gathered = thread.submit(complete, around)
            await main.work()
            outcomes = gathered.result()
    weather.wrong += [repr(outcome) for outcome in outcomes if outcome is not None]


async def _usable(trial: Trial, pool: Any) -> None:
    until = time.monotonic() + _HANGS
    while True:
        try:
            assert await trial.run(r.expr("still here"), pool) == "still here"
            return
        except _WHY:  # a pool may give a query little time, or not try again
            if time.monotonic() > until:
                raise


def _at_rest(pool: Any) -> bool:
    stats = pool.stats()
    left = stats.in_flight, stats.waiting, stats.lent, stats.cursors, stats.feeds
    return not any(left)


def _restart(weather: Storm, seconds: float) -> None:
    """Restart the server, cut links; at last end the storm."""
    choice = random.Random(f"{weather.seed} restarts")
    until = time.monotonic() + seconds
    proxy = weather.trial.proxy
    while time.monotonic() < until and not weather.over:
        time.sleep(choice.random())
        if choice.random() < 0.5:
            proxy.cut()
            weather.count("cuts")
            continue
        proxy.stop()
        time.sleep(choice.choice((0, 0.05, 0.2)))
        proxy.start()
        weather.count("restarts")
    weather.over = True


def main() -> int:
    """Tell how it went."""
    parser = argparse.ArgumentParser("python -m tests.loops.loop_storm", description=__doc__)
    parser.add_argument("loop", choices=list(DRIVERS))
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    outcomes = storm(options.loop, options.seed, options.seconds)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:8} {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
