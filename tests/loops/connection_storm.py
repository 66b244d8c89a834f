"""Threads share a blocking connection; signals, cuts and reconnects strike it at random.

`python -m tests.loops.connection_storm` goes on for some minutes, and prints its seed. Whatever
happens, each operation ends: with its own answer, with an error that says why, or with what a
signal handler raised. What was acknowledged was done; nothing is done twice; what is reported as
not sent was not done.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from rethinkdb import query as r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.blocking import Connection
from rethinkdb.testing.proxy import FaultProxy

from .storms import Interrupted, Record, wait_until

__all__ = ["storm"]

# Seconds without any operation that ends, after which one of them hangs.
_HANGS = 60.0

_TABLE = r.db("test").table("storm")


class Storm(Record):
    """What the threads share."""

    def __init__(self, conn: Connection, seed: int) -> None:
        super().__init__(seed)
        self.conn = conn
        self.over = threading.Event()

    def blame(self, text: str) -> None:
        self.wrong.append(text)
        self.over.set()


class Worker:
    """One thread's operations, chosen at random."""

    def __init__(self, storm: Storm, name: str) -> None:
        self.storm = storm
        self.conn = storm.conn
        self.name = name
        self.random = random.Random(f"{storm.seed} {name}")
        self.number = 0

    def work(self, operations: int) -> None:
        """Do so many operations; none after something went wrong."""
        for _ in range(operations):
            if self.storm.wrong:
                return
            self.number += 1
            self.step()

    def step(self) -> None:
        operation = self.random.choices(
            (
                self.insert,
                self.send,
                self.ask,
                self.iterate,
                self.give_up,
                self.watch,
                self.reconnect,
            ),
            (6, 3, 6, 3, 2, 2, 1),
        )[0]
        try:
            self.attempt(operation)
            self.storm.count(f"{operation.__name__}: done")
        except ReqlDriverError as exc:
            self.storm.count(f"{operation.__name__}: {type(exc).__name__}")
            if self.random.random() < 0.5:
                self.recover()
        except Interrupted:
            self.storm.count(f"{operation.__name__}: interrupted")
        except Exception as exc:
            self.storm.blame(f"{operation.__name__}: {exc!r}")

    def attempt(self, operation: Callable[[], None]) -> None:
        operation()

    def recover(self) -> None:
        try:
            self.attempt(self.reconnect)
        except (ReqlDriverError, Interrupted) as exc:
            self.storm.count(f"recover: {type(exc).__name__}")

    # Operations.

    def insert(self) -> None:
        id = f"{self.name} {self.number}"
        try:
            answer = _TABLE.insert({"id": id}).run(self.conn)
        except ReqlDriverError as exc:
            if getattr(exc, "unsent", False):
                self.storm.undone.add(id)
            raise
        assert answer["inserted"] == 1, answer
        self.storm.done.add(id)

    def send(self) -> None:
        """Insert some documents, some of them large, without waiting for answers."""
        for part in range(4):
            id = f"{self.name} {self.number} {part}"
            text = "x" * self.random.choice((1, 1, 200_000))
            try:
                insert = _TABLE.insert({"id": id, "text": text}, durability="soft")
                assert insert.run(self.conn, noreply=True) is None
            except ReqlDriverError as exc:
                if getattr(exc, "unsent", False):
                    self.storm.undone.add(id)
                raise
        self.conn.noreply_wait()

    def ask(self) -> None:
        answer = r.expr([self.name, self.number]).run(self.conn)
        assert answer == [self.name, self.number], answer

    def iterate(self) -> None:
        cursor = r.range(self.number, self.number + 50).run(self.conn, max_batch_rows=8)
        assert list(cursor) == list(range(self.number, self.number + 50))

    def give_up(self) -> None:
        """An endless query, of which some is taken."""
        with r.range().run(self.conn, max_batch_rows=8) as cursor:
            assert [cursor.next() for _ in range(20)] == list(range(20))

    def watch(self) -> None:
        """A feed on which nothing comes in time."""
        with _TABLE.get("nothing").changes().run(self.conn) as feed:
            try:
                feed.next(wait=self.random.random() / 100)
            except ReqlTimeoutError:
                return
        raise AssertionError("it has changed")

    def reconnect(self) -> None:
        assert self.conn.reconnect(noreply_wait=self.random.random() < 0.5) is self.conn


class MainWorker(Worker):
    """That of the main thread, where signal handlers run. They raise once an operation."""

    inside = raised = False

    def attempt(self, operation: Callable[[], None]) -> None:
        try:
            self.raised = False
            self.inside = True
            operation()
        finally:
            self.inside = False

    def handle(self, signum: int, frame: Any) -> None:
        if not self.inside:
            return
        action = self.random.choice((self.strike, self.strike, self.use, self.use, self.mend))
        self.storm.count(f"handlers: {action.__name__}")
        action()

    def strike(self) -> None:
        if not self.raised:
            self.raised = True
            raise Interrupted

    def use(self) -> None:
        try:
            answer = r.expr(["handler", self.number]).run(self.conn)
        except ReqlDriverError:
            return
        if answer != ["handler", self.number]:
            self.storm.blame(f"the handler got {answer}")

    def mend(self) -> None:
        try:
            self.conn.reconnect(noreply_wait=False)
        except ReqlDriverError:
            self.storm.count("handlers: could not reconnect")


def storm(seed: int, threads: int, operations: int) -> Counter[str]:
    """Run a storm, from the main thread.

    Args:
        seed: of the random choices; how threads take turns is not in it.
        threads: how many beside the main one.
        operations: how many each of them does.

    Returns:
        How many operations ended in which way.

    Raises:
        AssertionError: something went wrong, or hangs.
    """
    before = set(threading.enumerate())
    with (
        Server() as server,
        FaultProxy(server.host, server.port) as proxy,
        Connection.make(server.host, server.port) as admin,
    ):
        r.db("test").table_create("storm").run(admin)
        conn = Connection.make(proxy.host, proxy.port)
        weather = Storm(conn, seed)
        _play(weather, proxy, threads, operations)
        assert not weather.wrong, f"seed {seed}: {weather.wrong}"
        conn.reconnect()
        found = set(_TABLE["id"].run(admin))
        weather.check(found)
        conn.close()
        wait_until(lambda: not proxy.clients, _HANGS, "a link is left")
    wait_until(lambda: set(threading.enumerate()) <= before, _HANGS, "a thread is left")
    return weather.outcomes


def _play(weather: Storm, proxy: FaultProxy, threads: int, operations: int) -> None:
    main = MainWorker(weather, "main")
    workers = [
        threading.Thread(target=Worker(weather, str(number)).work, args=(operations,), daemon=True)
        for number in range(threads)
    ]
    around = [
        threading.Thread(target=_strike, args=(weather, main), daemon=True),
        threading.Thread(target=_cut, args=(weather, proxy), daemon=True),
        threading.Thread(target=_watch, args=(weather,), daemon=True),
    ]
    previous = signal.signal(signal.SIGUSR1, main.handle)
    try:
        for thread in (*workers, *around):
            thread.start()
        main.work(operations)
        for thread in workers:
            while thread.is_alive() and not weather.wrong:
                thread.join(0.1)
    finally:
        weather.over.set()
        for thread in around:
            thread.join()
        signal.signal(signal.SIGUSR1, previous)


def _strike(weather: Storm, main: MainWorker) -> None:
    """Signals, at moments of the main thread's operations."""
    choice = random.Random(f"{weather.seed} strikes")
    number = 0
    while not weather.over.wait(choice.random() / 1000):
        if main.number != number:
            number = main.number
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _cut(weather: Storm, proxy: FaultProxy) -> None:
    choice = random.Random(f"{weather.seed} cuts")
    ended = 0
    while not weather.over.wait(0.002):
        if weather.outcomes.total() >= ended:
            ended = weather.outcomes.total() + choice.randrange(200, 400)
            proxy.cut()
            weather.count("cuts")


def _watch(weather: Storm) -> None:
    """Notice that something hangs."""
    seen, seen_at = -1, time.monotonic()
    while not weather.over.wait(0.2):
        if weather.outcomes.total() != seen:
            seen, seen_at = weather.outcomes.total(), time.monotonic()
        if time.monotonic() - seen_at > _HANGS:
            weather.blame(f"an operation hangs; {weather.outcomes}")
            weather.conn._channel.drop()
            return


def main() -> int:
    """Tell how it went."""
    parser = argparse.ArgumentParser("python -m tests.loops.connection_storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--operations", type=int, default=10_000, help="of each thread")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    begun = time.monotonic()
    outcomes = storm(options.seed, options.threads, options.operations)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:8} {outcome}")
    print(f"{outcomes.total()} in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
