"""The floor of gevent: the hub reads the socket and wakes the greenlet that asked; see `frames`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
from bare import CONTINUE, PARTIAL
from blocking_floor import Writer, changing, getting, insertion, scanning, warm_up, write_before
from frames import READ_SIZE, Frames, dialled
from gevent.hub import Waiter
from gevent.socket import wait_write
from job import ONE_BY_ONE, Job

__all__ = ["measure"]


def measure(work: str, job: Job) -> None:
    client = GeventClient(dialled(job))
    for query in warm_up():
        client.ask(query).get()
    for _ in job.turns():
        globals()[work](job, client)


class GeventClient(Frames):
    """A Waiter a query."""

    def __init__(self, sock: Any) -> None:
        super().__init__()
        self.sock, self.loop = sock, gevent.get_hub().loop
        self.watcher = self.loop.io(sock.fileno(), 1)
        self.watcher.start(self.readable)

    def ask(self, payload: bytes, token: int = 0) -> Any:
        waiter = Waiter()
        self.put(payload, waiter.switch, token or self.token())
        return waiter

    def soon(self) -> None:
        self.loop.run_callback(self.flush)

    def write(self, frame: bytes) -> None:
        sent = self.send(frame)
        if sent == len(frame):
            return
        if gevent.getcurrent() is gevent.get_hub():  # which must not wait
            gevent.spawn(self.write, frame[sent:])
            return
        while frame := frame[sent:]:
            wait_write(self.sock.fileno())
            sent = self.send(frame)

    def send(self, data: bytes) -> int:
        try:
            sent: int = self.sock.send(data)
        except BlockingIOError:
            return 0
        return sent

    def readable(self) -> None:
        if self.rest is not None:
            self.filled(self.sock.recv_into(self.rest))
        else:
            self.received(self.sock.recv(READ_SIZE))


def get(job: Job, client: GeventClient) -> None:
    with job.meter():
        for key in job.wanted_keys():
            client.ask(getting(key)).get()["r"][0]


def get_spread(job: Job, client: GeventClient) -> None:
    keys = list(job.wanted_keys())

    def work(number: int) -> None:
        for key in keys[number :: job.spread]:
            client.ask(getting(key)).get()["r"][0]

    with job.meter():
        greenlets = [gevent.spawn(work, number) for number in range(job.spread)]
        gevent.joinall(greenlets, raise_error=True)


def scan(job: Job, client: GeventClient) -> None:
    count = 0
    with job.meter():
        for rows in batches(job, client):
            for _ in rows:
                count += 1
            del rows  # before the next are decoded
    job.check(count)


def scan_list(job: Job, client: GeventClient) -> None:
    found: list[Any] = []
    with job.meter():
        for rows in batches(job, client):
            found += rows
            del rows
    job.check(len(found))
    job.kept()


def batches(job: Job, client: GeventClient) -> Iterator[list[Any]]:
    token = client.token()
    reply = client.ask(scanning(job), token).get()
    while reply["t"] == PARTIAL:
        coming = client.ask(CONTINUE, token)
        yield reply.pop("r")
        reply = coming.get()
    yield reply.pop("r")


def insert_batch(job: Job, client: GeventClient) -> None:
    inserted, given = 0, job.batches()
    with job.meter():
        for rows in given:
            inserted += client.ask(insertion("written", rows)).get()["r"][0]["inserted"]
    job.check(inserted)


def insert_one(job: Job, client: GeventClient) -> None:
    inserted, given = 0, job.rows()
    with job.meter():
        for row in given:
            inserted += client.ask(insertion("written", row)).get()["r"][0]["inserted"]
    job.check(inserted)


def feed(job: Job, client: GeventClient) -> None:
    changes = opened(client, changing(**ONE_BY_ONE))
    writer = Writer(job)
    with job.meter():
        writer.start()
        for _ in range(job.items):
            next(changes)
    writer.close()


def feed_burst(job: Job, client: GeventClient) -> None:
    changes = opened(client, changing())
    write_before(job)
    with job.meter():
        for _ in range(job.items):
            next(changes)


def opened(client: GeventClient, query: bytes) -> Iterator[Any]:
    """The rows of a feed, one at a time; a batch is read ahead."""
    token = client.token()
    first = client.ask(query, token).get()["r"]
    return changes_of(client, token, first, client.ask(CONTINUE, token))


def changes_of(client: GeventClient, token: int, rows: list[Any], coming: Any) -> Iterator[Any]:
    while True:
        yield from rows
        del rows  # before the next are decoded
        rows = coming.get()["r"]
        coming = client.ask(CONTINUE, token)
